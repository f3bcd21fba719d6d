"""The installed SDKs run by the suite: they work on the reference server, and say what they trip over."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance import sdk
from wiremark_conformance.judge import Evidence, judge_one
from wiremark_conformance.sdk import SCENARIOS
from wiremark_conformance.target import Target
from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.credentials import Credentials

server = runpy.run_path(str(Path(__file__).parents[1] / "fuzz.py"))["server"]
pytestmark = pytest.mark.usefixtures("no_keys")


def _target(contract: str, url: str, key: str) -> Target:
    found = contracts.load(contract)
    return Target(found, found.models[0].id, found.base_path, Credentials({"default": key}), url, "x")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contract", "family"), [("openai", "openai"), ("anthropic", "anthropic"), ("gemini", "google-genai")]
)
def test_the_official_sdks_work_on_the_reference_server(tmp_path: Path, contract: str, family: str) -> None:
    with server(contract, tmp_path) as url:
        told = ("--credentials", str(tmp_path / "keys.yaml"), "--out", str(tmp_path))
        asked = ("check", "--base-url", url, "--contract", contract, "--sdk", "all", "-k", "sdk", *told)
        done = subprocess.run(
            [sys.executable, "-m", "wiremark_conformance.cli", *asked],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    results = json.loads((tmp_path / "report.json").read_text())["results"]
    passed = {row["requirement"] for row in results if row["verdict"] == "pass"}
    assert {name for name in SCENARIOS if name.startswith(f"sdk.{family}.")} <= passed


def test_what_an_sdk_trips_over_is_told(endpoints: Any) -> None:
    endpoint = endpoints({("GET", "/v1/models"): endpoints.answer([{"id": "m"}], 200)})
    target = _target("openai", endpoint.url, "sk-sdk-secret")
    evidence = Evidence(target, sdk.run(["sdk.openai.models", "sdk.openai.error"], target))
    judged = judge_one("sdk.openai.models", evidence)
    assert judged.verdict is Verdict.FAIL
    assert judged.message.startswith("openai/models ")
    assert "Error" in judged.message


def test_what_is_not_promised_or_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    target = _target("openai", "http://127.0.0.1:9/v1", "k")
    assert sdk.run(["sdk.anthropic.message"], target) == {}
    monkeypatch.setattr(sdk, "installed", lambda _: False)
    assert sdk.run(["sdk.openai.models"], target) == {}


def test_a_process_that_says_nothing_is_infra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "SECONDS", 0.01)
    target = _target("openai", "http://127.0.0.1:9/v1", "k")
    evidence = Evidence(target, sdk.run(["sdk.openai.chat"], target))
    assert judge_one("sdk.openai.chat", evidence).verdict is Verdict.INFRA

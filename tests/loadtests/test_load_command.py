"""`wiremark load` as a user types it, against a scripted gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests import commands

KEY = "hermes_pk_made_up"


def _argv(base_url: str, *more: str) -> list[str]:
    return ["--base-url", base_url, "--users", "2", "--duration", "1", "--seed", "1", *more]


def test_a_broken_stream_and_a_wrong_bill_are_findings(
    gateway: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Fast but broken cannot pass: every fifth stream ends without [DONE], every bill is 1 µUSD off."""
    bill, events = gateway.bill, gateway.events
    gateway.bill = lambda request_id: [bill(request_id)[0] | {"amount_microusd": 4}]
    gateway.events = lambda request_id: events(request_id)[: -1 if int(request_id[4:]) % 5 == 0 else None]
    argv = _argv(gateway.base_url, "--contract", "hermes-tokens", "--api-key", KEY, "--out", str(tmp_path))
    assert commands.load(argv) == 1
    written = json.loads((tmp_path / "load.json").read_text())
    assert written["errors"]["broken-stream:no-done"] == written["requests"]["failed"] > 0
    kinds = {entry["kind"] for entry in written["audit"]["discrepancies"]}
    assert kinds == {"wrong-amount"}
    assert len(written["audit"]["discrepancies"]) == written["requests"]["started"] == len(gateway.bodies)
    shown = capfd.readouterr()
    assert "req-1: charged 4, not 3" in shown.out
    assert KEY not in shown.out + shown.err


def test_refusals_alone_cannot_be_judged(gateway: Any, capfd: pytest.CaptureFixture[str]) -> None:
    gateway.status = 429
    argv = _argv(gateway.base_url, "--contract", "hermes-tokens", "--api-key", KEY)
    assert commands.load(argv) == 3
    shown = capfd.readouterr()
    assert "no request was answered" in shown.out
    assert "ledger audit: no discrepancy" in shown.out


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--contract", "nope"], 2, "there is no contract called 'nope'"),
        (["--contract", "openai"], 3, "nothing accepts connections"),
    ],
)
def test_bad_input_is_one_line(
    more: list[str], code: int, message: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert commands.load(_argv("http://127.0.0.1:9/v1", "--out", str(out), *more)) == code
    shown = capfd.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("wrong", [["--users", "0"], ["--duration", "-1"], ["--duration", "1.5"]])
def test_numbers_are_checked(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        commands.load(_argv("http://127.0.0.1:9/v1", *wrong))
    assert caught.value.code == 2
    assert "is not a whole number" in capsys.readouterr().err


def test_the_key_goes_by_the_environment_and_locust_settings_stay_out() -> None:
    argv = _argv("http://h/v1", "--api-key", KEY, "--credentials", "keys.yaml", "--model", "m")
    options = commands._parser().parse_args(argv)
    command = commands.command(options, 1)
    assert KEY not in " ".join(command)
    assert command[command.index("--wiremark-model") + 1] == "m"
    assert "--wiremark-credentials" not in command
    child = commands.environment(options, {"LOCUST_HEADLESS": "0", "PATH": "/bin"})
    assert child == {"PATH": "/bin", "WIREMARK_API_KEY": KEY}

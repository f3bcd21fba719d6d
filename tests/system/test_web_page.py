"""Locust's page in a real browser, with our tabs filled."""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
import sys
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests import children
from wiremark_loadtests.demo import wiremark

from tests.system.chromium import HEADLESS, browser_command

SECONDS = 60


@contextmanager
def _locust(folder: Path, run_time: str, *fault: str) -> Iterator[tuple[str, children.Output]]:
    """A Locust with its web page that begins a run by itself; its URL and its output."""
    keys = folder / "keys.yaml"
    serve = wiremark("serve", "--contract", "hermes-tokens", "--port", "0", "--credentials-file", str(keys))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with children.running([*serve, *fault], piped=True) as server:
        base_url = children.Output(server).line_with("listening on ", 30)
        assert base_url is not None
        entry = files("wiremark_loadtests").joinpath("entry", "locustfile.py")
        command = [
            *(sys.executable, "-m", "locust", "-f", str(entry), "--web-host", "127.0.0.1"),
            *("--web-port", str(port), "--host", base_url, "--skip-log-setup"),
            *("--autostart", "--users", "4", "--spawn-rate", "4", "--run-time", run_time),
            *("--wiremark-contract", "hermes-tokens", "--wiremark-credentials", str(keys)),
        ]
        with children.running(command, piped=True) as locust:
            yield f"http://127.0.0.1:{port}", children.Output(locust)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The web page of a Locust that has just ended a short run; its URL."""
    with _locust(tmp_path_factory.mktemp("page"), "2s") as (url, output):
        assert output.line_with("ledger audit: no discrepancy", SECONDS) is not None
        yield url


def _tabs(url: str) -> dict[str, list[dict[str, Any]]]:
    told = json.loads(_get(f"{url}/stats/requests"))
    return {entry["key"]: entry["data"] for entry in told["extended_stats"]}


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_the_page_carries_every_tab_and_its_numbers(page: str) -> None:
    told = _tabs(page)
    measured = {row["measure"]: row for row in told["wiremark-latency"]}
    assert measured["time to first token (ms)"]["count"] > 0
    assert measured["output tokens per second"]["mean"] > 0
    assert [row["what"] for row in told["wiremark-audit"]] == ["receipts", "no discrepancy"]
    assert told["wiremark-workers"][0]["requests"] > 0
    assert json.loads(_get(f"{page}/wiremark/load.json"))["audit"]["ok"]


def test_a_wrong_bill_shows_while_the_run_is_under_way(tmp_path: Path) -> None:
    with _locust(tmp_path, "10m", "--fault", "ledger.charge-one-more") as (url, output):
        assert (output.line_with("live audit: wrong-amount", SECONDS) or "").startswith(": charged")
        told = _tabs(url)
    counts, so_far, *found = told["wiremark-audit"]
    assert (counts["what"], counts["expected"] > 0) == ("receipts", True)
    many, _, words = so_far["what"].partition(" ")
    assert words == "discrepancies so far"
    assert so_far["charged"] - so_far["expected"] == int(many)
    assert len(found) == min(int(many), 500) > 0  # the page shows no more
    assert {entry["what"] for entry in found} == {"wrong-amount"}
    assert all(entry["request"] for entry in found)
    assert told["wiremark-workers"][0]["requests"] > 0


@pytest.mark.real
@pytest.mark.parametrize(
    ("tab", "words"),
    [
        (
            "wiremark-latency",
            ["Tokens &amp; latency", "time to first token (ms)", "output tokens per second"],
        ),
        ("wiremark-audit", ["receipts", "no discrepancy", "ledger rows"]),
        ("wiremark-workers", ["Share of a core", "/"]),
    ],
)
def test_a_browser_shows_the_tab_filled(page: str, tab: str, words: list[str], tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    command = [
        *(browser_command(), *HEADLESS),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=8000", "--window-size=1280,1000"),
    ]
    url = f"{page}/?tab={tab}"
    shown = subprocess.run(
        [*command, "--dump-dom", url], capture_output=True, text=True, timeout=90, check=True
    )
    text = re.sub(r"<script.*?</script>", "", shown.stdout, flags=re.DOTALL)
    assert [word for word in words if word not in text] == []
    subprocess.run([*command, f"--screenshot={picture}", url], capture_output=True, timeout=90, check=True)
    width, height, colours = _picture(picture.read_bytes())
    assert (width, height) == (1280, 1000)
    assert colours > 20  # text and lines, not an empty page


def _picture(png: bytes) -> tuple[int, int, int]:
    """Width, height, and how many different bytes the rows of pixels have."""
    width, height = struct.unpack(">II", png[16:24])
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    return width, height, len(set(zlib.decompress(data)))

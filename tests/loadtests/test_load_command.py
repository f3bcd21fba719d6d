"""`wiremark load` as a user types it, against a scripted gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests import command_line, commands

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
    options = command_line.parser().parse_args(argv)
    command = command_line.locust(options, 1)
    assert KEY not in " ".join(command)
    assert command[command.index("--wiremark-model") + 1] == "m"
    assert "--wiremark-credentials" not in command
    child = command_line.environment(options, {"LOCUST_HEADLESS": "0", "PATH": "/bin"})
    assert child == {"PATH": "/bin", "WIREMARK_API_KEY": KEY}


def test_an_open_loop_gets_time_to_connect_and_a_closed_one_none() -> None:
    parse = command_line.parser().parse_args
    rated = command_line.locust(parse(["--base-url", "u", "--rate", "5", "--duration", "7"]), 7)
    assert rated[rated.index("--run-time") + 1] == "8s"
    assert rated[rated.index("--wiremark-stages") + 1] == "5.0@7"
    closed = command_line.locust(parse(["--base-url", "u", "--duration", "7"]), 7)
    assert closed[closed.index("--run-time") + 1] == "7s"


def test_the_length_of_a_run_is_that_of_its_stages_or_trace(tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("at,prompt_tokens,output_tokens\n0,1,1\n9.5,1,1\n")
    parse = command_line.parser().parse_args
    lengths = {"--stages": ("1@2,3-4@2.5", 5), "--trace": (str(trace), 11), "--duration": ("3", 3)}
    for option, (value, seconds) in lengths.items():
        assert command_line.seconds(parse(["--base-url", "u", option, value])) == seconds
    assert command_line.seconds(parse(["--base-url", "u"])) is None


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--users", "1"], "say what to load"),
        (["--base-url", "http://h/v1"], "say how long"),
        (["--base-url", "http://h/v1", "--duration", "1", "--sweep", "5"], "is no pair of rates"),
        (["--base-url", "http://h/v1", "--duration", "1", "--sweep", "1-9"], "needs --slo"),
        (
            ["--base-url", "u", "--duration", "1", "--sweep", "1-9", "--slo", "e2e=1", "--rate", "3"],
            "chooses the",
        ),
    ],
)
def test_what_is_left_out_is_asked_for(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.load(argv) == 2
    assert message in capsys.readouterr().err


def test_a_worker_needs_to_know_only_its_master() -> None:
    options = command_line.parser().parse_args(["--worker", "10.0.0.1:6000", "--processes", "-1"])
    words = command_line.locust_worker(options)
    found = words[words.index("--worker") :]
    assert found[:3] == ["--worker", "--master-host", "10.0.0.1"]
    assert found[-4:] == ["--master-port", "6000", "--processes", "-1"]

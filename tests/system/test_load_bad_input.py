"""Load runs that go wrong in the middle: they end in time, with a verdict and every receipt that they had."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from wiremark_loadtests import children, command_line, commands
from wiremark_loadtests.demo import wiremark
from wiremark_schemas import credentials

SECONDS = 90


@contextmanager
def _gateway(folder: Path) -> Iterator[tuple[list[str], Callable[[], None]]]:
    """A gateway, as the options of a load run, and a function that ends it as a crash would."""
    keys = folder / "keys.yaml"
    serve = wiremark("serve", "--contract", "hermes-tokens", "--port", "0", "--credentials-file", str(keys))
    with children.running(serve, piped=True) as server:
        base_url = children.Output(server).line_with("listening on ", 30)
        assert base_url is not None
        options = ["--base-url", base_url, "--contract", "hermes-tokens", "--credentials", str(keys)]
        yield options, lambda: os.kill(server.pid, signal.SIGKILL)


def _when_loaded(
    options: Sequence[str], what: Callable[[], None], met: Callable[[], bool] = lambda: True
) -> threading.Thread:
    """Do something as soon as the gateway has answered a few requests, and what else is to be met."""
    key = credentials.load(Path(options[5]))["default"]
    ask = Request(f"{options[1]}/usage?limit=50", headers={"Authorization": f"Bearer {key}"})

    def watch() -> None:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with urlopen(ask, timeout=5) as answer:
                if len(json.load(answer)["data"]) == 50 and met():
                    break
        what()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_an_endpoint_that_dies_leaves_its_receipts_and_a_verdict(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with _gateway(tmp_path) as (options, crash):
        watch = _when_loaded(options, crash)
        code = commands.load([*options, "--users", "3", "--duration", "3", "--out", str(tmp_path / "out")])
        watch.join()
    assert code == 3
    load = json.loads((tmp_path / "out" / "load.json").read_text())
    assert load["requests"]["ok"] > 0
    assert load["errors"]["connect"] > 0
    assert load["audit"] is None
    assert "the audit was not possible" in capfd.readouterr().out


def test_a_worker_that_is_lost_is_missed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    worker = command_line.locust_worker(command_line.parser().parse_args(["--worker", f"127.0.0.1:{port}"]))
    with _gateway(tmp_path) as (options, _):
        master = wiremark(
            *("load", "--master", "127.0.0.1", "--master-port", port, "--workers", "2", "--users", "4"),
            *(*options, "--duration", "5", "--out", str(tmp_path / "out")),
        )
        with (
            children.running(master, piped=True) as running,
            children.running(worker),
            children.running(worker) as lost,
        ):
            output = children.Output(running)
            watch = _when_loaded(options, lost.kill)
            assert running.wait(timeout=SECONDS) == 3
            watch.join()
    assert any("1 worker(s) never reported" in line for line in output.last)
    load = json.loads((tmp_path / "out" / "load.json").read_text())
    assert load["requests"]["ok"] > 0
    assert load["audit"]["receipts"] > 0


LONG = pytest.mark.skipif("WIREMARK_LONG" not in os.environ, reason="waits for time-outs: `make load-faults`")


@LONG
def test_a_master_that_is_killed_leaves_its_receipts_and_its_workers_to_the_next(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    worker = wiremark("load", "--worker", f"127.0.0.1:{port}")
    with _gateway(tmp_path) as (options, _), children.running(worker, piped=True) as working:
        told = children.Output(working)
        master = wiremark(
            *("load", "--master", "127.0.0.1", "--master-port", port, "--workers", "1", "--users", "4"),
            *(*options, "--out", str(tmp_path / "out"), "--duration"),
        )
        with children.running([*master, "60"], piped=True) as running:
            output = children.Output(running)
            watch = _when_loaded(
                options,
                lambda: os.kill(_child_of(running.pid), signal.SIGKILL),
                met=(tmp_path / "out" / "receipts.jsonl").exists,
            )
            assert running.wait(timeout=SECONDS) == 3
            watch.join()
        assert "ended by signal 9; the receipts that it had are in" in "\n".join(output.all())
        assert len((tmp_path / "out" / "receipts.jsonl").read_text().splitlines()) > 0
        with children.running([*master, "2"]) as again:
            assert told.line_with("wiremark: the master has not been heard of", SECONDS) is not None
            assert again.wait(timeout=SECONDS) == 0
    load = json.loads((tmp_path / "out" / "load.json").read_text())
    assert load["requests"]["started"] == load["audit"]["receipts"] == load["audit"]["ledger_rows"] > 0
    (kept,) = (tmp_path / "out").glob("receipts-*.jsonl")
    assert len(kept.read_text().splitlines()) > 0


def _child_of(parent: int) -> int:
    """The process that Locust owns."""
    return int(Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0])


@LONG
def test_an_endpoint_that_answers_nothing_any_more_ends_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with _gateway(tmp_path) as (options, _):
        (server,) = Path("/proc/self/task").glob(f"{os.getpid()}/children")
        pid = int(server.read_text().split()[0])
        watch = _when_loaded(options, lambda: os.kill(pid, signal.SIGSTOP))
        try:
            code = commands.load([*options, "--users", "3", "--duration", "5", "--out", str(tmp_path)])
        finally:
            os.kill(pid, signal.SIGCONT)
        watch.join()
    assert code == 3
    load = json.loads((tmp_path / "load.json").read_text())
    assert load["requests"]["ok"] > 0
    assert load["requests"]["cut"] == 3
    assert "the audit was not possible" in capfd.readouterr().out


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from wiremark_conformance.cli import main
sys.exit(main())
"""


def test_a_full_disk_costs_no_receipt_and_no_verdict(tmp_path: Path) -> None:
    with _gateway(tmp_path) as (options, _):
        load = [sys.executable, "-c", LIMITED, "load", *options, "--users", "3", "--duration", "3"]
        with children.running([*load, "--out", str(tmp_path / "out")], piped=True) as running:
            output = children.Output(running)
            assert running.wait(timeout=SECONDS) == 3
            shown = "\n".join(output.all())
    assert "receipts could not be written to disk (File too large) and were kept in memory" in shown
    assert "the report cannot be written" in shown
    assert "ledger audit: no discrepancy" in shown
    started, receipts = (
        int(re.search(pattern, shown)[1])  # type: ignore[index]
        for pattern in (r"(\d+) started", r"(\d+) receipts")
    )
    assert started == receipts > 40


@contextmanager
def _babbling(answer: bytes) -> Iterator[int]:
    """A server that answers every request with the same bytes and hangs up; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError):
                    peer, _ = listener.accept()
                    with peer:
                        peer.settimeout(1)
                        peer.recv(65536)
                        peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()


MODELS = b'{"object": "list", "data": []}'
GARBAGE = {
    "no HTTP": (b"\x00\x01\x02 what?\r\n\r\n", "http", "got no answer"),
    "HTML": (b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>", "http", "not JSON"),
    "no TLS": (b"HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n", "https", "got no answer"),
    "models, and models to every question": (
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(MODELS), MODELS),
        "http",
        "no request was answered",
    ),
}


@pytest.mark.parametrize("case", GARBAGE)
def test_garbage_cannot_be_judged(case: str, capfd: pytest.CaptureFixture[str]) -> None:
    answer, scheme, message = GARBAGE[case]
    with _babbling(answer) as port:
        argv = ["--base-url", f"{scheme}://127.0.0.1:{port}/v1", "--model", "m", "--users", "2"]
        assert commands.load([*argv, "--duration", "1"]) == 3
    shown = capfd.readouterr()
    assert message in shown.out + shown.err
    assert "Traceback" not in shown.out + shown.err

"""Processes under measurement: pinned to a core, their processor time read from /proc, driven by wrk."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_RESULT = re.compile(r"RESULT (.*)")


@dataclass(frozen=True)
class Subject:
    """A server that listens: where, what key it takes, which model."""

    pid: int
    base_url: str
    key: str
    model: str

    def cpu(self) -> float:
        return sum(_cpu(pid) for pid in tree(self.pid))

    def rss_mib(self) -> float:
        return sum(_rss(pid) for pid in tree(self.pid)) / 2**20


@dataclass(frozen=True)
class Rate:
    """requests done, wall seconds, seconds of the server's processor time, percentiles in µs"""

    requests: int
    seconds: float
    cpu: float
    p50_us: int
    p99_us: int
    failed: int

    @property
    def per_core_second(self) -> float:
        return self.requests / self.cpu

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in children.read_text().split()]
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def wrk(
    subject: Subject, seconds: float, tokens: int, *, stream: bool = False, connections: int = 64
) -> Rate:
    """Drive `POST …/chat/completions` from the second core."""
    environment = os.environ | {
        "BENCH_KEY": subject.key,
        "BENCH_MODEL": subject.model,
        "BENCH_TOKENS": str(tokens),
        "BENCH_STREAM": "1" if stream else "0",
    }
    url = f"{subject.base_url}/chat/completions"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
    before = subject.cpu()
    done = subprocess.run(
        ["taskset", "-c", "1", *command, "-s", str(HERE / "post.lua"), url],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    cpu = subject.cpu() - before
    found = _RESULT.search(done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    told = dict(part.split("=") for part in found.group(1).split())
    return Rate(
        int(told["requests"]),
        float(told["seconds"]),
        cpu,
        int(told["p50us"]),
        int(told["p99us"]),
        int(told["errors"]) + int(told["refused"]),
    )


def post(subject: Subject, tokens: int, *, stream: bool) -> bytes:
    """One request, for what an answer looks like."""
    document = {
        "model": subject.model,
        "messages": [{"role": "user", "content": "Tell me about foxes."}],
        "max_tokens": tokens,
        "stream": stream,
    }
    headers = {"authorization": f"Bearer {subject.key}", "content-type": "application/json"}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{subject.base_url}/chat/completions", json.dumps(document).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        found: bytes = answer.read()
        return found


@contextlib.contextmanager
def process(
    command: Sequence[str], *, core: str = "0", listens: str | None = None
) -> Iterator[tuple[int, str]]:
    """A program on a core of its own; yields its pid and the rest of the line that begins with `listens`."""
    child = subprocess.Popen(
        ["taskset", "-c", core, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        line = ""
        if listens is not None and child.stdout is not None:
            line = next((text for text in child.stdout if text.startswith(listens)), "")
            if not line:
                raise RuntimeError(f"{command} ended at once")
        yield child.pid, line.removeprefix(listens or "").strip()
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(20)
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


@contextlib.contextmanager
def ours(folder: Path, *options: str, core: str = "0", db: str | None = None) -> Iterator[Subject]:
    """`wiremark serve --contract openai` with its ledger in `folder`."""
    keys = folder / f"keys-{time.monotonic_ns()}.yaml"
    command = [
        *(sys.executable, "-m", "wiremark_server", "serve", "--contract", "openai", "--port", "0"),
        *("--db", db or str(folder / "ledger.sqlite"), "--credentials-file", str(keys), "--seed", "1"),
        *options,
    ]
    with process(command, core=core, listens="listening on ") as (pid, url):
        secrets = dict(
            line.split(": ", 1) for line in keys.read_text().splitlines() if not line.startswith("#")
        )
        yield Subject(pid, url, secrets["default"].strip('"'), "wiremark-large")


@contextlib.contextmanager
def listening(
    command: Sequence[str], port: int, key: str, model: str, base: str = "/v1"
) -> Iterator[Subject]:
    """Another server, ready when its port answers."""
    with process(command) as (pid, _):
        subject = Subject(pid, f"http://127.0.0.1:{port}{base}", key, model)
        deadline = time.monotonic() + 60
        while True:
            try:
                post(subject, 10, stream=False)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{command} does not answer: {error}") from None
                time.sleep(0.1)
            else:
                break
        yield subject

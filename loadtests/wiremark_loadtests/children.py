"""Processes that we start and always end: on success, on failure, on Ctrl-C and on SIGTERM."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

GRACE_SECONDS = 45.0  # a load run drains for up to 30 s before it audits
_KEPT_LINES = 50  # of a child's output, to show when it fails


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    folder: Path | None = None,
    piped: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """Run `command` for the time of the block; whatever happens in it, the process ends with it.

    The child has a session of its own, so that Ctrl-C reaches it once, from here.
    folder: where it runs, when not here
    piped:  its output and errors are to be read by `Output` instead of being ours
    """
    pipe = subprocess.PIPE if piped else None
    with _sigterm_unwinds():
        child = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            text=True,
            stdout=pipe,
            stderr=subprocess.STDOUT if piped else None,
            start_new_session=True,
        )
        try:
            yield child
        finally:
            stop(child)
            if child.stdout is not None:
                child.stdout.close()


def stop(child: subprocess.Popen[str], grace: float = GRACE_SECONDS) -> int:
    """End a process by SIGTERM, by force after `grace` seconds; return its exit code."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


class Output:
    """Reads a piped child's output as it comes, so that the child never blocks on a full pipe."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.last: deque[str] = deque(maxlen=_KEPT_LINES)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def line_with(self, prefix: str, seconds: float) -> str | None:
        """What follows `prefix` on the next line that begins so; None when none came in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._waiting.get(timeout=left)
            except queue.Empty:
                return None
            if line is None:
                return None
            if line.startswith(prefix):
                return line.removeprefix(prefix).strip()
        return None

    def all(self) -> list[str]:
        """The last lines of a child that has ended."""
        self._thread.join()
        return list(self.last)

    def _read(self) -> None:
        pipe = self._child.stdout
        if pipe is None:
            raise ValueError("only the output of a piped child can be read")
        with suppress(ValueError):  # the pipe is closed when the child has ended
            for line in pipe:
                self.last.append(line.rstrip("\n"))
                self._waiting.put(line)
        self._waiting.put(None)


@contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """SIGTERM unwinds the stack as Ctrl-C does, so that children are ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def unwind(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""Several server processes behind one port: started together, replaced when they die, ended together.

Each binds a socket of its own to the same address (SO_REUSEPORT), and the kernel spreads the connections.
Nothing is shared but the ledger's database and the counters, so a process that is killed takes no other
with it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType

from wiremark_server.startup import StartError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_READY = b"."
_HASTE_SECONDS = 1.0
_HASTES = 5
"""So many deaths in a row of processes younger than that are no accident."""

Work = Callable[[int, Callable[[], None]], None]
"""What one process does until it is told to end; calls what it is given once it serves.

The number is its place in the pack, which a process that replaces it takes over.
"""


def run(count: int, work: Work, announce: Callable[[], None]) -> None:
    """Keep `count` processes at work until SIGINT or SIGTERM. Raises StartError when they do not stay alive.

    announce: called when all of them serve

    To be called before this process has threads.
    """
    _Pack(count, work).run(announce)


class _Pack:
    def __init__(self, count: int, work: Work) -> None:
        self._count = count
        self._work = work
        self._born: dict[int, tuple[int, float]] = {}
        self._ending = False
        self._hastes = 0
        self._life, self._hold = os.pipe()  # the second end closes with this process, however it ends

    def run(self, announce: Callable[[], None]) -> None:
        before = {number: signal.signal(number, self._end) for number in _SIGNALS}
        try:
            receiving, sending = os.pipe()
            for place in range(self._count):
                self._start(place, sending)
            os.close(sending)
            ready = 0
            while ready < self._count and not self._ending:
                said = os.read(receiving, self._count)
                if not said:  # every process that had not said so has ended
                    break
                ready += len(said)
            os.close(receiving)
            if ready == self._count:
                announce()
            elif not self._ending:
                self._end(signal.SIGTERM, None)
                self._hastes = _HASTES
            self._watch()
        finally:
            os.close(self._hold)
            os.close(self._life)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _watch(self) -> None:
        """Replace who dies, until the end; then wait for all."""
        while self._born:
            process, _ = os.wait()
            place, born = self._born.pop(process)
            age = time.monotonic() - born
            if self._ending:
                continue
            self._hastes = self._hastes + 1 if age < _HASTE_SECONDS else 0
            if self._hastes >= _HASTES:
                self._end(signal.SIGTERM, None)
            else:
                self._start(place, None)
        if self._hastes >= _HASTES:
            raise StartError("the server's processes end as soon as they start; see what they said above")

    def _start(self, place: int, ready: int | None) -> None:
        process = os.fork()
        if process:
            self._born[process] = (place, time.monotonic())
            return
        code = 1
        try:
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            os.close(self._hold)
            threading.Thread(target=self._follow, daemon=True).start()
            self._work(place, lambda: _tell(ready))
            code = 0
        except StartError as error:
            print(f"wiremark serve: {error}", file=sys.stderr, flush=True)
        except BaseException:  # noqa: BLE001 - the last frame of this process
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _follow(self) -> None:
        """End with the process that started this one."""
        os.read(self._life, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _end(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler
        self._ending = True
        for process in self._born:
            os.kill(process, signal.SIGTERM)


def _tell(ready: int | None) -> None:
    if ready is not None:
        os.write(ready, _READY)
        os.close(ready)

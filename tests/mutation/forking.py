"""Work done in a process of its own, forked from this one: what it changes is gone with it."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

_BYTES = 4 << 30  # of memory, for what grows without an end


class EndedError(Exception):
    """The process told nothing; the signal that ended it, or 0."""

    def __init__(self, by: int) -> None:
        super().__init__(f"a process ended by signal {by}" if by else "a process ended without a word")
        self.by = by


def in_child(work: Callable[[], Any], *, seconds: float = 0) -> Any:
    """What the work returns. Raises EndedError when it raised or was ended.

    seconds: of computing, after which it is ended by SIGVTALRM; 0: as long as it likes
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _work(work, writing, seconds)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) or os.WEXITSTATUS(status):
        raise EndedError(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)
    return pickle.loads(told)  # noqa: S301 - our own


def _work(work: Callable[[], Any], writing: int, seconds: float) -> None:
    code = 1
    try:
        if seconds:
            signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
            resource.setrlimit(resource.RLIMIT_DATA, (_BYTES, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        told = pickle.dumps(work())
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(told)
        code = 0
    except BaseException:  # noqa: BLE001 - it must not go on as if it were its parent
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)

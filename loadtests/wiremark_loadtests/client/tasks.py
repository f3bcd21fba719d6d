"""What becomes of a task after it was accepted: announced by a webhook, or asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import NamedTuple

import gevent  # type: ignore[import-untyped]

from wiremark_loadtests.client.transport import TransportError
from wiremark_loadtests.client.webhooks import Hooks
from wiremark_loadtests.client.wire import ResponseReader

PENDING, COMPLETED, FAILED = "pending", "completed", "failed"
ANNOUNCED_SECONDS = 20.0  # that a webhook is waited for before the task itself is asked
_ASKED_SECONDS = 60.0
_PAUSES = (0.05, 0.1, 0.2, 0.5)  # seconds between two questions; the last one again and again

Ask = Callable[[str], ResponseReader]


class Ended(NamedTuple):
    """announced: whether a webhook told it; None when none was wanted"""

    status: str
    announced: bool | None = None


def follow(task: str, role: str, hooks: Hooks | None, ask: Ask) -> Ended:
    """Wait until a task has ended, by a webhook where there are `hooks`; pending when it never does.

    ask: gets the task; raises TransportError
    """
    told = hooks.wait(task, role, ANNOUNCED_SECONDS) if hooks is not None else None
    if told is not None:
        return Ended(told, announced=True)
    announced = None if hooks is None else False
    deadline = time.monotonic() + _ASKED_SECONDS
    turn = 0
    while (status := _status(task, ask)) == PENDING and time.monotonic() < deadline:
        gevent.sleep(_PAUSES[min(turn, len(_PAUSES) - 1)])
        turn += 1
    return Ended(status, None if status == PENDING else announced)


def _status(task: str, ask: Ask) -> str:
    try:
        answer = ask(task)
    except TransportError:
        return PENDING
    try:
        document = json.loads(answer.body.decode()) if answer.status == 200 else None
    except (ValueError, RecursionError):
        return PENDING
    told = document.get("status") if isinstance(document, dict) else None
    return told if told in {COMPLETED, FAILED} else PENDING

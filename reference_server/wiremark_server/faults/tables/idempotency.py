"""`Idempotency-Key`: what a repeat gets, and what stands for what."""

from __future__ import annotations

import dataclasses

from wiremark_server.edge.handler import new_request_id
from wiremark_server.faults.change import CHAT, body, put, status
from wiremark_server.faults.edit import Ask, On, Question
from wiremark_server.faults.fault import Fault, named
from wiremark_server.policy.idempotency import HEADER

_fault = named("idempotency", "every-format")
_NAME = HEADER.encode()


def _has_key(ask: Ask) -> bool:
    return bool(ask.header(_NAME))


def _without_key(ask: Ask) -> Ask:
    return dataclasses.replace(ask, headers=[(n, v) for n, v in ask.headers if n != _NAME])


TABLE: tuple[Fault, ...] = (
    _fault(
        "ignored",
        "semantics",
        "Keys are not looked at.",
        Question(On(CHAT, where=_has_key), _without_key),
        catches=("idempotency.one-body",),
    ),
    _fault(
        "answered-anew",
        "semantics",
        "A repeat gets an answer of its own.",
        body(put("/choices/*/message/content", lambda _: new_request_id()), where=_has_key),
        catches=("idempotency.replayed",),
    ),
    _fault(
        "mismatch-409",
        "errors",
        "Another body under a key that is used is a conflict, as if the first were still being answered.",
        status(On(CHAT, "refusal", status=422), 409),
        catches=("idempotency.one-body",),
    ),
)

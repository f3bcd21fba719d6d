"""What refusals and counts of messages cost: nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

from wiremark_server.faults.change import body, equals, status, with_document
from wiremark_server.faults.edit import Ask, On, Question
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.messages.words import MESSAGES, NEAR, fault, refusal

_COUNT = "messages.count_tokens"
_MARK = b"x-served-anyway"
_UNKNOWN = "no-such-model"
_SERVED = On(MESSAGES, "answer", lambda ask: bool(ask.header(_MARK)))


def _unknown(ask: Ask) -> bool:
    return _UNKNOWN in str(ask.document.get("model")) and not ask.document.get("stream")


def _served_anyway(ask: Ask) -> Ask:
    """Another model does the work; the mark lets the answer be withheld."""
    asked = with_document(ask, {**ask.document, "model": "wiremark-small"})
    return dataclasses.replace(asked, headers=[*asked.headers, (_MARK, b"1")])


def _answered(ask: Ask) -> Ask:
    """A question whose tokens are to be counted is answered."""
    asked = with_document(ask, {**ask.document, "max_tokens": 16})
    return dataclasses.replace(asked, path=ask.path.removesuffix("/count_tokens"))


def _count_of(answer: Any) -> Any:
    return {"input_tokens": answer["usage"]["input_tokens"]}


TABLE: tuple[Fault, ...] = (
    fault(
        "refused-charged",
        "ledger",
        "A message to a model that does not exist is answered by another, charged and refused.",
        Question(On(MESSAGES, where=_unknown), _served_anyway),
        body(lambda _: refusal("not_found_error")("req_unknown"), MESSAGES, where=_SERVED.where),
        status(_SERVED, 404),
        catches=("billing.messages.refused-free",),
        allows=NEAR,
    ),
    fault(
        "count-charged",
        "ledger",
        "Tokens are counted by having the message answered, and paid for.",
        Question(On(_COUNT, where=lambda ask: not equals("max_tokens", 16)(ask)), _answered),
        body(_count_of, _COUNT),
        catches=("billing.messages.count-free",),
        allows=NEAR,
    ),
)

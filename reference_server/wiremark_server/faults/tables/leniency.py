"""Requests that are wrong, and are answered as if the wrong part of them were not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_server.faults.change import CHAT, body, messages, put, with_document
from wiremark_server.faults.edit import Ask, Edit, On, Question
from wiremark_server.faults.fault import Fault, named

_fault = named("chat.lenient")
_ledger = named("ledger.completions", "openai")
# Parameter and what is wrong with it → the requirement on it.
_WRONG: tuple[tuple[str, str, Callable[[Any], bool], str], ...] = (
    ("top_p", "is above 1", lambda v: isinstance(v, int) and v > 1, "top-p"),
    ("max_tokens", "is 0", lambda v: v == 0, "max-tokens-zero"),
    ("max_tokens", "is a text", lambda v: isinstance(v, str), "max-tokens-text"),
    ("max_tokens", "is a fraction", lambda v: isinstance(v, float), "max-tokens-fraction"),
    ("stream", "is a text", lambda v: isinstance(v, str), "stream-text"),
    (
        "response_format",
        "is of a type that does not exist",
        lambda v: isinstance(v, dict) and v.get("type") == "wiremark",
        "response-format",
    ),
)


def _dropped(name: str, wrong: Callable[[Any], bool]) -> Edit:
    def change(ask: Ask) -> Ask:
        return with_document(ask, {key: value for key, value in ask.document.items() if key != name})

    return Question(On(CHAT, where=lambda ask: name in ask.document and wrong(ask.document[name])), change)


def _roles(ask: Ask) -> list[Any]:
    return [message.get("role") for message in messages(ask) if isinstance(message, dict)]


def _asked_simply(ask: Ask) -> Ask:
    return with_document(ask, {**ask.document, "messages": [{"role": "user", "content": "Say hello."}]})


def _simply(where: Callable[[Ask], bool]) -> Edit:
    """The question is taken for another, plain one."""
    return Question(On(CHAT, where=where), _asked_simply)


TABLE: tuple[Fault, ...] = (
    *(
        _fault(
            requirement,
            "semantics",
            f"A request whose `{name}` {says} is answered as if it had none.",
            _dropped(name, wrong),
            catches=(f"chat.params.{requirement}",),
            allows=("errors.*",),
        )
        for name, says, wrong, requirement in _WRONG
    ),
    _fault(
        "missing-result",
        "semantics",
        "A call without a result is accepted as history.",
        _simply(lambda ask: _roles(ask)[-2:] == ["assistant", "user"] and "tools" in ask.document),
        catches=("chat.tools.missing-result",),
        allows=("errors.*",),
    ),
    _fault(
        "unknown-result",
        "semantics",
        "A result of a call that nobody made is accepted as history.",
        _simply(lambda ask: b"call_none" in ask.body),
        catches=("chat.tools.unknown-result",),
        allows=("errors.*",),
    ),
    _fault(
        "unknown-part",
        "semantics",
        "A part of a message whose type does not exist is accepted.",
        _simply(lambda ask: b'{"type": "wiremark"' in ask.body),
        catches=("chat.parts.unknown-refused",),
        allows=("errors.*",),
    ),
    _ledger(
        "other-id",
        "ledger",
        "Rows of completions are recorded under other ids than the client was told.",
        body(put("/data/*/request_id", lambda name: f"gen-{name}"), "usage.list"),
        catches=("billing.completions.recorded",),
        allows=("billing.*",),
    ),
)

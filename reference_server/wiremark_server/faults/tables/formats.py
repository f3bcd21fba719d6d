"""Formats of one endpoint that disagree: one says something else than chat of the same question."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wiremark_server.faults.change import Change, put
from wiremark_server.faults.edit import Ask, Body, Edit, On, Question, Where
from wiremark_server.faults.fault import Fault

_CONTRACT = "every-format"
_LIST = "models.list"
_GOOGLE = b"x-goog-api-key"


@dataclass(frozen=True, slots=True)
class _Format:
    """Where a format tells what can be compared.

    prompt, answer: pointers to the counts of tokens
    filtered:       the answer is told as withheld
    goes_on:        an answer that was cut off is told as whole
    uncalled:       the call is not told as the end, or not at all
    argued:         the call has other arguments
    lists:          header that asks for this format's list of models, and pointer to the names in it
    """

    operation: str
    prompt: str
    answer: str
    filtered: Change
    goes_on: Change
    uncalled: Change
    argued: Change
    lists: tuple[bytes, str] | None = None


def _with(**values: Any) -> Change:
    return lambda document: {**document, **values}


def _forced(ask: Ask) -> bool:
    return bool(ask.document.get("tools"))


def _no_calls(document: Any) -> Any:
    kept = [item for item in document["output"] if item["type"] != "function_call"]
    return {**document, "output": kept}


def _where(pointer: str, old: str, new: str) -> Change:
    """A word for another one."""
    return put(pointer, lambda found: new if found == old else found)


_OSLO = {"city": "Oslo"}
_FORMATS: Mapping[str, _Format] = {
    "responses": _Format(
        "responses.create",
        "/usage/input_tokens",
        "/usage/output_tokens",
        _with(status="incomplete", incomplete_details={"reason": "content_filter"}),
        _where("/status", "incomplete", "completed"),
        _no_calls,
        put("/output/*/arguments", '{"city": "Oslo"}', absent_too=False),
    ),
    "messages": _Format(
        "messages.create",
        "/usage/input_tokens",
        "/usage/output_tokens",
        _where("/stop_reason", "end_turn", "refusal"),
        _where("/stop_reason", "max_tokens", "end_turn"),
        _where("/stop_reason", "tool_use", "end_turn"),
        put("/content/*/input", _OSLO, absent_too=False),
        (b"anthropic-version", "/data/*/id"),
    ),
    "gemini": _Format(
        "gemini.generate",
        "/usageMetadata/promptTokenCount",
        "/usageMetadata/candidatesTokenCount",
        _where("/candidates/*/finishReason", "STOP", "SAFETY"),
        _where("/candidates/*/finishReason", "MAX_TOKENS", "STOP"),
        _where("/candidates/*/finishReason", "STOP", "SAFETY"),
        put("/candidates/*/content/parts/*/functionCall/args", _OSLO, absent_too=False),
        (_GOOGLE, "/models/*/name"),
    ),
}


def _more(pointer: str) -> Change:
    return put(pointer, lambda count: count + 7 if isinstance(count, int) else count)


def _faults(name: str, told: _Format) -> Iterator[Fault]:
    def plain(ask: Ask) -> bool:
        return not _forced(ask)

    rows: tuple[tuple[str, str, Where, Change], ...] = (
        ("prompt-tokens", "counts more tokens of the prompt", plain, _more(told.prompt)),
        ("answer-tokens", "counts more tokens of the answer", plain, _more(told.answer)),
        ("stop-reason", "says that an answer was withheld", plain, told.filtered),
        ("stop-reason-budget", "tells an answer that was cut off as whole", plain, told.goes_on),
        ("stop-reason-tools", "does not say that an answer ends with a call", _forced, told.uncalled),
        ("tool-tokens", "counts more tokens of a tool", _forced, _more(told.prompt)),
        ("tool-call", "calls the tool with other arguments", _forced, told.argued),
    )
    for rest, says, where, change in rows:
        yield _fault(name, rest, says, Body(On(told.operation, "answer", where), change))
    if told.lists is not None:
        header, names = told.lists
        renamed = put(names, lambda found: f"{found}-2")
        asked = On(_LIST, "answer", lambda ask: bool(ask.header(header)))
        yield _fault(name, "models", "lists other models", Body(asked, renamed))
        yield _fault(name, "by-header", "has no list of models in its own form", _as_chat(header))


def _as_chat(header: bytes) -> Edit:
    """Who asks for the list with this header is taken for a client of chat, by the same key."""

    def change(ask: Ask) -> Ask:
        kept = [(name, value) for name, value in ask.headers if name != header]
        if header == _GOOGLE:
            kept.append((b"authorization", b"Bearer " + ask.header(header)))
        return dataclasses.replace(ask, headers=kept)

    return Question(On(_LIST, where=lambda ask: bool(ask.header(header))), change)


def _fault(name: str, rest: str, says: str, edit: Edit) -> Fault:
    near = ("formats.*", f"{name}.*", f"billing.{name}.*", f"contract.{name}.*")
    return Fault(
        f"formats.{name}.{rest}",
        "semantics",
        f"The format {name} {says}.",
        (edit,),
        (f"formats.{name}.{rest}",),
        near,
        contract=_CONTRACT,
    )


TABLE: tuple[Fault, ...] = tuple(fault for name, told in _FORMATS.items() for fault in _faults(name, told))

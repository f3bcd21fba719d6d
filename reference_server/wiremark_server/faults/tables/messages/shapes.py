"""The form of answers that are not streamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_server.faults.change import (
    Change,
    both,
    has,
    lacks,
    put,
    take,
)
from wiremark_server.faults.edit import (
    Body,
    On,
    Where,
)
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.messages.words import (
    MESSAGES,
    blocks,
    fault,
)

_BOOKS = ("billing.messages.*",)
_WHOLE = lacks("stream")
_CALLS = both(has("tool_choice"), lacks("stream"))
_THINKS = both(lambda ask: (ask.document.get("thinking") or {}).get("type") == "enabled", lacks("stream"))


def _unshaped(name: str, text: str, change: Change, *catches: str, where: Where = _WHOLE) -> Fault:
    """An answer of another form; what else of it is wrong then is a matter of course."""
    near = ("messages.*", *_BOOKS, "formats.*")
    return fault(
        name, "shape", text, Body(On(MESSAGES, "answer", where), change), catches=catches, allows=near
    )


def _first(change: Callable[[dict[str, Any]], Any]) -> Change:
    """The first block of an answer changed."""

    def apply(document: Any) -> Any:
        if document["content"]:
            change(document["content"][0])
        return document

    return apply


def _content(change: Callable[[list[Any]], list[Any]]) -> Change:
    return put("/content", change)


def _doubled(content: list[Any]) -> list[Any]:
    return [*content, *content]


TABLE: tuple[Fault, ...] = (
    _unshaped("type-absent", "A message has no type.", take("/type"), "messages.type"),
    _unshaped("role-foreign", "A message has the role `model`.", put("/role", "model"), "messages.role"),
    _unshaped("id-null", "A message has no id.", put("/id", None), "messages.id"),
    _unshaped("model-absent", "A message names no model.", take("/model"), "messages.model"),
    _unshaped("content-text", "The content is a text.", put("/content", "Hello."), "messages.content"),
    _unshaped(
        "block-bare",
        "Blocks have no more than their type.",
        _first(lambda b: [b.pop(k) for k in list(b) if k != "type"]),
        "messages.blocks",
    ),
    _unshaped("content-empty", "An answer has no content.", put("/content", []), "messages.text"),
    _unshaped(
        "text-empty-first",
        "An empty text block comes first.",
        _content(lambda c: [{"type": "text", "text": ""}, *c]),
        "messages.no-empty-text",
    ),
    _unshaped(
        "stop-reason-foreign",
        "A message ends with `stop`.",
        put("/stop_reason", "stop"),
        "messages.stop-reason",
    ),
    _unshaped(
        "stop-sequence-always",
        "A message names a stop sequence that did not end it.",
        put("/stop_sequence", "\n"),
        "messages.stop-sequence",
    ),
    _unshaped(
        "foreign-keys",
        "A message has the keys of a chat answer.",
        put("/object", "chat.completion"),
        "messages.no-foreign-keys",
    ),
    _unshaped("usage-absent", "A message has no usage.", take("/usage"), "messages.usage.counts"),
    _unshaped(
        "usage-text",
        "Counts beside the two are texts.",
        put("/usage/cache_read_input_tokens", "0"),
        "messages.usage.types",
    ),
    _unshaped(
        "usage-zero",
        "The usage counts nothing.",
        put("/usage", {"input_tokens": 0, "output_tokens": 0}),
        "messages.usage.counted",
    ),
    _unshaped(
        "usage-thought-too-much",
        "More tokens of thinking than of the answer.",
        put("/usage/output_tokens_details", {"thinking_tokens": 10**6}),
        "messages.usage.details",
    ),
    _unshaped(
        "tool-stop-reason-always",
        "A message ends with `tool_use` although no tool is called.",
        put("/stop_reason", "tool_use"),
        "messages.tools.stop-reason-only",
        where=lacks("stream", "tools"),
    ),
    _unshaped(
        "max-tokens-end-turn",
        "A message that its budget cut off ends with `end_turn`.",
        put("/stop_reason", "end_turn"),
        "messages.max-tokens.reason",
    ),
    _unshaped(
        "stop-end-turn",
        "A message that a stop sequence ended says `end_turn`.",
        put("/stop_reason", "end_turn"),
        "messages.stop.reason",
        where=has("stop_sequences"),
    ),
    _unshaped(
        "stop-unnamed",
        "The stop sequence is not named.",
        put("/stop_sequence", None),
        "messages.stop.sequence",
        where=has("stop_sequences"),
    ),
    _unshaped(
        "call-end-turn",
        "A call ends with `end_turn`.",
        put("/stop_reason", "end_turn"),
        "messages.tools.stop-reason",
        where=_CALLS,
    ),
    _unshaped(
        "call-id-dotted",
        "The id of a call has characters that none may have.",
        _first(lambda b: b.update(id="functions.get_weather:0")),
        "messages.tools.id",
        where=_CALLS,
    ),
    _unshaped(
        "call-renamed",
        "A call has another name than its tool.",
        _first(lambda b: b.update(name="functions.get_weather")),
        "messages.tools.name",
        where=_CALLS,
    ),
    _unshaped(
        "call-input-text",
        "The input of a call is a text.",
        _first(lambda b: b.update(input='{"city": "Paris"}')),
        "messages.tools.input",
        where=_CALLS,
    ),
    _unshaped(
        "call-input-other",
        "The input of a call has another key than the schema.",
        _first(lambda b: b.update(input={"location": "Paris"})),
        "messages.tools.input-schema",
        where=_CALLS,
    ),
    _unshaped(
        "call-twice",
        "Two calls have one id.",
        _content(_doubled),
        "messages.tools.ids-unique",
        "messages.tools.single",
        where=_CALLS,
    ),
    _unshaped(
        "thinking-unsigned",
        "Thinking has no signature.",
        _first(lambda b: b.pop("signature", None)),
        "messages.thinking.signature",
        where=_THINKS,
    ),
    _unshaped(
        "after-result-empty",
        "After the result of a tool nothing is said.",
        put("/content", []),
        "messages.tools.round-trip.answer",
        where=lambda ask: any(block.get("type") == "tool_result" for block in blocks(ask)),
    ),
    _unshaped(
        "thinking-last",
        "Thinking comes after the text.",
        _content(lambda c: c[::-1]),
        "messages.thinking.first",
        where=_THINKS,
    ),
    _unshaped(
        "thinking-told",
        "Thinking is told although it was to be omitted.",
        _first(lambda b: b.update(thinking="Hm.")),
        "messages.thinking.omitted",
        where=lambda ask: (ask.document.get("thinking") or {}).get("display") == "omitted",
    ),
)

"""Streams: what stands in their chunks beside, twice, or under the wrong name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wiremark_server.faults.change import (
    DONE,
    kind,
    lacks,
    of,
    put,
    rearranged,
    repeated,
    take,
    values,
)
from wiremark_server.faults.edit import Events, FrameStep, On
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.tables.messages.events import NEAR as NEAR_MESSAGES
from wiremark_server.faults.tables.messages.events import TEXT
from wiremark_server.faults.tables.messages.words import MESSAGES
from wiremark_server.faults.tables.responses.words import NEAR, STREAM
from wiremark_server.faults.typed import event
from wiremark_server.faults.typed import kind as typed_kind

_chat = named("chat.stream")
_tools = named("chat.tools.stream")
_completions = named("completions.stream", "openai")
_messages = named("messages.stream", "anthropic")
_responses = named("responses.events", "openresponses")
_COMPLETIONS = "completions.create"
_UNIT, _IDS, _TWICE = "created-wrong-unit-or-type", "response-id-not-unique", "stream-content-duplicated"


def _early(frame: Frame, _: int) -> bool:
    """A chunk with a choice that goes on."""
    return bool(isinstance(frame.value, dict) and frame.value.get("choices")) and kind(frame) != "finish"


def _any(frame: Frame, _: int) -> bool:
    return isinstance(frame.value, dict)


def _nameless(document: Any) -> Any:
    for piece in document["choices"][0]["delta"]["tool_calls"]:
        piece["id"] = piece["function"]["name"] = None
    return document


def _completed(held: list[Frame], text: Callable[[str, str], str]) -> Iterable[Frame]:
    """The text of each chunk, made of all that was said before it and its own."""
    said: dict[int, str] = {}
    for frame in held:
        for choice in frame.value["choices"] if isinstance(frame.value, dict) else ():
            own = choice["text"]
            before = said.get(choice["index"], "")
            choice["text"] = text(before, own) if own else before * (choice["finish_reason"] is not None)
            said[choice["index"]] = before + own
    return held


def _usage_unasked() -> Events:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}

    def change(held: list[Frame]) -> Iterable[Frame]:
        last = next(frame for frame in reversed(held) if isinstance(frame.value, dict))
        alone = Frame(value={**last.value, "choices": [], "usage": usage})
        return [part for frame in held for part in ((alone, frame) if frame.text == DONE else (frame,))]

    return rearranged(change, lacks("stream_options"), _COMPLETIONS)


def _text_again() -> Events:
    """When a block ends, all of its text comes once more."""

    def start() -> FrameStep:
        said = [""]

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            if typed_kind(frame) == "content_block_delta":
                said[0] += frame.value["delta"].get("text", "")
            if typed_kind(frame) == "content_block_stop" and said[0]:
                delta = {"type": "text_delta", "text": said[0]}
                return (event("content_block_delta", index=frame.value["index"], delta=delta), frame)
            return (frame,)

        return step

    return Events(start, On(MESSAGES, "stream", TEXT))


TABLE: tuple[Fault, ...] = (
    _chat(
        "finish-empty-text",
        "shape",
        'The finish reason of chunks that go on is "".',
        values(_early, put("/choices/*/finish_reason", "")),
        catches=("chat.stream.finish-enum",),
    ),
    _chat(
        "finish-without-calls",
        "stream",
        "Every stream ends with `tool_calls`.",
        values(of("finish"), put("/choices/*/finish_reason", "tool_calls"), where=lacks("tools")),
        catches=("chat.stream.finish-with-calls",),
        allows=("chat.*",),
        bug="finish-reason-stop-with-tool-calls",
    ),
    _chat(
        "created-milliseconds",
        "shape",
        "`created` of chunks is in milliseconds.",
        values(_any, put("/created", lambda seconds: seconds * 1000)),
        catches=("chat.stream.created-seconds",),
        bug=_UNIT,
    ),
    _chat(
        "id-of-all",
        "shape",
        "All streams have one id.",
        values(_any, put("/id", "chatcmpl-1")),
        catches=("chat.stream.id-unique",),
        allows=("answer.id", "billing.*"),
        bug=_IDS,
    ),
    _chat(
        "text-doubled",
        "stream",
        "Every piece of text comes twice.",
        repeated(of("content"), lacks("tools", "n")),
        catches=("chat.stream.fragments",),
        allows=("chat.*",),
        bug=_TWICE,
    ),
    _chat(
        "end-token-shown",
        "semantics",
        "The token that ends a turn is streamed.",
        values(of("finish"), put("/choices/0/delta/content", "<|eot_id|>"), where=lacks("tools")),
        catches=("chat.stream.no-control-tokens",),
        allows=("chat.*",),
    ),
    _chat(
        "usage-twice",
        "stream",
        "The usage comes in two chunks of its own.",
        repeated(of("usage")),
        catches=("chat.stream.usage.once",),
        bug="usage-chunk-not-last",
    ),
    _tools(
        "identity-null",
        "stream",
        "Later pieces of a call have `id: null` and `name: null`.",
        values(of("arguments"), _nameless),
        catches=("chat.tools.stream.identity-left-out",),
        bug="stream-tool-identity-repeated",
    ),
    _completions(
        "cumulative",
        "stream",
        "Each chunk of a completion repeats the text so far.",
        rearranged(lambda held: _completed(held, lambda before, own: before + own), operation=_COMPLETIONS),
        catches=("completions.stream.fragments",),
        bug=_TWICE,
    ),
    _completions(
        "text-again",
        "stream",
        "The last chunk of a completion has all of its text once more.",
        rearranged(lambda held: _completed(held, lambda _, own: own), operation=_COMPLETIONS),
        catches=("completions.stream.fragments",),
        bug=_TWICE,
    ),
    _completions(
        "usage-unasked",
        "stream",
        "A completion ends with a usage chunk that nobody asked for.",
        _usage_unasked(),
        catches=("completions.stream.usage-unasked",),
        bug="usage-chunk-unrequested",
    ),
    _completions(
        "created-milliseconds",
        "shape",
        "`created` of chunks of a completion is in milliseconds.",
        values(_any, put("/created", lambda seconds: seconds * 1000), operation=_COMPLETIONS),
        catches=("completions.stream.created-seconds",),
        bug=_UNIT,
    ),
    _messages(
        "text-again",
        "stream",
        "The last piece of a block has all of its text once more.",
        _text_again(),
        catches=("messages.stream.pieces",),
        allows=NEAR_MESSAGES,
        bug=_TWICE,
    ),
    _responses(
        "created-at-missing",
        "shape",
        "The response of lifecycle events has no `created_at`.",
        STREAM.changed(take("/response/created_at"), "response.created", "response.in_progress"),
        catches=("responses.stream.response-fields",),
        allows=NEAR,
        bug="responses-required-fields-missing",
    ),
)

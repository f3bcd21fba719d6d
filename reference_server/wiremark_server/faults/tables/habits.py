"""Crashes where a refusal would do, and habits of answers and streams on which some clients break."""

from __future__ import annotations

from typing import Any

from wiremark_server.edge.handler import new_request_id
from wiremark_server.faults.change import (
    CHAT,
    answer,
    ask_without,
    body,
    first,
    has,
    lacks,
    messages,
    of,
    put,
    raw,
    values,
    with_header,
)
from wiremark_server.faults.edit import Ask, Instead, On, Reply, Where
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.fields import fields

_fault = named("")
_STREAMS = On(CHAT, "stream")
_KNOWN = frozenset(field.pointer[1:] for field in fields("openai/chat.request", depth=1))
_PARTS = ("input_audio", "file")
_LARGE = 8 * 1024
_CRASHED = {"message": "Internal server error", "type": "server_error", "param": None, "code": None}


def _crash(operation: str | None, where: Where) -> Instead:
    return answer(On(operation, where=where), 500, {"error": _CRASHED})


def _unknown_parameter(ask: Ask) -> bool:
    return any(name not in _KNOWN for name in ask.document)


def _odd_part(ask: Ask) -> bool:
    return any(
        isinstance(part, dict) and part.get("type") in _PARTS
        for message in messages(ask)
        if isinstance(message, dict) and isinstance(message.get("content"), list)
        for part in message["content"]
    )


def _wordless(ask: Ask) -> bool:
    wanted = ask.document.get("response_format")
    return isinstance(wanted, dict) and wanted.get("type") == "json_object" and b"JSON" not in ask.body


def _large(ask: Ask) -> bool:
    return sum(len(name) + len(value) for name, value in ask.headers) > _LARGE


def _is_head(ask: Ask) -> bool:
    return ask.method == "HEAD"


def _with_usage(document: Any) -> Any:
    counts = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {**document, "usage": counts} if document.get("choices") else document


def _lone(_: Ask) -> Reply:
    answer_ = rb'{"object": "chat.completion", "choices": [{"message": {"content": "\ud800"}}]}'
    headers = [(b"x-request-id", new_request_id().encode()), (b"content-type", b"application/json")]
    return Reply(200, headers, answer_)


TABLE: tuple[Fault, ...] = (
    _fault(
        "chat.unknown-parameter.crash",
        "errors",
        "A parameter that nobody knows crashes the server.",
        _crash(CHAT, _unknown_parameter),
        catches=("chat.unknown-parameter",),
    ),
    _fault(
        "chat.reasoning-effort.crash",
        "errors",
        "A `reasoning_effort` crashes the server.",
        _crash(CHAT, has("reasoning_effort")),
        catches=("chat.params.reasoning-effort",),
        allows=("chat.reasoning.*", "chat.params.*"),
    ),
    _fault(
        "chat.parts.crash",
        "errors",
        "A part that is audio or a file crashes the server.",
        _crash(CHAT, _odd_part),
        catches=("chat.parts.settled",),
    ),
    _fault(
        "chat.json.wordless-crash",
        "errors",
        "JSON mode without the word in a message crashes the server.",
        _crash(CHAT, _wordless),
        catches=("chat.json.wordless",),
    ),
    _fault(
        "http.large-headers-crash",
        "errors",
        "Headers of more than eight KiB crash the server.",
        _crash(None, _large),
        catches=("http.large-headers",),
    ),
    _fault(
        "http.head-refused",
        "semantics",
        "HEAD is answered with 404 where GET is answered.",
        answer(On(where=_is_head), 404, {"error": {**_CRASHED, "message": "Not found."}}),
        catches=("http.head",),
        allows=("ids.*", "errors.*", "auth.*"),
    ),
    _fault(
        "bodies.surrogate-back",
        "semantics",
        "A lone surrogate of the question comes back in the answer.",
        Instead(On(CHAT, where=lambda ask: rb"\ud800" in ask.body), _lone),
        catches=("bodies.no-surrogate",),
        allows=("chat.*", "http.*", "ids.*", "limits.*"),
    ),
    _fault(
        "chat.tools.parallel-ignored",
        "semantics",
        "`parallel_tool_calls: false` is not looked at.",
        ask_without("parallel_tool_calls"),
        catches=("chat.tools.single",),
        allows=("chat.tools.*",),
    ),
    _fault(
        "chat.id-constant",
        "shape",
        "Every answer has the same id.",
        body(put("/id", "chatcmpl-1")),
        catches=("chat.id-unique",),
        allows=("answer.*",),
    ),
    _fault(
        "chat.tier-auto",
        "shape",
        "The tier that was used is told as `auto`.",
        body(put("/service_tier", "auto")),
        catches=("chat.params.tier-used",),
        allows=("chat.*",),
    ),
    _fault(
        "chat.stream.comment-inside",
        "wire",
        "A comment stands within an event.",
        raw(first("content"), lambda data: b": ping\n" + data),
        catches=("chat.stream.comments-apart",),
    ),
    _fault(
        "chat.stream.separator-raw",
        "wire",
        "The line separator U+2028 stands raw in the data.",
        values(first("content"), put("/choices/0/delta/content", lambda text: f"\u2028{text}")),
        catches=("chat.stream.separators",),
        allows=("chat.*",),
    ),
    _fault(
        "chat.stream.claims-gzip",
        "headers",
        "A stream is said to be compressed, and is not.",
        with_header(_STREAMS, b"content-encoding", b"gzip"),
        catches=("chat.stream.identity",),
        allows=("chat.*", "http.*"),
    ),
    _fault(
        "chat.stream.usage-unwanted",
        "stream",
        "Streams that did not ask for usage have it beside choices.",
        values(of("content", "call", "arguments"), _with_usage, where=lacks("stream_options")),
        catches=("chat.stream.usage-on-choice",),
        allows=("chat.*", "billing.*"),
    ),
    _fault(
        "limits.should-retry-odd",
        "headers",
        "`x-should-retry` is neither true nor false.",
        with_header(On(), b"x-should-retry", b"1"),
        catches=("limits.hints.should-retry",),
    ),
)

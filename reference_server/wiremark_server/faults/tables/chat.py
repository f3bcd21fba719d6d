"""Whole chat answers: what shape faults, which follow from the schemas, do not say."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    ask_with,
    body,
    both,
    cut,
    equals,
    lacks,
    put,
    role,
    status,
    whole_body,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import Edit, On
from wiremark_server.faults.fault import Fault, named

_fault = named("chat")
_ANSWERS = On(CHAT, "answer")
_JSON_ANSWERS = On(None, "answer")
_PLAIN = lacks("stream", "tools", "n", "logprobs", "response_format", "stop")
_ERROR = {"message": "The model crashed.", "type": "server_error", "param": None, "code": None}


def _usage(change: Any) -> Edit:
    return body(put("/usage", change))


def _more(**counts: int) -> Any:
    return lambda usage: {**usage, **{name: usage[name] + more for name, more in counts.items()}}


def _milliseconds(value: int) -> int:
    return value * 1000


def _emptied(document: Any) -> Any:
    for choice in document["choices"]:
        choice["message"]["content"] = ""
    return document


def _without(document: Any, name: str) -> Any:
    del document[name]
    return document


TABLE: tuple[Fault, ...] = (
    _fault(
        "created-milliseconds",
        "shape",
        "`created` is in milliseconds.",
        body(put("/created", _milliseconds)),
        catches=("chat.created-seconds",),
        bug="created-wrong-unit-or-type",
    ),
    _fault(
        "created-zero",
        "shape",
        "`created` is 0.",
        body(put("/created", 0)),
        catches=("chat.created-seconds",),
        bug="created-wrong-unit-or-type",
    ),
    _fault(
        "created-date",
        "shape",
        "`created` is a date as text.",
        body(put("/created", "2026-01-01T00:00:00Z")),
        catches=("chat.created",),
        bug="created-wrong-unit-or-type",
    ),
    _fault(
        "created-float",
        "shape",
        "`created` is a fraction.",
        body(put("/created", 1764547200.25)),
        catches=("chat.created",),
        bug="created-wrong-unit-or-type",
    ),
    _fault(
        "choices-empty",
        "shape",
        "An answer has no choice.",
        body(put("/choices", [])),
        catches=("chat.choices",),
        bug="choices-null-or-empty",
        allows=("chat.schema",),
    ),
    _fault(
        "choices-null",
        "shape",
        "The choices of an answer are null.",
        body(put("/choices", None)),
        catches=("chat.choices",),
        bug="choices-null-or-empty",
    ),
    _fault(
        "index-one",
        "shape",
        "The indexes of choices count from 1.",
        body(put("/choices/*/index", lambda n: n + 1)),
        catches=("chat.choice.index", "chat.n.indexes"),
    ),
    _fault(
        "content-parts",
        "shape",
        "The content of an answer is an array of parts.",
        body(put("/choices/*/message/content", lambda t: [{"type": "text", "text": t}])),
        catches=("chat.message.content",),
        allows=("chat.tools.round-trip.accepted",),
    ),
    _fault(
        "empty",
        "semantics",
        "An answer is empty and claims to be complete.",
        body(lambda d: _emptied(d), where=_PLAIN),
        catches=("chat.message.not-empty",),
    ),
    _fault(
        "finish-null",
        "shape",
        "A whole answer has the finish reason null.",
        body(put("/choices/*/finish_reason", None), where=_PLAIN),
        catches=("chat.finish-reason",),
        allows=("chat.max-tokens.finish-reason",),
    ),
    _fault(
        "finish-invented",
        "shape",
        "A whole answer ends with `eos_token`.",
        body(put("/choices/*/finish_reason", "eos_token"), where=_PLAIN),
        catches=("chat.finish-reason",),
        allows=("chat.max-tokens.finish-reason",),
    ),
    _fault(
        "error-inside",
        "errors",
        "A failure is told in the body of a 200.",
        body(put("/error", _ERROR)),
        catches=("chat.no-error",),
        bug="http-200-with-error",
    ),
    _fault(
        "error-alone",
        "errors",
        "A failure is a 200 with an error envelope.",
        body(lambda _: {"error": _ERROR}, where=_PLAIN),
        catches=("chat.no-error", "chat.choices", "chat.id", "chat.object", "chat.created", "chat.model"),
        allows=("chat.usage.present",),
        bug="http-200-with-error",
    ),
    _fault(
        "events",
        "semantics",
        "`stream: false` is answered with server-sent events.",
        ask_with(_PLAIN, stream=True),
        catches=("http.json-body", "http.json-content-type"),
        bug="stream-false-returns-sse",
    ),
    _fault(
        "created-status",
        "headers",
        "An answer has the status 201.",
        status(_ANSWERS, 201),
        catches=("http.status-200",),
    ),
    # -- usage ----------------------------------------------------------------------------------
    _fault(
        "usage.absent",
        "shape",
        "An answer has no usage.",
        body(lambda d: _without(d, "usage")),
        catches=("chat.usage.present",),
        bug="billing-missing-usage-free",
    ),
    _fault(
        "usage.null",
        "shape",
        "The usage of an answer is null.",
        _usage(None),
        catches=("chat.usage.present",),
        bug="usage-field-null-or-missing",
    ),
    _fault(
        "usage.zero",
        "semantics",
        "Every count of a usage is 0.",
        _usage({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
        catches=("chat.usage.positive",),
        allows=("billing.*", "chat.stream.usage.prompt-agrees"),
        bug="billing-zero-usage-reestimated",
    ),
    _fault(
        "usage.completion-zero",
        "semantics",
        "An answer with text counts no completion token.",
        _usage(lambda u: {**u, "completion_tokens": 0, "total_tokens": u["prompt_tokens"]}),
        catches=("chat.usage.positive",),
        allows=("billing.*",),
        bug="usage-inconsistent-counts",
    ),
    _fault(
        "usage.total-wrong",
        "semantics",
        "The total is not the sum.",
        _usage(_more(total_tokens=7)),
        catches=("chat.usage.total",),
        bug="usage-inconsistent-counts",
    ),
    _fault(
        "usage.total-completion",
        "semantics",
        "The total leaves the prompt out.",
        _usage(lambda u: {**u, "total_tokens": u["completion_tokens"]}),
        catches=("chat.usage.total",),
        bug="usage-inconsistent-counts",
    ),
    _fault(
        "usage.negative",
        "shape",
        "A count of the usage is -1.",
        _usage(lambda u: {**u, "completion_tokens": -1, "total_tokens": u["prompt_tokens"] - 1}),
        catches=("chat.usage.integers",),
        allows=("billing.*", "chat.usage.positive", "chat.usage.details"),
        bug="usage-inconsistent-counts",
    ),
    _fault(
        "usage.cached-outside",
        "semantics",
        "More tokens are cached than the prompt has.",
        body(put("/usage/prompt_tokens_details/cached_tokens", 1_000_000)),
        catches=("chat.usage.details",),
        bug="usage-breakdown-outside-totals",
    ),
    _fault(
        "usage.reasoning-outside",
        "semantics",
        "More tokens are reasoning than the completion has.",
        body(put("/usage/completion_tokens_details/reasoning_tokens", 1_000_000)),
        catches=("chat.usage.details",),
        bug="usage-breakdown-outside-totals",
    ),
    # -- HTTP -----------------------------------------------------------------------------------
    _fault(
        "content-type-text",
        "headers",
        "An answer is announced as text/plain.",
        with_header(_ANSWERS, b"content-type", b"text/plain"),
        catches=("http.json-content-type",),
        bug="content-type-wrong",
    ),
    _fault(
        "content-type-absent",
        "headers",
        "An answer has no content-type.",
        without_header(_ANSWERS, b"content-type"),
        catches=("http.json-content-type",),
        bug="content-type-wrong",
    ),
    _fault(
        "cut",
        "wire",
        "The connection ends in the middle of an answer.",
        cut(_ANSWERS, 100),
        catches=("http.complete",),
        allows=("*.accepted", "chat.*"),
    ),
    _fault(
        "content-coding-untrue",
        "headers",
        "An answer is announced as gzip and is not.",
        with_header(_ANSWERS, b"content-encoding", b"gzip"),
        catches=("http.json-body",),
        bug="content-encoding-mismatch",
    ),
    _fault(
        "nan",
        "shape",
        "An answer holds NaN.",
        whole_body(lambda data: data.replace(b'"logprobs":null', b'"logprobs":NaN'), _ANSWERS),
        catches=("http.json-body",),
    ),
    _fault(
        "python",
        "shape",
        "An answer is written as Python prints it.",
        whole_body(lambda data: data.replace(b'"', b"'"), _ANSWERS),
        catches=("http.json-body",),
    ),
    _fault(
        "empty-body",
        "shape",
        "An answer has an empty body.",
        whole_body(lambda _: b"", _ANSWERS),
        catches=("http.json-body",),
    ),
    _fault(
        "html",
        "shape",
        "An answer is a page for people.",
        whole_body(lambda _: b"<!DOCTYPE html><title>OK</title>", _ANSWERS),
        catches=("http.json-body",),
    ),
    _fault(
        "two-values",
        "shape",
        "An answer is followed by a second one.",
        whole_body(lambda data: data + data, _ANSWERS),
        catches=("http.json-body",),
    ),
    _fault(
        "latin1",
        "shape",
        "An answer is not UTF-8.",
        whole_body(lambda data: data.replace(b'"object"', b'"\xe9":1,"object"', 1), _ANSWERS),
        catches=("http.json-body",),
    ),
    _fault(
        "system-doubled",
        "policy",
        "System messages are counted twice in streams.",
        ask_with(
            both(role("system"), equals("stream", value=True)),
            messages=[
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": "Say hello."},
            ],
        ),
        catches=("chat.stream.usage.prompt-agrees",),
    ),
)

"""Refusals: bad requests that are let through, envelopes in other forms, headers that go missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from wiremark_server.edge.handler import new_request_id
from wiremark_server.faults.change import (
    CHAT,
    answer,
    body,
    both,
    equals,
    has,
    lacks,
    put,
    status,
    take,
    whole_body,
    with_document,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import Ask, Instead, On, Question, Reply, Where
from wiremark_server.faults.fault import Fault, named

_fault = named("errors")
_REFUSALS = On(None, "refusal")
_HELLO = [{"role": "user", "content": "Say hello."}]


def _repaired(where: Where, document: dict[str, Any]) -> Question:
    """A bad request is taken for a good one with the first model."""
    return Question(
        On(CHAT, where=where),
        lambda ask: with_document(
            dataclasses.replace(ask, headers=_as_json(ask)),
            {"messages": _HELLO, "max_tokens": 16, **document},
        ),
    )


def _as_json(ask: Ask) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in ask.headers if name != b"content-type"]
    return [*kept, (b"content-type", b"application/json")]


def _model(model: str) -> Callable[[Ask], Ask]:
    return lambda ask: with_document(ask, {**ask.document, "model": model})


def _media(ask: Ask) -> bool:
    return ask.header(b"content-type").startswith(b"text/plain")


def _unknown(ask: Ask) -> bool:
    return "no-such-model" in str(ask.document.get("model"))


def _not_json(ask: Ask) -> bool:
    return ask.body.startswith(b"{") and not ask.document


def _array(ask: Ask) -> bool:
    return ask.body == b"[]"


def _no_messages(ask: Ask) -> bool:
    return bool(ask.document) and "messages" not in ask.document


def _text_messages(ask: Ask) -> bool:
    return isinstance(ask.document.get("messages"), str)


def _unknown_tool(ask: Ask) -> bool:
    choice = ask.document.get("tool_choice")
    return isinstance(choice, dict) and choice.get("function") == {"name": "no_such_tool"}


def _plain_refusal(status_: int, text: bytes, content_type: bytes = b"text/plain") -> Callable[[Ask], Reply]:
    def reply(_: Ask) -> Reply:
        headers = [(b"x-request-id", new_request_id().encode()), (b"content-type", content_type)]
        return Reply(status_, headers, text)

    return reply


def _stream_error(ask: Ask) -> Reply:
    """The refusal comes as the first event of a stream with the status 200."""
    headers = [(b"x-request-id", new_request_id().encode()), (b"content-type", b"text/event-stream")]
    error = b'{"error":{"message":"No such model.","type":"x","param":null,"code":"model_not_found"}}'
    return Reply(200, headers, b"data: " + error + b"\n\n" if ask.document else b"")


_ALLOWED_UNKNOWN = ("contract.errors.unknown-model", "errors.unknown-model.*", "billing.*")

_BAD: tuple[tuple[str, Where], ...] = (
    ("malformed-json", _not_json),
    ("not-an-object", _array),
    ("no-messages", _no_messages),
    ("empty-messages", equals("messages", [])),
    ("messages-type", _text_messages),
)
_BAD_REQUESTS: dict[str, Where] = {
    **dict(_BAD),
    "temperature": equals("temperature", 5),
    "tool-choice": _unknown_tool,
}
_CONTRACT = {
    "malformed-json": ("contract.errors.malformed-json",),
    "no-messages": ("contract.errors.invalid-request",),
}


# What else is a bad request of that kind.
_ALSO = {"malformed-json": ("errors.no-key-name*", "contract.errors.no-key-name")}


def _answered_200(name: str, where: Where) -> Fault:
    """Bad input is answered as if it were good."""
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1764547200,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}
        ],
    }
    return Fault(
        f"errors.{name}.answered",
        "errors",
        f"A bad request ({name.replace('-', ' ')}) is answered as if it were good.",
        (answer(On(CHAT, where=where), 200, reply),),
        (f"errors.{name}", *_CONTRACT.get(name, ())),
        _ALSO.get(name, ()),
    )


def _crashing(name: str, where: Where) -> Fault:
    """Bad input crashes the server."""
    error = {"message": "Internal server error", "type": "server_error", "param": None, "code": None}
    return Fault(
        f"errors.{name}.crash",
        "errors",
        f"A bad request ({name.replace('-', ' ')}) is answered with 500.",
        (answer(On(CHAT, where=where), 500, {"error": error}),),
        ("errors.no-server-error", f"errors.{name}", *_CONTRACT.get(name, ())),
        _ALSO.get(name, ()),
    )


def _unprocessable(name: str, where: Where) -> Fault:
    error = {"message": "Invalid.", "type": "invalid_request_error", "param": None, "code": None}
    return Fault(
        f"errors.{name}.422",
        "errors",
        f"A bad request ({name.replace('-', ' ')}) is answered with 422.",
        (answer(On(CHAT, where=where), 422, {"error": error}),),
        ("errors.validation-status", *_CONTRACT.get(name, ())),
        _ALSO.get(name, ()),
    )


_ROWS: tuple[Fault, ...] = (
    # -- which requests are refused --------------------------------------------------------------
    _fault(
        "unknown-model.answered",
        "errors",
        "An unknown model is answered by another one.",
        Question(On(CHAT, where=both(_unknown, lacks("stream"))), _model("deepseek-v4-flash")),
        catches=("errors.unknown-model.refused", "contract.errors.unknown-model"),
        allows=("errors.unknown-model.status",),
        bug="unknown-model-accepted",
    ),
    _fault(
        "unknown-model.400",
        "errors",
        "An unknown model is answered with 400.",
        status(On(CHAT, "refusal", _unknown), 400),
        catches=("errors.unknown-model.status", "contract.errors.unknown-model"),
    ),
    _fault(
        "unknown-model.code",
        "errors",
        "The error for an unknown model has the code `invalid_model`.",
        body(put("/error/code", "invalid_model"), form="refusal", where=_unknown),
        catches=("errors.unknown-model.code", "contract.errors.unknown-model"),
        bug="error-message-misleading",
    ),
    _fault(
        "unknown-model.in-stream",
        "errors",
        "An unknown model is told within a stream that has begun.",
        Instead(On(CHAT, where=both(_unknown, has("stream"))), _stream_error),
        catches=("errors.unknown-model.stream",),
        bug="validation-after-stream-start",
    ),
    _fault(
        "media-type.accepted",
        "errors",
        "A body announced as text/plain is taken for JSON.",
        Question(On(CHAT, where=_media), lambda ask: dataclasses.replace(ask, headers=_as_json(ask))),
        catches=("errors.media-type", "contract.errors.media-type"),
    ),
    _fault(
        "unknown-route.200",
        "errors",
        "An unknown path is answered with a greeting.",
        answer(On("", where=lambda ask: ask.method == "GET"), 200, {"message": "Hello."}),
        catches=("errors.unknown-route", "contract.errors.unknown-route"),
        bug="http-200-with-error",
    ),
    _fault(
        "method.404",
        "errors",
        "A wrong method is answered with 404.",
        status(On("", "refusal", lambda ask: ask.method == "PUT"), 404),
        catches=("errors.method", "contract.errors.method"),
    ),
    _fault(
        "method.allow-absent",
        "headers",
        "A 405 does not say which methods there are.",
        without_header(_REFUSALS, b"allow"),
        catches=("errors.method-allow",),
    ),
    _fault(
        "method.allow-other",
        "headers",
        "A 405 names a method that there is not.",
        with_header(_REFUSALS, b"allow", lambda _: b"GET"),
        catches=("errors.method-allow",),
    ),
    # -- how errors look ------------------------------------------------------------------------
    _fault(
        "plain-text",
        "errors",
        "Errors are plain text.",
        whole_body(lambda _: b"Bad Request", _REFUSALS),
        with_header(_REFUSALS, b"content-type", b"text/plain; charset=utf-8"),
        catches=("errors.envelope.object", "errors.content-type"),
        bug="error-plain-text",
    ),
    _fault(
        "html",
        "errors",
        "Errors are pages for people.",
        whole_body(lambda _: b"<html><body><h1>400 Bad Request</h1></body></html>", _REFUSALS),
        with_header(_REFUSALS, b"content-type", b"text/html"),
        catches=("errors.envelope.object", "errors.content-type"),
        bug="error-plain-text",
    ),
    _fault(
        "empty",
        "errors",
        "Errors have an empty body.",
        whole_body(lambda _: b"", _REFUSALS),
        catches=("errors.envelope.object",),
        bug="error-plain-text",
    ),
    _fault(
        "error-text",
        "errors",
        "`error` is a text.",
        body(lambda d: {"error": d["error"]["message"]}, None, "refusal"),
        catches=("errors.envelope.object",),
        bug="error-is-string",
    ),
    _fault(
        "array",
        "errors",
        "An error's body is an array.",
        body(lambda d: [d], None, "refusal"),
        catches=("errors.envelope.object",),
        bug="error-body-is-array",
    ),
    _fault(
        "detail",
        "errors",
        "Errors have the form of a web framework: `detail`.",
        body(lambda d: {"detail": d["error"]["message"]}, None, "refusal"),
        catches=("errors.envelope.object",),
        bug="error-envelope-shape",
    ),
    _fault(
        "flat",
        "errors",
        "The keys of an error stand at the top level.",
        body(lambda d: d["error"], None, "refusal"),
        catches=("errors.envelope.object",),
        bug="error-envelope-shape",
    ),
    _fault(
        "message-empty",
        "errors",
        "An error has an empty message.",
        body(put("/error/message", ""), None, "refusal"),
        catches=("errors.envelope.message",),
        allows=("errors.*-clear",),
    ),
    _fault(
        "type-empty",
        "errors",
        "An error has an empty type.",
        body(put("/error/type", ""), None, "refusal"),
        catches=("errors.envelope.type",),
        allows=("contract.errors.*",),
    ),
    _fault(
        "code-status",
        "errors",
        "`error.code` repeats the status as a number.",
        body(put("/error/code", 400), None, "refusal"),
        catches=("errors.envelope.code",),
        allows=(
            "contract.errors.*",
            "auth.wrong-key-code",
            "errors.unknown-model.code",
            "models.get.unknown-code",
        ),
        bug="error-envelope-shape",
    ),
    _fault(
        "keys-absent",
        "errors",
        "Errors have neither `param` nor `code`.",
        body(lambda d: take("/error/param")(take("/error/code")(d)), None, "refusal"),
        catches=("errors.envelope.keys",),
        allows=(
            "contract.errors.*",
            "auth.wrong-key-code",
            "errors.unknown-model.code",
            "models.get.unknown-code",
        ),
        bug="error-envelope-shape",
    ),
    _fault(
        "content-type-text",
        "headers",
        "Errors are announced as text/plain.",
        with_header(_REFUSALS, b"content-type", b"text/plain"),
        catches=("errors.content-type",),
        bug="content-type-wrong",
    ),
    _fault(
        "stack-trace",
        "errors",
        "Errors show a stack trace.",
        body(
            put(
                "/error/message",
                lambda m: f'Traceback (most recent call last):\n  File "app.py", line 7, in serve\n{m}',
            ),
            None,
            "refusal",
        ),
        catches=("errors.no-internals",),
    ),
    _fault(
        "stack-trace-node",
        "errors",
        "Errors show a stack trace of another language.",
        body(put("/error/message", lambda m: f"{m}\n    at serve (/srv/app.js:12:34)"), None, "refusal"),
        catches=("errors.no-internals",),
    ),
)

TABLE: tuple[Fault, ...] = (
    *_ROWS,
    *(_answered_200(name, where) for name, where in _BAD_REQUESTS.items()),
    *(_crashing(name, where) for name, where in _BAD_REQUESTS.items()),
    *(_unprocessable(name, where) for name, where in _BAD),
)

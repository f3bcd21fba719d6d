"""What the tables of checks allow: word by word, status by status, key by key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.conformance.judging.good_openai import TOOL_CALL
from tests.conformance.judging.spoiling import Change, body, choice, error, message, status, together

Case = tuple[str, Change, str]

# Each status: the types that are told with it, and one that is not.
_MESSAGES = {
    400: ("invalid_request_error billing_error", "api_error"),
    401: ("authentication_error", "permission_error"),
    402: ("billing_error", "invalid_request_error"),
    403: ("permission_error", "authentication_error"),
    404: ("not_found_error", "invalid_request_error"),
    405: ("invalid_request_error", "not_found_error"),
    408: ("timeout_error", "api_error"),
    409: ("conflict_error", "invalid_request_error"),
    413: ("request_too_large", "invalid_request_error"),
    415: ("invalid_request_error", "api_error"),
    422: ("invalid_request_error", "api_error"),
    429: ("rate_limit_error billing_error", "overloaded_error"),
    500: ("api_error", "overloaded_error"),
    502: ("api_error", "timeout_error"),
    503: ("api_error overloaded_error", "timeout_error"),
    504: ("timeout_error api_error", "overloaded_error"),
    529: ("overloaded_error", "api_error"),
}
_GEMINI = {
    400: ("INVALID_ARGUMENT FAILED_PRECONDITION OUT_OF_RANGE", "NOT_FOUND"),
    401: ("UNAUTHENTICATED", "PERMISSION_DENIED"),
    403: ("PERMISSION_DENIED", "UNAUTHENTICATED"),
    404: ("NOT_FOUND", "INVALID_ARGUMENT"),
    409: ("ABORTED ALREADY_EXISTS", "INVALID_ARGUMENT"),
    429: ("RESOURCE_EXHAUSTED", "UNAVAILABLE"),
    499: ("CANCELLED", "ABORTED"),
    500: ("INTERNAL UNKNOWN DATA_LOSS", "UNAVAILABLE"),
    501: ("UNIMPLEMENTED", "INTERNAL"),
    503: ("UNAVAILABLE", "INTERNAL"),
    504: ("DEADLINE_EXCEEDED", "UNAVAILABLE"),
}
_TYPED, _NAMED = "messages.errors.no-messages", "gemini.errors.no-contents"


def _errors() -> Iterator[Case]:
    for code, (right, wrong) in _MESSAGES.items():
        for kind in right.split():
            yield "messages.errors.type", together(status(_TYPED, code), error(_TYPED, type=kind)), "pass"
        yield "messages.errors.type", together(status(_TYPED, code), error(_TYPED, type=wrong)), "finding"
    for code, (right, wrong) in _GEMINI.items():
        for kind in right.split():
            told = together(status(_NAMED, code), error(_NAMED, code=code, status=kind))
            yield from ((f"gemini.errors.{name}", told, "pass") for name in ("status", "status-agrees"))
        told = together(status(_NAMED, code), error(_NAMED, code=code, status=wrong))
        yield "gemini.errors.status-agrees", told, "finding"
    yield "gemini.errors.status", error(_NAMED, status="OK"), "pass"
    yield "gemini.errors.status", error(_NAMED, status="Ok"), "finding"


def _in(path: tuple[Any, ...], probe: str, **values: Any) -> Change:
    """Members of what stands at a path of the body, or of the first chunk of a stream."""

    def apply(world: Any) -> None:
        found = world[probe].body if world[probe].chunks is None else world[probe].chunks[0]
        for step in path:
            found = found[step]
        found.update(values)

    return apply


_CALL = {"id": 1, "type": 1, "function": {"name": "get_weather", "arguments": 1}}
_USAGE = {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}
_LOGPROB = {"token": 1, "logprob": "1", "bytes": "1", "top_logprobs": "1"}
_CHOICE = ("choices", 0)
_OUTPUT = ("output", 0)
_COUNTS = ("input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details")

# Wrong types, each of which another check tells of: here nothing is found.
_ELSEWHERE = {
    "chat.types": [
        body("chat.plain", id=1, object=1, created="1", model=1),
        *(body("chat.plain", usage={**_USAGE, name: "1"}) for name in _USAGE),
        message("chat.plain", tool_calls=[{**TOOL_CALL, "function": {"name": "f", "arguments": 1}}]),
        body("chat.plain", choices="none"),
        choice("chat.plain", index="0", message="none", finish_reason=1),
        message("chat.plain", role=1, content=1, tool_calls=[_CALL]),
        message("chat.plain", tool_calls=[{**TOOL_CALL, "function": "none"}]),
        choice("chat.plain", logprobs={"content": [_LOGPROB], "refusal": None}),
    ],
    "chat.stream.chunk-types": [
        _in((), "chat.stream", id=1, object=1, created="1", model=1),
        *(_in((), "chat.stream", usage={**_USAGE, name: "1"}) for name in _USAGE),
        _in((), "chat.stream", choices="none"),
        _in(_CHOICE, "chat.stream", index="0", delta="none", finish_reason=1),
        _in((*_CHOICE, "delta"), "chat.stream", role=1, tool_calls="none"),
        _in((*_CHOICE, "delta"), "chat.stream", tool_calls=[{"index": "0", **_CALL}]),
        _in((*_CHOICE, "delta"), "chat.stream", tool_calls=[{"index": 0, "function": {"name": 1}}]),
        _in((*_CHOICE, "delta"), "chat.stream", tool_calls=[{"index": 0, "function": "none"}]),
    ],
    "responses.types": [
        body("responses.plain", id=1, object=1, created_at="1", model=1, status=1, usage="none"),
        body("responses.plain", output="none"),
        _in(_OUTPUT, "responses.plain", id=1, role=1, status=1, content="none"),
        _in((*_OUTPUT, "content", 0), "responses.plain", text=1, annotations="none", logprobs="none"),
        _in(_OUTPUT, "responses.tools.forced", call_id=1, name=1, arguments=1),
        _in(_OUTPUT, "responses.tools.custom", input=1),
        _in(_OUTPUT, "responses.reasoning", summary="none"),
        *(_in(("usage",), "responses.plain", **{name: "1"}) for name in _COUNTS),
        _in(("usage", "input_tokens_details"), "responses.plain", cached_tokens="1"),
        _in(("usage", "output_tokens_details"), "responses.plain", reasoning_tokens="1"),
        _in(_OUTPUT, "responses.plain", type=1),
    ],
}


def _words() -> Iterator[Case]:
    for tier in ("auto", "default", "flex", "scale", "priority", "fast"):
        yield "chat.params.service-tier", body("chat.params", service_tier=tier), "pass"
    yield "chat.params.service-tier", body("chat.params", service_tier="slow"), "finding"
    for tag in ("<think>", "<thinking>", "<reasoning>", "</think>"):
        yield "chat.reasoning.apart", message("chat.reasoning", content=f"{tag} It is 12."), "finding"
    for mark in ("<tool_call>", "<|tool_call|>", "[TOOL_CALLS]", "<function=f>", "<|python_tag|>"):
        yield "chat.tools.no-markup", message("chat.tools.forced", content=mark), "finding"
    for key in ("refusal", "tool_calls", "function_call", "reasoning_content", "reasoning", "audio"):
        yield "chat.message.not-empty", message("chat.plain", content=None, **{key: "something"}), "pass"


TABLE: list[Case] = [
    *_errors(),
    *((name, change, "pass") for name, changes in _ELSEWHERE.items() for change in changes),
    *_words(),
]

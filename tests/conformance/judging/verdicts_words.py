"""Words, keys and headers that tables of checks name, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from tests.conformance.judging.spoiling import Change, body, choice, error, header, inserted, together

Case = tuple[str, Change, str]

# Why an answer ended, in the words of each format; where formats differ, that is a finding.
_CHAT = {"end": ("stop",), "budget": ("length",), "filter": ("content_filter",), "tools": ("function_call",)}
_MESSAGES = {
    "end": ("end_turn", "stop_sequence"),
    "budget": ("max_tokens", "model_context_window_exceeded"),
    "filter": ("refusal",),
    "tools": ("tool_use",),
}
_GEMINI = {
    "end": ("STOP",),
    "budget": ("MAX_TOKENS",),
    "filter": ("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION"),
}
_RESPONSES = {"budget": ("max_output_tokens",), "filter": ("content_filter",)}
_STACKS = (
    "Traceback (most recent call last): KeyError",
    'File "app.py", line 12, in main',
    "TypeError\n    at run (server.js:10:5)",
    "goroutine 1 [running]",
)


def _contents(word: str) -> Change:
    return lambda w: w["gemini.plain"].body["candidates"][0].update(finishReason=word)


def _counted(name: str) -> Change:
    return lambda w: w["gemini.plain"].body["usageMetadata"].update({name: -1})


def _message(word: str) -> Change:
    return body("messages.plain", stop_reason=word)


def _response(word: str) -> Change:
    return body("responses.plain", status="incomplete", incomplete_details={"reason": word})


def _stopped() -> Iterator[Case]:
    for name, words, told in (
        ("messages", _MESSAGES, _message),
        ("gemini", _GEMINI, _contents),
        ("responses", _RESPONSES, _response),
    ):
        for reason, theirs in words.items():
            for ours, word in product(_CHAT[reason], theirs):
                ended = together(choice("chat.plain", finish_reason=ours), told(word))
                yield f"formats.{name}.stop-reason", ended, "pass"


def _same_strings(world: Any) -> None:
    """Every delta says the same of what tells entries apart, and of what is text."""
    for chunk in (one for one in world.chunks("chat.stream") if isinstance(one, dict)):
        for one in chunk["choices"]:
            names = ("role", "type", "index", "function_call", "tool_calls")
            texts = ("content", "refusal", "reasoning_content", "reasoning")
            one["delta"].update(dict.fromkeys((*names, *texts), "same"))


def _same_string(world: Any) -> None:
    for chunk in (one for one in world.chunks("chat.stream") if isinstance(one, dict)):
        for one in chunk["choices"]:
            one["delta"]["signature"] = "same"


def _words() -> Iterator[Case]:
    for word in ("pause_turn", "refusal", "model_context_window_exceeded", "stop_sequence"):
        yield "messages.stop-reason", _message(word), "pass"
    for word in ("failed", "in_progress", "cancelled", "queued", "incomplete"):
        yield "responses.status", body("responses.plain", status=word), "pass"
    yield "completions.finish-reason", choice("completions.plain", finish_reason="content_filter"), "pass"
    for text in _STACKS:
        yield "errors.no-internals", error("errors.unknown-model", message=text), "finding"
    for text in ("It is Disabled.", "INACTIVE"):
        yield "auth.disabled-key-clear", error("keys.disabled", message=text), "pass"
    for text in ("It is no PNG.", "messages[0] is wrong", "The image cannot be read."):
        yield "chat.vision.broken-named", error("chat.vision.broken", message=text), "pass"
    yield (
        "errors.context-overflow.words",
        error("errors.context-overflow", message="CONTEXT is full."),
        "pass",
    )


def _keys() -> Iterator[Case]:
    for name in ("choices", "object", "candidates", "output"):
        yield "messages.no-foreign-keys", body("messages.plain", **{name: []}), "finding"
    for name in ("object", "model", "usage", "created_at"):
        yield "responses.stored.same", body("responses.get", **{name: "other"}), "finding"
    for name in ("thoughtsTokenCount", "cachedContentTokenCount", "toolUsePromptTokenCount"):
        yield "gemini.usage.integers", _counted(name), "finding"
    for name in ("args", "response"):
        yield "gemini.camel-case", body("gemini.plain", **{name: {"snake_case": 1}}), "pass"
    yield "gemini.camel-case", body("gemini.plain", other={"snake_case": 1}), "finding"
    for unit in ("requests", "tokens", "input-tokens", "output-tokens"):
        limit = header("messages.plain", f"anthropic-ratelimit-{unit}-limit", "many")
        yield "messages.limits.integers", limit, "finding"
    for name in ("detail", "code", "type", "status", "object"):
        told = inserted("chat.stream", 1, {"message": "It broke.", name: "1"})
        yield "chat.stream.error-frames", told, "finding"
    yield "chat.stream.error-frames", inserted("chat.stream", 1, {"message": "Hello", "name": "x"}), "pass"
    yield "chat.stream.constant-strings", _same_strings, "pass"
    yield "chat.stream.constant-strings", _same_string, "finding"


TABLE: list[Case] = [*_stopped(), *_words(), *_keys()]

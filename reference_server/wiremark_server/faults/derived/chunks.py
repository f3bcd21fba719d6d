"""The fields of streamed chunks: in all of them, and in those of one kind alone."""

from __future__ import annotations

from collections.abc import Iterator

from wiremark_server.faults.change import CHAT, of, values
from wiremark_server.faults.derived.mutation import Family, mutations, rule, shape_fault
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.frames import Frame

_CHUNK = Family(
    "chunk",
    "openai/chat.chunk",
    CHAT,
    "stream",
    (
        rule("/object", "chat.stream.chunk-object"),
        rule("/id", "chat.stream.chunk-fields"),
        rule("/model", "chat.stream.chunk-fields"),
        rule("/created", "chat.stream.chunk-fields"),
        rule("/choices", "chat.stream.choices-array"),
        rule("/choices/*/delta/tool_calls/*/index", "chat.tools.stream.index-order", change="negative"),
        rule("/choices/*/delta/tool_calls/*/index", "chat.tools.stream.index"),
        rule("/choices/*/index", "chat.stream.index-zero", change="negative"),
        rule("/choices/*/index", "chat.stream.choice-fields"),
        rule("/choices/*/delta", "chat.stream.choice-fields"),
        rule("/choices/*/delta/role", "chat.stream.role"),
        rule("/choices/*/delta/tool_calls", "chat.tools.stream.called"),
        rule("/choices/*/delta/tool_calls/*/id", "chat.tools.stream.id"),
        rule("/choices/*/delta/tool_calls/*/type", "chat.tools.stream.type"),
        rule("/choices/*/delta/tool_calls/*/function", "chat.tools.stream.name"),
        rule("/choices/*/delta/tool_calls/*/function/name", "chat.tools.stream.name"),
        rule("/choices/*/delta/tool_calls/*/function/arguments", "chat.tools.stream.fragments"),
        rule("/choices/*/finish_reason", "chat.stream.finish-enum"),
        rule("/usage/*_details/*", "chat.stream.chunk-types"),
        rule("/usage/*_tokens", "chat.stream.usage.integers"),
        rule("*", "chat.stream.chunk-types"),
    ),
    allows=(
        "chat.stream.*",
        "chat.n.stream.*",
        "chat.tools.*",
        "chat.max-completion-tokens.*",
        "billing.stream.*",
    ),
    absent=(
        "/created:negative",
        "*/function_call*",
        "*/audio*",
        "*/logprobs/*",
        "*/reasoning_content",
        "/moderation*",
        "/obfuscation",
        "*/cache_write_tokens",
        "*/image_tokens",
        "*/text_tokens",
    ),
)
_IN_EVERY_CHUNK = ("/id", "/object", "/created", "/model", "/choices")
_KINDS = ("role", "content", "finish", "usage", "call", "arguments")


def faults() -> Iterator[Fault]:
    for mutation in mutations(_CHUNK):
        yield shape_fault(_CHUNK, mutation, values(_all, mutation.change), where="every chunk")
        if mutation.field.pointer in _IN_EVERY_CHUNK and mutation.name in ("missing", "null", "type"):
            for kind in _KINDS:
                edit = values(of(kind), mutation.change)
                yield shape_fault(_CHUNK, mutation, edit, name=f"chunk-{kind}", where=f"{kind} chunks alone")


def _all(frame: Frame, _: int) -> bool:
    return frame.text is None

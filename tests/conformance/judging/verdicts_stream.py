"""Streams of chat: what exactly is a finding, what is none, and what cannot be told."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.judging.good_openai import chunk, piece, usage_chunk
from tests.conformance.judging.spoiling import (
    Change,
    arriving,
    header,
    inserted,
    stream,
    together,
)

_TEXT = ({"role": "assistant", "content": ""}, {"content": "Hello"}, {"content": " there."})


def _said(*deltas: dict[str, Any], reason: str | None = "stop", index: int = 0) -> Change:
    return stream(
        "chat.stream", *(chunk(one, None, index) for one in deltas), chunk({}, reason, index), "[DONE]"
    )


def _failed(event: bytes) -> Change:
    """A chunk of text, then bytes of an event in which a failure is told."""
    return stream("chat.stream", chunk({"role": "assistant", "content": "Hel"}), event)


def _event(value: Any, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + f"data: {json.dumps(value)}\n\n".encode()


def _flow(events: int, first: int, step: int) -> Change:
    """So many events: when the first comes, and how long after it each further one, in nanoseconds."""
    size = 40
    told = [f"data: {json.dumps({'n': 100 + n})}".encode().ljust(size - 2) + b"\n\n" for n in range(events)]
    return together(
        stream("chat.stream", b"".join(told)),
        arriving("chat.stream", size, lambda at: first + at // size * step),
    )


def _parts(*times: int) -> Change:
    """A stream whose bytes come in as many arrivals."""
    return together(
        stream("chat.stream", b": x\n\n" * (len(times) - 1) + b"data: {}\n\n"),
        arriving("chat.stream", 5, lambda at: times[min(at // 5, len(times) - 1)]),
    )


# An event without data, which one of three clients reads.
_NO_DATA = inserted("chat.stream", 0, b"event: x\n\n")

TABLE: list[tuple[str, Change, str]] = [
    # clients
    ("readers.html-standard", _NO_DATA, "pass"),
    ("readers.openai-node", _NO_DATA, "finding"),
    ("readers.agree", _NO_DATA, "pass"),
    # chat-stream
    ("chat.stream.role", _said(*_TEXT, index=1), "pass"),
    ("chat.stream.role", _said({"content": "Hi"}, index=1), "finding"),
    ("chat.stream.role", _said({}, {"role": "assistant", "content": "Hi"}), "pass"),
    ("chat.stream.role", stream("chat.stream", chunk({"role": "assistant"}, "stop"), "[DONE]"), "pass"),
    ("chat.tools.stream.role", stream("chat.tools.stream", chunk({"role": "assistant"}), "[DONE]"), "pass"),
    (
        "chat.tools.stream.role",
        inserted("chat.tools.stream", 1, chunk({"role": "assistant"})),
        "finding",
    ),
    ("chat.stream.text", _said({"role": "assistant", "refusal": "No."}), "pass"),
    ("chat.stream.text", _said({"role": "assistant", "reasoning": "Hm."}), "pass"),
    ("chat.stream.fragments", _said(*({"content": "a" * n} for n in (1, 2, 3, 4))), "finding"),
    ("chat.stream.fragments", _said(*({"content": "a" * n} for n in (1, 2, 3))), "pass"),
    ("chat.stream.fragments", _said(*({"content": "ha"} for _ in range(6))), "pass"),
    ("chat.stream.fragments", _said(*({"content": text} for text in ("a", "bb", "ccc", "dddd"))), "pass"),
    ("chat.stream.fragments", _said(*({"content": text} for text in ("a", "b", "ab"))), "pass"),
    ("chat.stream.fragments", _said(*({"content": text} for text in ("a", "b", "c", "abc"))), "finding"),
    ("chat.stream.constant-strings", _said(*({"mark": "x", "content": "a"} for _ in range(3))), "finding"),
    ("chat.stream.constant-strings", _said(*({"mark": "x"} for _ in range(2))), "pass"),
    ("chat.stream.constant-strings", _said(*({"mark": x} for x in "xyx")), "pass"),
    ("chat.stream.constant-strings", _said(*({"content": "a"} for _ in range(4))), "pass"),
    ("chat.stream.constant-strings", _said(*({"mark": 5} for _ in range(4))), "pass"),
    ("chat.stream.lists-indexed", _said(*({"notes": [{"text": "x"}]} for _ in range(2))), "finding"),
    ("chat.stream.lists-indexed", _said({"notes": [{"text": "x"}]}), "pass"),
    ("chat.stream.lists-indexed", _said(*({"notes": [{"index": 0}]} for _ in range(2))), "pass"),
    ("chat.stream.lists-indexed", _said(*({"notes": ["x"]} for _ in range(2))), "pass"),
    ("chat.stream.lists-indexed", _said(*({"notes": "x"} for _ in range(2))), "pass"),
    ("chat.stream.lists-indexed", _said({"notes": ["x"]}, {"others": [{"text": "x"}]}), "pass"),
    ("chat.stream.lists-indexed", _said(*({"tool_calls": [{"id": "a"}]} for _ in range(2))), "pass"),
    ("chat.stream.after-finish", inserted("chat.stream", -1, chunk({"content": "x"})), "finding"),
    ("chat.stream.after-finish", inserted("chat.stream", -1, chunk(piece(0, "{}"))), "finding"),
    ("chat.stream.after-finish", inserted("chat.stream", -1, chunk({"role": "assistant"})), "pass"),
    (
        "chat.stream.after-finish",
        inserted("chat.stream", -1, {"choices": [{"index": 0, "delta": "x", "finish_reason": None}]}),
        "pass",
    ),
    ("chat.stream.identity", header("chat.stream", "content-encoding", "IDENTITY"), "pass"),
    ("chat.stream.no-buffering", header("chat.stream", "x-accel-buffering", "No"), "pass"),
    ("chat.stream.no-buffering", header("chat.stream", "x-accel-buffering", None), "finding"),
    ("chat.stream.cache-control", header("chat.stream", "cache-control", "No-Store"), "pass"),
    ("chat.stream.cache-control", header("chat.stream", "cache-control", "private"), "finding"),
    ("chat.stream.cache-control", header("chat.stream", "cache-control", None), "finding"),
    ("chat.stream.done-exact", inserted("chat.stream", -1, " [Done] "), "finding"),
    ("chat.stream.done-exact", inserted("chat.stream", -1, "X[DONE]X"), "pass"),
    ("chat.stream.error-frames", _failed(_event({"note": "x"})), "pass"),
    ("chat.stream.error-frames", _failed(_event({"note": "x"}, "error")), "finding"),
    ("chat.stream.error-frames", _failed(_event({"object": "error", "note": "x"})), "finding"),
    ("chat.stream.error-frames", _failed(_event({"object": "list", "note": "x"})), "pass"),
    ("chat.stream.error-frames", _failed(_event({"message": "x", "code": 5})), "finding"),
    ("chat.stream.error-frames", _failed(_event({"code": 5})), "pass"),
    ("chat.stream.error-frames", _failed(_event({"message": "x", "note": "x"})), "pass"),
    ("chat.stream.error-frames", _failed(_event(["message"], "error")), "pass"),
    ("chat.stream.error-frames", _failed(_event({"message": "x", "choices": []})), "pass"),
    ("chat.stream.error-frames", _failed(_event({"choices": []}, "error")), "pass"),
    ("chat.stream.last-event-ended", inserted("chat.stream", 7, b": half a com"), "pass"),
    ("chat.stream.last-event-ended", inserted("chat.stream", 7, b"data: half an ev"), "finding"),
    ("chat.stream.error-frames", _failed(_event({"error": {"message": "x"}}, "error")), "pass"),
    ("chat.stream.error-frames", _failed(_event({"error": {"code": 5}}, "error")), "finding"),
    (
        "chat.stream.error-ends",
        inserted("chat.stream", 4, {"error": {"message": "x"}}, "x", {"choices": "x"}, {"choices": ["x"]}),
        "finding",
    ),
    (
        "chat.stream.error-ends",
        inserted("chat.stream", 5, {"error": {"message": "x"}}, chunk({})),
        "pass",
    ),
    ("chat.stream.usage-unasked", inserted("chat.stream", -1, usage_chunk()), "finding"),
    ("chat.stream.usage-unasked", inserted("chat.stream", -1, {**chunk(), "choices": []}), "pass"),
    ("chat.stream.created-seconds", stream("chat.stream", "[DONE]"), "pass"),
    ("chat.stream.id-unique", stream("chat.stream", "[DONE]"), "pass"),
    ("completions.stream.created-seconds", stream("completions.stream", "[DONE]"), "untestable"),
    (
        "completions.stream.usage-unasked",
        inserted("completions.stream", 1, {"object": "text_completion", "choices": []}),
        "pass",
    ),
    # times: 24 events, the first after two seconds, and 0.2 ms for each
    ("chat.stream.flowing", _flow(24, 2_000_000_000, 1), "finding"),
    ("chat.stream.flowing", _flow(23, 2_000_000_000, 1), "pass"),
    ("chat.stream.flowing", _flow(24, 1_999_999_999, 1), "pass"),
    ("chat.stream.flowing", _flow(24, 2_000_000_000, 208_690), "finding"),
    ("chat.stream.flowing", _flow(24, 2_000_000_000, 208_700), "pass"),
    ("chat.stream.flowing", _flow(25, 2_000_000_000, 200_000), "finding"),
    ("chat.stream.flowing", _flow(26, 2_000_000_000, 208_000), "finding"),
    ("chat.stream.flowing", _flow(25, 1_999_999_999, 2), "pass"),
    ("chat.stream.alive", _parts(1, 20_000_000_001), "pass"),
    ("chat.stream.alive", _parts(1, 20_000_000_002), "finding"),
    ("chat.stream.alive", _parts(15_000_000_000, 15_000_000_001), "pass"),
    ("chat.stream.alive", _parts(30_000_000_000), "pass"),
]

"""Chat: what exactly is a finding, what is none, and what cannot be told."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

from wiremark_conformance.probes.custom_tools import NOTE
from wiremark_schemas.contracts import Contract

from tests.conformance.judging.good_openai import chunk, piece, usage_chunk
from tests.conformance.judging.spoiling import (
    Change,
    answered_as,
    arriving,
    body,
    choice,
    declined,
    ending,
    header,
    inserted,
    message,
    status,
    stream,
    together,
    usage,
)

_TEXT = ({"role": "assistant", "content": ""}, {"content": "Hello"}, {"content": " there."})


def _said(*deltas: dict[str, Any], reason: str | None = "stop", index: int = 0) -> Change:
    return stream(
        "chat.stream", *(chunk(one, None, index) for one in deltas), chunk({}, reason, index), "[DONE]"
    )


def _streamed_refusal(reason: str | None) -> Change:
    said: tuple[dict[str, Any], ...] = ({"role": "assistant", "refusal": "I cannot."}, {})
    return stream("chat.refusal.stream", *(chunk(one) for one in said), chunk({}, reason), "[DONE]")


def _tokens(*texts: str, content: str = "Hello there.", **more: Any) -> Change:
    listed = [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": [], **more} for text in texts]
    return together(
        choice("chat.logprobs", logprobs={"content": listed}), message("chat.logprobs", content=content)
    )


def _streamed_tokens(*texts: str, said: str = "Hello there.") -> Change:
    told = chunk({"role": "assistant", "content": said})
    told["choices"][0]["logprobs"] = {"content": [{"token": text, "logprob": -0.1} for text in texts]}
    return stream("chat.logprobs.stream", told, chunk({}, "stop"), "[DONE]")


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


def _call(*fragments: dict[str, Any], reason: str = "tool_calls") -> Change:
    """A streamed call in these fragments."""
    return stream(
        "chat.tools.stream",
        chunk({"role": "assistant", "content": None}),
        *(chunk({"tool_calls": [one]}) for one in fragments),
        chunk({}, reason),
        "[DONE]",
    )


def _whole(*calls: dict[str, Any], reason: str = "tool_calls") -> Change:
    return together(
        message("chat.tools.forced", tool_calls=list(calls)),
        choice("chat.tools.forced", finish_reason=reason),
    )


def _function(name: str = "get_weather", arguments: str = '{"city": "Paris"}') -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


_CALL = {"id": "call_1", "type": "function", "function": _function()}
_OPENING = {"index": 0, "id": "call_1", "type": "function", "function": _function(arguments="{}")}
_MORE = {"index": 0, "function": {"arguments": ""}}


def _functions(**said: Any) -> Change:
    """An answer to the older `functions`."""
    return together(
        answered_as("chat.tools.functions", "chat.plain"), message("chat.tools.functions", **said)
    )


def _bare(arguments: str) -> Change:
    """The call of a function without parameters."""
    told = {**_OPENING, "function": _function(arguments=arguments)}
    return stream("chat.tools.no-arguments", chunk({"tool_calls": [told]}), chunk({}, "tool_calls"), "[DONE]")


def _note(opening: dict[str, Any], later: dict[str, Any]) -> Change:
    """A streamed call of the custom tool, with these members otherwise."""
    first = {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": NOTE, "input": ""}, **opening}
    more = {"index": 0, "custom": {"input": "x"}, **later}
    return stream(
        "chat.tools.custom.stream",
        *(chunk({"tool_calls": [one]}) for one in (first, more)),
        chunk({}, "tool_calls"),
        "[DONE]",
    )


def _always_thinking(world: Any) -> None:
    """The model under test reasons whether it is asked to or not."""
    told = copy.deepcopy(world.contract.raw)
    told["models"][0]["reasoning"] = "always"
    world.target = replace(world.target, contract=Contract(world.contract.name, told))


def _cut(probe: str, reason: str) -> Change:
    return together(message(probe, content='{"a'), choice(probe, finish_reason=reason))


def _city(content: str, reason: str | None, **more: str) -> Change:
    said = {"role": "assistant", "content": content, **more}
    return stream("chat.json-schema.stream", chunk(said), chunk({}, reason), "[DONE]")


_MOST = 8192  # tokens of an answer of the model under test


def _capped(tokens: int) -> Change:
    return together(
        answered_as("context.max-tokens", "chat.plain"),
        usage("context.max-tokens", completion_tokens=tokens, total_tokens=tokens + 20),
    )


TABLE: list[tuple[str, Change, str]] = [
    ("chat.schema", choice("chat.plain", index="x"), "pass"),
    ("chat.stored", status("chat.stored", 405), "pass"),
    ("chat.stored", status("chat.stored", 406), "finding"),
    ("chat.refusal.stream", _streamed_refusal("stop"), "pass"),
    ("chat.refusal.stream", _streamed_refusal("length"), "finding"),
    ("chat.refusal.stream", _streamed_refusal(None), "finding"),
    ("chat.refusal.stream", stream("chat.refusal.stream", chunk({"refusal": "No."}, None, 1)), "untestable"),
    ("chat.usage.total", usage("chat.plain", prompt_tokens="20", total_tokens=26), "pass"),
    ("chat.usage.total", usage("chat.plain", completion_tokens="6"), "pass"),
    ("chat.usage.total", usage("chat.plain", total_tokens="26"), "pass"),
    ("chat.usage.positive", usage("chat.plain", prompt_tokens=1), "pass"),
    ("chat.usage.positive", usage("chat.plain", completion_tokens=1), "pass"),
    ("answer.id", body("chat.plain", id=7), "finding"),
    ("answer.id", stream("chat.stream", "[DONE]"), "finding"),
    ("answer.usage-fields", usage("chat.plain", cost=5.0004e-6), "pass"),
    ("answer.usage-fields", usage("chat.plain", cost=5.4e-6), "finding"),
    (
        "answer.message-fields",
        together(_always_thinking, message("chat.plain", reasoning_content="Hm.")),
        "pass",
    ),
    ("answer.message-fields", message("chat.plain", reasoning_content="Hm."), "finding"),
    # chat-options
    ("chat.max-tokens.honoured", message("chat.max-tokens", content="1" * 200), "pass"),
    ("chat.max-tokens.honoured", message("chat.max-tokens", content="1" * 201), "finding"),
    (
        "chat.max-tokens.finish-reason",
        together(
            lambda w: w["chat.max-tokens"].body.pop("usage"), choice("chat.max-tokens", finish_reason="stop")
        ),
        "untestable",
    ),
    ("chat.logprobs.entries", choice("chat.logprobs", logprobs={"content": []}), "untestable"),
    ("chat.logprobs.entries", choice("chat.logprobs", logprobs={"content": "x"}), "untestable"),
    ("chat.logprobs.entries", choice("chat.logprobs", logprobs={"content": ["x"]}), "finding"),
    ("chat.logprobs.entries", _tokens("Hello", logprob=1e-6), "pass"),
    ("chat.logprobs.bytes", _tokens("Hello", bytes="absent"), "finding"),
    ("chat.logprobs.bytes", _tokens("Hello", bytes=[72, "x"]), "finding"),
    ("chat.logprobs.bytes", _tokens("Hello", top_logprobs=5), "pass"),
    ("chat.logprobs.bytes", _tokens("Hello", top_logprobs=[{"token": "x", "bytes": "x"}]), "finding"),
    ("chat.logprobs.text", _tokens("Hello", " there.", "<|end|>"), "pass"),
    ("chat.logprobs.text", _tokens("Hel\ufffd", " there."), "pass"),
    ("chat.logprobs.text", _tokens("bytes:\\xe2", "\\x80"), "pass"),
    ("chat.logprobs.text", _tokens("Bytes:\\xe2", "\\x80"), "finding"),
    (
        "chat.logprobs.text",
        choice("chat.logprobs", logprobs={"content": [{"token": "Hello"}, {}, {"token": " there."}]}),
        "pass",
    ),
    ("chat.logprobs.stream", _streamed_tokens("Hello", " there."), "pass"),
    ("chat.logprobs.stream", _streamed_tokens("Hello"), "finding"),
    ("chat.logprobs.stream", _streamed_tokens("Hel\ufffd"), "pass"),
    ("chat.logprobs.stream", _streamed_tokens("bytes:\\xe2"), "pass"),
    ("chat.logprobs.stream", _streamed_tokens("ab", "x" * 9, said="ab"), "pass"),
    ("chat.logprobs.stream", _streamed_tokens("ab", "x" * 10, said="ab"), "finding"),
    (
        "chat.logprobs.stream",
        together(
            _streamed_tokens("Hello"),
            lambda w: w.chunks("chat.logprobs.stream")[0]["choices"][0]["logprobs"]["content"].extend(
                [{"logprob": -1}, {"token": " there."}]
            ),
        ),
        "pass",
    ),
    (
        "chat.n.stream.role",
        inserted("chat.n.stream", 2, chunk({"role": "assistant"}, "stop", 2)),
        "pass",
    ),
    ("chat.n.stream.role", lambda w: w["chat.n.stream"].delta(0).pop("role"), "finding"),
    # chat-reasoning
    ("chat.reasoning.tokens", usage("chat.reasoning", completion_tokens_details=None), "finding"),
    (
        "chat.reasoning.tokens",
        usage("chat.reasoning", completion_tokens_details={"reasoning_tokens": 1}),
        "pass",
    ),
    (
        "chat.reasoning.tokens",
        together(
            message("chat.reasoning", reasoning="Hm.", reasoning_content=None),
            usage("chat.reasoning", completion_tokens_details={"reasoning_tokens": 0}),
        ),
        "finding",
    ),
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
    # chat-structured
    (
        "chat.json.object",
        together(message("chat.json", content='{"a'), choice("chat.json", finish_reason="content_filter")),
        "untestable",
    ),
    (
        "chat.json-schema.rich-valid",
        message("chat.json-schema.rich", refusal="No.", content="x"),
        "untestable",
    ),
    ("chat.json-schema.rich-valid", message("chat.json-schema.rich", content="x"), "finding"),
    *(
        ("chat.json-schema.rich-valid", _cut("chat.json-schema.rich", reason), "untestable")
        for reason in ("length", "content_filter")
    ),
    *(
        ("chat.json-schema.stream-valid", _city('{"ci', reason), said)
        for reason, said in (
            ("length", "untestable"),
            ("content_filter", "untestable"),
            ("stop", "finding"),
            (None, "finding"),
        )
    ),
    ("chat.json-schema.stream-valid", _city("", "stop", refusal="No."), "untestable"),
    (
        "chat.json-schema.stream-valid",
        stream("chat.json-schema.stream", chunk({"content": "{}"}, None, 1)),
        "finding",
    ),
    ("chat.json-schema.cut", message("chat.json-schema.cut", content=' {"city": '), "pass"),
    # chat-tools
    ("chat.tools.forced.called", _whole(reason="length"), "untestable"),
    ("chat.tools.forced.called", together(_whole(reason="stop")), "finding"),
    (
        "chat.tools.forced.called",
        together(
            message("chat.tools.forced", tool_calls="x"), choice("chat.tools.forced", finish_reason="stop")
        ),
        "finding",
    ),
    ("chat.tools.forced.called", _whole({**_CALL, "function": None}), "finding"),
    (
        "chat.tools.call.arguments-json",
        _whole({**_CALL, "function": _function(arguments='{"ci')}, reason="length"),
        "untestable",
    ),
    ("chat.tools.call.ids-unique", _whole(_CALL, {**_CALL, "id": "call_2"}), "pass"),
    ("chat.tools.call.ids-unique", _whole(_CALL, _CALL), "finding"),
    (
        "chat.tools.round-trip.answer",
        together(
            message("chat.tools.round-trip", content=""),
            choice("chat.tools.round-trip", finish_reason="length"),
        ),
        "untestable",
    ),
    (
        "chat.tools.round-trip.answer",
        message("chat.tools.round-trip", content="", tool_calls=[_CALL]),
        "pass",
    ),
    ("chat.tools.round-trip.answer", message("chat.tools.round-trip", content="", refusal="No."), "pass"),
    ("chat.tools.round-trip.answer", message("chat.tools.round-trip", content=""), "finding"),
    ("chat.tools.stream.called", _call(reason="length"), "untestable"),
    ("chat.tools.stream.called", _call(reason="stop"), "finding"),
    ("chat.tools.stream.finish-reason", ending("chat.tools.stream", "length"), "untestable"),
    ("chat.tools.stream.finish-reason", ending("chat.tools.stream", "stop"), "finding"),
    ("chat.tools.stream.arguments-json", _call(_OPENING, {**_MORE, "function": "x"}), "pass"),
    ("chat.tools.stream.identity-once", _call(_OPENING, {**_MORE, "id": "call_1"}), "finding"),
    ("chat.tools.stream.identity-once", _call(_OPENING, {**_MORE, "id": "call_2"}), "pass"),
    ("chat.tools.stream.identity-once", _call(_OPENING, {**_MORE, "function": _function()}), "finding"),
    (
        "chat.tools.stream.identity-once",
        _call(
            _OPENING,
            {**_MORE, "id": "call_2"},
            {**_OPENING, "index": 1, "id": "call_3"},
            {**_MORE, "index": 1, "id": "call_3"},
        ),
        "finding",
    ),
    ("chat.tools.functions", declined("chat.tools.functions"), "pass"),
    ("chat.tools.functions", declined("chat.tools.functions", 500), "finding"),
    ("chat.tools.functions", _functions(function_call=_function()), "pass"),
    ("chat.tools.functions", _functions(tool_calls=[_CALL]), "pass"),
    ("chat.tools.functions", _functions(function_call=_function("other")), "finding"),
    ("chat.tools.functions", _functions(function_call="get_weather"), "finding"),
    ("chat.tools.functions", _functions(), "finding"),
    ("chat.tools.no-arguments", _bare("{}"), "pass"),
    ("chat.tools.no-arguments", _bare("[]"), "finding"),
    ("chat.tools.no-arguments", _bare(""), "finding"),
    ("chat.tools.custom.stream", _note({}, {}), "pass"),
    ("chat.tools.custom.stream", _note({"type": "function"}, {}), "finding"),
    ("chat.tools.custom.stream", _note({"id": ""}, {}), "finding"),
    ("chat.tools.custom.stream", _note({"custom": {"name": "other", "input": ""}}, {}), "finding"),
    ("chat.tools.custom.stream", _note({}, {"type": "custom"}), "finding"),
    ("chat.tools.custom.stream", _note({}, {"id": "call_1"}), "finding"),
    ("context.max-tokens.bounded", _capped(_MOST), "pass"),
    ("chat.tools.custom.stream", _note({}, {}), "pass"),
    ("chat.tools.custom.stream", _note({"type": "function"}, {}), "finding"),
    ("chat.tools.custom.stream", _note({"id": ""}, {}), "finding"),
    ("chat.tools.custom.stream", _note({"custom": {"name": "other", "input": ""}}, {}), "finding"),
    ("chat.tools.custom.stream", _note({}, {"type": "custom"}), "finding"),
    ("chat.tools.custom.stream", _note({}, {"id": "call_1"}), "finding"),
    ("context.max-tokens.bounded", _capped(_MOST + 1), "finding"),
]

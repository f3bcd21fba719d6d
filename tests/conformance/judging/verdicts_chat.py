"""Whole chat answers: what exactly is a finding, what is none, and what cannot be told."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from wiremark_schemas.contracts import Contract

from tests.conformance.judging.good_openai import chunk
from tests.conformance.judging.spoiling import (
    Change,
    body,
    choice,
    header,
    inserted,
    message,
    status,
    stream,
    together,
    usage,
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


def _cached(told: str | None) -> Change:
    """What the cache says of the answer."""
    return header("chat.plain", "x-cache", told)


def _details(value: Any) -> Change:
    """Details of the reasoning that are no list."""
    return message("chat.reasoning", reasoning_details=value)


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
    ("answer.usage-fields", usage("chat.plain", cost=0), "finding"),
    ("answer.usage-fields", together(usage("chat.plain", cost=0), _cached("Hit ")), "pass"),
    ("answer.usage-fields", together(usage("chat.plain", cost=0), _cached(None)), "finding"),
    ("answer.usage-fields", together(usage("chat.plain", cost=None), _cached("hit")), "finding"),
    ("answer.usage-fields", together(usage("chat.plain", cost=1e-6), _cached("hit")), "finding"),
    ("answer.usage-fields", _cached("hit"), "pass"),
    ("chat.reasoning.details", _details({"type": "reasoning.text", "index": 0}), "pass"),
    ("chat.reasoning.details", _details("x"), "finding"),
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
    (
        "chat.max-tokens.finish-reason",
        together(
            usage("chat.max-tokens", completion_tokens=3), choice("chat.max-tokens", finish_reason="stop")
        ),
        "pass",
    ),
    ("chat.logprobs.top-own", _tokens("Hello", top_logprobs=[{"token": "x"}]), "untestable"),
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
    ("chat.json.object", _cut("chat.json", "length"), "untestable"),
    ("chat.json.object", message("chat.json", refusal="No.", content="x"), "untestable"),
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
]

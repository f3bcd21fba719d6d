"""A stream and a whole answer of the same deltas say the same, in the published shapes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from wiremark_schemas import registry
from wiremark_server.dialects.openai_chat.answer import Answer, Identity
from wiremark_server.dialects.openai_chat.stream import ChatStream
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    ReasoningDelta,
    TextDelta,
    TokenLogprob,
    ToolArgumentsDelta,
    ToolCallStart,
    Usage,
)

IDENTITY = Identity("chatcmpl-1", 1_764_547_200, "m", "fp_1")
USAGE = Usage(prompt=3, completion=2)
CASES: dict[str, Sequence[Delta]] = {
    "text": [TextDelta(0, "Hé"), TextDelta(0, 'l"lo\n\u2028\x85'), Finish(0, "stop")],
    "nothing": [Finish(0, "length")],
    "logprobs": [
        TextDelta(0, "é", (TokenLogprob("é", -0.5, (("é", -0.5), ("b", -1.0))),)),
        Finish(0, "stop"),
    ],
    "calls": [
        ToolCallStart(0, 0, "call_a", "look"),
        ToolArgumentsDelta(0, 0, '{"a":'),
        ToolCallStart(0, 1, "call_b", "find"),
        ToolArgumentsDelta(0, 0, " 1.0}"),
        ToolArgumentsDelta(0, 1, "{}"),
        Finish(0, "tool_calls"),
    ],
    "reasoning": [ReasoningDelta(0, "hm"), ReasoningDelta(0, "m"), TextDelta(0, "x"), Finish(0, "stop")],
    "three choices, the last first": [
        TextDelta(2, "c"),
        TextDelta(0, "a"),
        Finish(2, "stop"),
        TextDelta(1, "b"),
        Finish(0, "length"),
        Finish(1, "stop"),
    ],
}


def _chunks(deltas: Sequence[Delta], *, include_usage: bool = True) -> list[Any]:
    stream = ChatStream(IDENTITY, _width(deltas), include_usage=include_usage)
    wire = b"".join(stream.encode([delta]) for delta in deltas) + stream.end(USAGE)
    blocks = wire.decode().split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""]
    assert all(block.startswith("data: {") and "\n" not in block for block in blocks[:-2])
    return [json.loads(block[6:]) for block in blocks[:-2]]


def _whole(deltas: Sequence[Delta]) -> Any:
    answer = Answer(
        IDENTITY, _width(deltas), logprobs=any(isinstance(d, TextDelta) and d.logprobs for d in deltas)
    )
    answer.add(deltas)
    return json.loads(answer.encode(USAGE))


def _width(deltas: Sequence[Delta]) -> int:
    return 1 + max(delta.choice for delta in deltas)


def _folded(chunks: Sequence[Any], choice: int) -> dict[str, Any]:
    """What a client's accumulator makes of the deltas of one choice."""
    deltas = [entry for chunk in chunks for entry in chunk["choices"] if entry["index"] == choice]
    texts = [entry["delta"]["content"] for entry in deltas if entry["delta"].get("content")]
    calls: dict[int, list[str]] = {}
    for entry in deltas:
        for call in entry["delta"].get("tool_calls", ()):
            known = calls.setdefault(call["index"], ["", "", ""])
            known[0] += call.get("id", "")
            known[1] += call["function"].get("name", "")
            known[2] += call["function"]["arguments"]
    return {
        "text": "".join(texts),
        "reasoning": "".join(entry["delta"].get("reasoning_content", "") for entry in deltas),
        "calls": [tuple(call) for _, call in sorted(calls.items())],
        "logprobs": [
            token for entry in deltas if entry["logprobs"] for token in entry["logprobs"]["content"]
        ],
        "finish": [entry["finish_reason"] for entry in deltas if entry["finish_reason"]],
    }


@pytest.mark.parametrize("deltas", CASES.values(), ids=CASES)
def test_the_concatenated_stream_equals_the_whole_answer(deltas: Sequence[Delta]) -> None:
    chunks, whole = _chunks(deltas), _whole(deltas)
    for choice in whole["choices"]:
        message = choice["message"]
        assert _folded(chunks, choice["index"]) == {
            "text": message["content"] or "",
            "reasoning": message.get("reasoning_content", ""),
            "calls": [
                (call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in message.get("tool_calls", ())
            ],
            "logprobs": (choice["logprobs"] or {}).get("content", []),
            "finish": [choice["finish_reason"]],
        }
    assert chunks[-1]["usage"] == whole["usage"]


@pytest.mark.parametrize("deltas", CASES.values(), ids=CASES)
def test_both_have_the_published_shape(deltas: Sequence[Delta]) -> None:
    chunk = registry.validator("openai/chat.chunk.strict")
    for document in _chunks(deltas):
        chunk.validate(document)
    registry.validator("openai/chat.response.strict").validate(_whole(deltas))


@pytest.mark.parametrize("deltas", CASES.values(), ids=CASES)
def test_each_choice_has_one_role_first_and_choices_open_in_order(deltas: Sequence[Delta]) -> None:
    opened = [
        entry["index"]
        for chunk in _chunks(deltas)
        for entry in chunk["choices"]
        if entry["delta"].get("role") == "assistant"
    ]
    first_seen = list(dict.fromkeys(e["index"] for chunk in _chunks(deltas) for e in chunk["choices"]))
    assert opened == first_seen == list(range(_width(deltas)))


def test_usage_is_sent_only_when_asked_for() -> None:
    asked, silent = _chunks(CASES["text"]), _chunks(CASES["text"], include_usage=False)
    assert [chunk["usage"] for chunk in asked[:-1]] == [None] * (len(asked) - 1)
    assert asked[-1]["choices"] == []
    assert all("usage" not in chunk for chunk in silent)


def test_identity_is_the_same_on_every_chunk() -> None:
    chunks = _chunks(CASES["calls"])
    repeated = ("id", "created", "model", "system_fingerprint")
    assert {tuple(chunk[name] for name in repeated) for chunk in chunks} == {
        ("chatcmpl-1", 1_764_547_200, "m", "fp_1")
    }


def test_line_separators_of_older_parsers_are_escaped() -> None:
    stream = ChatStream(IDENTITY, 1, include_usage=False)
    wire = stream.encode([TextDelta(0, "\u2028\u2029\x85")]).decode()
    assert not set("\u2028\u2029\x85") & set(wire)


def test_a_turn_of_calls_alone_has_no_content() -> None:
    first = _chunks(CASES["calls"])[0]["choices"][0]["delta"]
    assert "content" not in first
    assert _whole(CASES["calls"])["choices"][0]["message"]["content"] is None

"""Whole answers and event streams of messages say the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from wiremark_schemas import registry
from wiremark_server.dialects.anthropic_messages import MessagesFormat
from wiremark_server.dialects.format import Reply
from wiremark_server.dialects.signature import Signatures
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    Generation,
    ReasoningDelta,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStart,
    Usage,
)

SIGNATURES = Signatures(b"here")
FORMAT = MessagesFormat(SIGNATURES)
USAGE = Usage(prompt=30, completion=12, cached=10, reasoning=4)
CASES: dict[str, tuple[Sequence[Delta], str, str | None]] = {
    "text": ([TextDelta(0, "Hé"), TextDelta(0, 'l"lo\n\u2028\x85'), Finish(0, "stop")], "end_turn", None),
    "nothing": ([Finish(0, "length")], "max_tokens", None),
    "a stop sequence": ([TextDelta(0, "a"), Finish(0, "stop", "END")], "stop_sequence", "END"),
    "a refusal": ([Finish(0, "content_filter")], "refusal", None),
    "thinking, text and calls": (
        [
            ReasoningDelta(0, "h"),
            ReasoningDelta(0, "m"),
            TextDelta(0, "So"),
            ToolCallStart(0, 0, "call_a", "look"),
            ToolArgumentsDelta(0, 0, '{"a":'),
            ToolArgumentsDelta(0, 0, ' 1.0, "b": 12345678901234567890123}'),
            ToolCallStart(0, 1, "call_b", "find"),
            ToolArgumentsDelta(0, 1, "{}"),
            Finish(0, "tool_calls"),
        ],
        "tool_use",
        None,
    ),
    "a call that was cut off": (
        [ToolCallStart(0, 0, "call_a", "look"), ToolArgumentsDelta(0, 0, '{"a":'), Finish(0, "length")],
        "max_tokens",
        None,
    ),
    "a call without arguments": (
        [ToolCallStart(0, 0, "call_a", "look"), Finish(0, "tool_calls")],
        "tool_use",
        None,
    ),
    "thinking that was cut off": ([ReasoningDelta(0, "hm"), Finish(0, "length")], "max_tokens", None),
}
EVERY = pytest.mark.parametrize(("deltas", "reason", "stop"), CASES.values(), ids=CASES)


def _reply(*, hide: bool = False) -> Reply:
    generation = Generation("req_1", "m", ())
    asked = Asked(
        generation, stream=True, include_usage=True, image_param=None, tool_bearing=False, hide_reasoning=hide
    )
    return Reply("req_1", 1_764_547_200, "m", "fp_1", asked, lambda: USAGE)


def _events(deltas: Sequence[Delta], *, step: int = 1, hide: bool = False) -> list[Any]:
    stream = FORMAT.stream(_reply(hide=hide))
    wire = b"".join(stream.encode(deltas[at : at + step]) for at in range(0, len(deltas), step))
    blocks = (wire + stream.end(USAGE)).decode().split("\n\n")
    assert blocks.pop() == ""
    events = []
    for block in blocks:
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def _whole(deltas: Sequence[Delta], *, hide: bool = False) -> Any:
    answer = FORMAT.whole(_reply(hide=hide))
    answer.add(deltas)
    return json.loads(answer.encode(USAGE))


def _joined(events: Sequence[Any]) -> dict[str, Any]:
    """What a client makes of the events, by the rules of the official ones."""
    message: dict[str, Any] = dict(events[0]["message"])
    pieces: list[str] = []
    for event in events[1:]:
        match event["type"]:
            case "content_block_start":
                assert event["index"] == len(message["content"])
                message["content"].append(event["content_block"])
                pieces.append("")
            case "content_block_delta":
                block, delta = message["content"][event["index"]], event["delta"]
                match delta["type"]:
                    case "text_delta":
                        block["text"] += delta["text"]
                    case "thinking_delta":
                        block["thinking"] += delta["thinking"]
                    case "signature_delta":
                        block["signature"] = delta["signature"]
                    case "input_json_delta":
                        pieces[-1] += delta["partial_json"]
            case "content_block_stop":
                if pieces[-1] and message["content"][-1]["type"] == "tool_use":
                    try:
                        message["content"][-1]["input"] = json.loads(pieces[-1])
                    except ValueError:
                        assert events[-2]["delta"]["stop_reason"] == "max_tokens"
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
    return message


@EVERY
def test_the_joined_stream_equals_the_whole_answer(
    deltas: Sequence[Delta], reason: str, stop: str | None
) -> None:
    whole = _whole(deltas)
    assert _joined(_events(deltas)) == whole
    assert (whole["stop_reason"], whole["stop_sequence"]) == (reason, stop)
    assert _events(deltas) == _events(deltas, step=3)


@EVERY
def test_both_have_the_published_shape(deltas: Sequence[Delta], reason: str, stop: str | None) -> None:  # noqa: ARG001
    event = registry.validator("anthropic/messages.event")
    for document in _events(deltas):
        event.validate(document)
    registry.validator("anthropic/messages.response").validate(_whole(deltas))


@EVERY
def test_every_block_is_open_alone_and_closed(deltas: Sequence[Delta], reason: str, stop: str | None) -> None:  # noqa: ARG001
    kinds = [event["type"] for event in _events(deltas) if event["type"] != "ping"]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    open_blocks = 0
    for kind in kinds[1:-2]:
        open_blocks += {"content_block_start": 1, "content_block_stop": -1}.get(kind, 0)
        assert 0 <= open_blocks <= 1
        assert kind != "content_block_delta" or open_blocks == 1
    assert open_blocks == 0


def test_what_came_from_the_cache_is_counted_beside_the_input() -> None:
    usage = _whole(CASES["text"][0])["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (20, 10, 12)
    assert usage["output_tokens_details"] == {"thinking_tokens": 4}
    assert _events(CASES["text"][0])[0]["message"]["usage"]["output_tokens"] == 0


def test_hidden_thinking_is_signed_and_not_shown() -> None:
    deltas = CASES["thinking that was cut off"][0]
    (block,) = _whole(deltas, hide=True)["content"]
    assert block == {"type": "thinking", "thinking": "", "signature": SIGNATURES.sign("hm")}
    assert _joined(_events(deltas, hide=True))["content"] == [block]


def test_arguments_pass_byte_for_byte() -> None:
    answer = FORMAT.whole(_reply())
    answer.add(CASES["thinking, text and calls"][0])
    assert b'{"a": 1.0, "b": 12345678901234567890123}' in answer.encode(USAGE)


def test_line_separators_of_older_parsers_are_escaped() -> None:
    wire = FORMAT.stream(_reply()).encode([TextDelta(0, "\u2028\u2029\x85")]).decode()
    assert not set("\u2028\u2029\x85") & set(wire)

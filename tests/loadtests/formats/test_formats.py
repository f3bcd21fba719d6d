"""Every wire format: whole answers, and what each calls broken."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wiremark_loadtests.bill.receipts import Outcome
from wiremark_loadtests.client import answer
from wiremark_loadtests.client.wire import ResponseReader
from wiremark_loadtests.formats import CHAT, FORMATS
from wiremark_loadtests.formats.base import Ask, Image

USAGE = {"prompt_tokens": 3, "completion_tokens": 2}
DONE = "[DONE]"


def _chunk(kind: str, **choice: Any) -> dict[str, Any]:
    return {"id": "c", "object": kind, "choices": [{"index": 0, "finish_reason": None, **choice}]}


def _text(kind: str) -> list[Any]:
    last = {"id": "c", "object": kind, "choices": [], "usage": USAGE}
    if kind == "text_completion":
        return [_chunk(kind, text="a"), _chunk(kind, text="b", finish_reason="stop"), last, DONE]
    return [
        _chunk(kind, delta={"role": "assistant"}),
        _chunk(kind, delta={"content": "a"}),
        _chunk(kind, delta={"content": "b"}),
        _chunk(kind, delta={}, finish_reason="stop"),
        last,
        DONE,
    ]


MESSAGE: list[Any] = [
    {"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "b"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]
RESPONSE: list[Any] = [
    {"type": "response.created", "sequence_number": 0},
    {"type": "response.output_text.delta", "sequence_number": 1, "delta": "a"},
    {"type": "response.output_text.delta", "sequence_number": 2, "delta": "b"},
    {
        "type": "response.completed",
        "sequence_number": 3,
        "response": {"usage": {"input_tokens": 3, "output_tokens": 2}},
    },
]
CANDIDATES: list[Any] = [
    {"candidates": [{"content": {"parts": [{"text": "a"}]}}]},
    {
        "candidates": [{"content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "thoughtsTokenCount": 1},
    },
]
STREAMS: dict[str, list[Any]] = {
    "chat": _text("chat.completion.chunk"),
    "completions": _text("text_completion"),
    "messages": MESSAGE,
    "responses": RESPONSE,
    "gemini": CANDIDATES,
}
PLAIN: dict[str, dict[str, Any]] = {
    "chat": {"choices": [{"message": {}, "finish_reason": "stop"}], "usage": USAGE},
    "completions": {"choices": [{"text": "ab", "finish_reason": "stop"}], "usage": USAGE},
    "messages": {
        "type": "message",
        "content": [],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
    "responses": {
        "object": "response",
        "status": "completed",
        "output": [],
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
    "gemini": CANDIDATES[1] | {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}},
    "embeddings": {"data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 3}},
}


def _response(events: list[Any], content_type: str = "text/event-stream") -> ResponseReader:
    reader = ResponseReader()
    reader.feed(b"HTTP/1.1 200 OK\r\ncontent-type: " + content_type.encode() + b"\r\n\r\n", 1)
    for number, event in enumerate(events):
        data = event if event == DONE else json.dumps(event)
        reader.feed(f"data: {data}\n\n".encode(), 100 + 10 * number)
    return reader


def _read(form: str, events: list[Any]) -> answer.Answer:
    return answer.read(_response(events), streamed=True, deep=True, form=FORMATS[form])


@pytest.mark.parametrize("form", STREAMS)
def test_a_whole_stream_is_timed_by_its_tokens(form: str) -> None:
    events = STREAMS[form]
    found = _read(form, events)
    assert (found.outcome, found.error, found.tokens) == (Outcome.OK, "", (3, 2))
    bearing = [number for number, event in enumerate(events) if event != DONE and '"a"' in json.dumps(event)]
    assert found.first_token_ns == 100 + 10 * bearing[0]
    assert found.gaps_ns == (10,)


@pytest.mark.parametrize("form", STREAMS)
def test_a_stream_without_its_end_is_broken(form: str) -> None:
    found = _read(form, STREAMS[form][:-1])
    assert found.outcome is Outcome.FAILED
    assert found.error.startswith("broken-stream:no-")


@pytest.mark.parametrize("form", STREAMS)
def test_an_error_in_a_stream_is_told(form: str) -> None:
    error = {"type": "error", "error": {"message": "overloaded"}}
    assert _read(form, [*STREAMS[form][:1], error]).error == "stream-error"


def test_a_response_stream_may_end_with_done() -> None:
    assert _read("responses", [*RESPONSE, DONE]).tokens == (3, 2)


BROKEN: dict[str, tuple[str, list[Any]]] = {
    "broken-stream:data-after-message-stop": ("messages", [*MESSAGE, {"type": "ping"}]),
    "broken-stream:no-message-start": ("messages", MESSAGE[1:]),
    "broken-stream:block-not-open": ("messages", [MESSAGE[0], *MESSAGE[3:]]),
    "broken-stream:block-left-open": ("messages", [*MESSAGE[:5], *MESSAGE[6:]]),
    "broken-stream:sequence": ("responses", [RESPONSE[0], *RESPONSE[2:]]),
    "broken-stream:id-changes": ("chat", [STREAMS["chat"][0] | {"id": "d"}, *STREAMS["chat"][1:]]),
    "broken-stream:not-a-chunk": ("completions", [STREAMS["chat"][1], *STREAMS["completions"][1:]]),
}


@pytest.mark.parametrize("error", BROKEN)
def test_the_sampled_share_is_read_whole(error: str) -> None:
    form, events = BROKEN[error]
    found = _read(form, events)
    assert error in {found.error, "broken-stream:no-message-start"}
    assert found.outcome is Outcome.FAILED


@pytest.mark.parametrize("form", PLAIN)
def test_a_plain_answer_tells_its_usage(form: str) -> None:
    def read(document: dict[str, Any]) -> answer.Answer:
        reader = ResponseReader()
        body = json.dumps(document).encode()
        reader.feed(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body), 1)
        return answer.read(reader, streamed=False, form=FORMATS[form])

    assert read(PLAIN[form]).tokens == (3, 0 if form == "embeddings" else 2)
    assert read(PLAIN[form]).outcome is Outcome.OK
    usage = "usageMetadata" if form == "gemini" else "usage"
    assert read({usage: PLAIN[form][usage]}).error.startswith("broken-answer:no-")
    assert (
        read({name: part for name, part in PLAIN[form].items() if name != usage}).error
        == "broken-answer:no-usage"
    )


TOOL = {"name": "f", "description": "d", "parameters": {"type": "object"}}


@pytest.mark.parametrize("form", FORMATS)
def test_a_question_is_asked_in_the_words_of_the_format(form: str) -> None:
    ask = Ask("m", "hello", 7, True, (TOOL,), (Image("aGk="),), {"type": "object"})
    text = json.dumps(FORMATS[form].body(ask))
    assert "hello" in text
    if form not in {"completions", "embeddings", "images"}:
        assert "aGk=" in text
        assert '"f"' in text
        assert "7" in text


def test_a_streamed_tool_call_is_put_together() -> None:
    def call(function: dict[str, str], **more: str) -> bytes:
        delta = {"tool_calls": [{"index": 0, "function": function, **more}]}
        return json.dumps(_chunk("c", delta=delta)).encode()

    first = call({"name": "f", "arguments": ""}, id="c1")
    payloads = [first, call({"arguments": '{"a"'}), call({"arguments": ": 1}"})]
    message = CHAT.reply([*payloads, b"[DONE]"])
    assert message["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    ]
    asked = [{"role": "user", "content": "?"}]
    assert [m["role"] for m in CHAT.next_turn(asked, message)] == ["user", "assistant", "tool"]


WHOLE = {
    "choices": [
        {"message": {"content": 'say "prompt_tokens": 9, "finish_reason": "no"'}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
}


def test_usage_is_found_without_decoding_what_is_as_usual() -> None:
    assert CHAT.glance(json.dumps(WHOLE).encode()) == (3, 4)
    assert CHAT.glance(json.dumps(WHOLE, separators=(",", ":")).encode()) == (3, 4)


UNUSUAL: dict[str, bytes] = {
    "cut off": json.dumps(WHOLE).encode()[:-2],
    "no usage": json.dumps({"choices": WHOLE["choices"]}).encode(),
    "two usages": json.dumps({**WHOLE, "more": WHOLE["usage"]}).encode(),
    "unfinished": json.dumps({"choices": [{"finish_reason": None}], "usage": WHOLE["usage"]}).encode(),
    "a count that is none": json.dumps(
        {**WHOLE, "usage": {"prompt_tokens": -3, "completion_tokens": 4}}
    ).encode(),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_what_is_not_as_usual_takes_decoding(case: str) -> None:
    assert CHAT.glance(UNUSUAL[case]) is None

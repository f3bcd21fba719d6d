"""What a response is read as: outcomes, broken streams by class, first token and gaps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wiremark_loadtests.bill.receipts import Outcome
from wiremark_loadtests.client.answer import Answer, data_events, read
from wiremark_loadtests.client.wire import ResponseReader

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def _chunk(**fields: Any) -> bytes:
    return b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", **fields}).encode() + b"\n\n"


def _delta(finish: str | None = None, **delta: Any) -> bytes:
    return _chunk(choices=[{"index": 0, "delta": delta, "finish_reason": finish}])


ROLE, ONE, TWO = _delta(role="assistant", content=""), _delta(content="a"), _delta(content="b")
FINISH, TOLD = _delta("stop"), _chunk(choices=[], usage=USAGE)
WHOLE = [ROLE, ONE, TWO, FINISH, TOLD, DONE]


def _response(parts: list[tuple[int, bytes]], content_type: str = "text/event-stream") -> ResponseReader:
    reader = ResponseReader()
    reader.feed(f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\r\n".encode(), 0)
    reader.arrivals, reader.pieces = [at_ns for at_ns, _ in parts], [data for _, data in parts]
    return reader


def _events(parts: list[tuple[int, bytes]]) -> tuple[list[int], list[bytes], bytes]:
    return data_events([at_ns for at_ns, _ in parts], [data for _, data in parts])


def _stream(events: list[bytes], *, deep: bool = False) -> Answer:
    parts = [(10 * (i + 1), event) for i, event in enumerate(events)]
    return read(_response(parts), streamed=True, deep=deep)


@pytest.mark.parametrize("deep", [False, True])
def test_a_whole_stream(deep: bool) -> None:
    assert _stream(WHOLE, deep=deep) == Answer(Outcome.OK, "", (5, 2), 20, (10,))


def test_tool_calls_are_tokens_and_the_finish_may_carry_one() -> None:
    call = [{"index": 0, "function": {"arguments": "{}"}}]
    events = [ROLE, _delta(tool_calls=call), _delta("tool_calls", tool_calls=call), TOLD, DONE]
    assert _stream(events) == Answer(Outcome.OK, "", (5, 2), 20, (10,))


def test_an_answer_without_a_token_has_no_first_token() -> None:
    assert _stream([ROLE, FINISH, TOLD, DONE]) == Answer(Outcome.OK, "", (5, 2), None, ())


def test_comments_and_pings_count_as_nothing() -> None:
    assert _stream([ROLE, b": ping\n\n", ONE, b": ping\n\n", TWO, FINISH, TOLD, DONE]).gaps_ns == (20,)


NESTED = {"finish_reason": "stop", "text": '"finish_reason": "stop"'}
BROKEN = {
    "broken-stream:no-done": WHOLE[:-1],
    "broken-stream:data-after-done": [*WHOLE, ONE],
    "broken-stream:no-finish": [ROLE, ONE, TOLD, DONE],
    "broken-stream:many-finishes": [ROLE, ONE, FINISH, FINISH, TOLD, DONE],
    "broken-stream:no-usage": [ROLE, ONE, FINISH, DONE],
    "broken-stream:not-json": [ROLE, ONE, FINISH, b"data: {oops\n\n", DONE],
    "broken-stream:not-an-object": [ROLE, ONE, FINISH, b"data: 3\n\n", DONE],
    "broken-stream:no-choices": [_chunk(x=1), ONE, FINISH, TOLD, DONE],
    "broken-stream:unterminated-event": [*WHOLE[:-1], DONE, b"data: x\n"],
    "stream-error": [ROLE, ONE, b'data: {"error": {"message": "no"}}\n\n', DONE],
}


@pytest.mark.parametrize("error", BROKEN)
def test_a_broken_stream_fails_with_its_class(error: str) -> None:
    found = _stream(BROKEN[error])
    assert (found.outcome, found.error) == (Outcome.FAILED, error)


def test_an_event_too_deep_for_any_reader_is_no_json() -> None:
    deep = b"data: " + b"[" * 100_000 + b"\n\n"
    assert _stream([ROLE, ONE, FINISH, deep, DONE]).error == "broken-stream:not-json"


def test_usage_told_by_a_broken_stream_is_kept_for_the_audit() -> None:
    assert _stream(WHOLE[:-1]).tokens == (5, 2)


def test_text_about_finishing_is_no_finish() -> None:
    text = json.dumps(NESTED)
    assert _stream([ROLE, _delta(content=text), FINISH, TOLD, DONE]).outcome is Outcome.OK


DEEP = {
    "broken-stream:not-a-chunk": [ROLE, ONE, b'data: {"choices": []}\n\n', TWO, FINISH, TOLD, DONE],
    "broken-stream:id-changes": [ROLE, ONE, _chunk(choices=[], id="other"), TWO, FINISH, TOLD, DONE],
}


@pytest.mark.parametrize("error", DEEP)
def test_a_deep_reading_decodes_every_chunk(error: str) -> None:
    assert _stream(DEEP[error], deep=True).error == error


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_events_in_pieces_take_the_stamp_of_their_last_byte(ending: bytes) -> None:
    body = b"".join(b"data: " + word + ending for word in (b"a", b"bb", b"c"))
    parts = [(i, body[i : i + 1]) for i in range(len(body))]
    arrivals, payloads, tail = _events(parts)
    assert (payloads, tail) == ([b"a", b"bb", b"c"], b"")
    assert arrivals == [
        body.index(word) + len(word) - 1 for word in (b"a" + ending, b"bb" + ending, b"c" + ending)
    ]


def test_events_that_came_together_share_a_stamp() -> None:
    """Several events in a part, parts that end within one: told alike, whichever way they are counted."""
    events = [b"data: a\n\n", b"data: b\n\n", b"data: c\n\n"]
    assert _events([(1, events[0]), (2, events[1] + events[2])])[:2] == ([1, 2, 2], [b"a", b"b", b"c"])
    assert _events([(1, events[0] + events[1][:4]), (2, events[1][4:] + events[2])])[:2] == (
        [1, 2, 2],
        [b"a", b"b", b"c"],
    )


def test_an_event_of_several_data_lines_joins_them() -> None:
    assert _events([(1, b"event: x\ndata: a\ndata:b\n\nda")]) == ([1], [b"a\nb"], b"da")


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, Outcome.REFUSED), (429, Outcome.REFUSED), (503, Outcome.FAILED)]
)
def test_an_error_status_is_a_refusal_or_a_failure(status: int, outcome: Outcome) -> None:
    reader = ResponseReader()
    reader.feed(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode(), 0)
    assert read(reader, streamed=True) == Answer(outcome, f"http-{status}")


def test_a_stream_must_be_an_event_stream() -> None:
    found = read(_response([(1, b"{}")], "application/json"), streamed=True)
    assert found.error == "broken-stream:not-an-event-stream"


MESSAGE = {"message": {"content": "a"}, "finish_reason": "stop"}
PLAIN: dict[str, Any] = {
    "": {"choices": [MESSAGE], "usage": USAGE},
    "broken-answer:not-an-object": [],
    "broken-answer:no-usage": {"choices": [MESSAGE]},
    "broken-answer:no-finished-choice": {"choices": [], "usage": USAGE},
}


@pytest.mark.parametrize("error", PLAIN)
def test_a_plain_answer(error: str) -> None:
    found = read(_response([(1, json.dumps(PLAIN[error]).encode())]), streamed=False)
    assert found.error == error
    assert (found.outcome is Outcome.OK) == (not error)


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000], ids=["a page", "too deep for any reader"])
def test_a_plain_answer_that_is_no_json(body: bytes) -> None:
    assert read(_response([(1, body)]), streamed=False).error == "broken-answer:not-json"

"""What a view says of one exchange, property by property."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wiremark_conformance.evidence import Evidence, View
from wiremark_conformance.exchange import Exchange, Part, Request
from wiremark_conformance.outcome import NotTestable

from tests.conformance.judging.world import World

SSE = (("content-type", "text/event-stream"),)


def _view(said: Any = b"", *, asked: bytes = b"", target: str = "/v1/x", **more: Any) -> View:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    given = {"status": 200, "parts": (Part(0, body),), **more}
    exchange = Exchange("p", Request("POST", target, (), asked), **given)
    view = Evidence(World().target, {"p": exchange}).view("p")
    assert isinstance(view, View)
    return view


def _stream(*documents: Any) -> View:
    return _view(b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in documents), headers=SSE)


def _chunk(delta: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [{"delta": delta, **more}]}


@pytest.mark.parametrize(
    ("asked", "found"), [(b'{"a": 1}', {"a": 1}), (b"[1]", {}), (b"", {}), (b"\xff", {}), (b'{"a":', {})]
)
def test_what_was_asked_is_an_object_or_nothing(asked: bytes, found: Any) -> None:
    assert _view(asked=asked).asked == found


def test_what_was_asked_may_have_a_byte_too_many() -> None:
    assert _view(asked=b'{"a": "\xff"}').asked == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("asked", "target", "model"),
    [
        (b'{"model": "m"}', "/v1/models/x:y", "m"),
        (b"{}", "/v1/models/x:y", "x"),
        (b"{}", "/v1/chat", ""),
        (b'{"model": 5}', "/v1/chat", "5"),
    ],
)
def test_the_model_asked_stands_in_the_body_or_the_path(asked: bytes, target: str, model: str) -> None:
    assert _view(asked=asked, target=target).asked_model == model


@pytest.mark.parametrize(
    ("status", "reason", "said"), [(200, "OK", "200 OK"), (404, "", "404"), (None, "", "nothing")]
)
def test_a_status_is_named(status: int | None, reason: str, said: str) -> None:
    assert _view(status=status, reason=reason).status_line == said


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ((("Content-Type", " Text/HTML ; charset=x;y"),), "text/html"),
        ((("content-type", "a/b"),), "a/b"),
        ((), ""),
    ],
)
def test_a_media_type_has_no_parameters(headers: Any, found: str) -> None:
    assert _view(headers=headers).media_type == found


@pytest.mark.parametrize(
    ("body", "text", "value", "is_json"),
    [
        (b'{"a": 1}', '{"a": 1}', {"a": 1}, True),
        (b"\xff", "", None, False),
        (b" ", " ", None, False),
        (b"{", "{", None, False),
    ],
)
def test_a_body_is_a_text_and_a_value(body: bytes, text: str, value: Any, is_json: bool) -> None:
    view = _view(body)
    assert (view.text, view.value, view.json_defect == "") == (text, value, is_json)


@pytest.mark.parametrize("status", [400, 401, 500])
def test_the_envelope_of_an_error_is_its_object(status: int) -> None:
    assert _view({"error": {"code": 1}}, status=status).envelope == {"code": 1}


@pytest.mark.parametrize(
    ("status", "error"), [(None, {"code": 1}), (399, {"code": 1}), (400, "x"), (400, None)]
)
def test_what_is_no_error_has_no_envelope(status: int | None, error: Any) -> None:
    with pytest.raises(NotTestable):
        _ = _view({"error": error}, status=status).envelope


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "No."}}, " (No.)"),
        ({"error": {"message": "x" * 161}}, f" ({'x' * 160})"),
        ({"error": {"message": 5}}, ""),
        ({"error": "No."}, ""),
        (["error"], ""),
    ],
)
def test_the_message_of_an_error_is_quoted(body: Any, said: str) -> None:
    assert _view(body).error_text == said


@pytest.mark.parametrize("choices", [None, [], "x", ["x"], [{}, "x"], {"a": 1}])
def test_choices_are_a_list_of_objects(choices: Any) -> None:
    with pytest.raises(NotTestable):
        _ = _view({"choices": choices}).choices


@pytest.mark.parametrize("calls", [None, [], "x", ["x"], [{}, "x"], {"a": 1}])
def test_calls_are_a_list_of_objects(calls: Any) -> None:
    with pytest.raises(NotTestable):
        _ = _view({"choices": [{"message": {"tool_calls": calls}}]}).tool_calls


@pytest.mark.parametrize(("content", "found"), [("Hi.", "Hi."), ("", ""), (None, "")])
def test_content_that_is_null_is_no_text(content: Any, found: str) -> None:
    assert _view({"choices": [{"message": {"content": content}}]}).content == found


def test_frames_of_failures_and_after_the_end_are_no_chunks() -> None:
    failure: Any = {"error": {"message": "No."}}
    both: Any = {"error": {"message": "No."}, "choices": []}
    view = _view(
        b"".join(
            b"data: %s\n\n" % one
            for one in (b'{"a": 1}', b'"x"', json.dumps(failure).encode(), json.dumps(both).encode())
        )
        + b'data: [DONE]\n\ndata: {"b": 1}\n\n',
        headers=SSE,
    )
    assert view.chunks == ({"a": 1}, both)
    assert [frame.value for frame in view.error_frames] == [failure]
    assert len(view.before_done) == 4
    assert len(view.frames) == 6


def test_a_choice_without_an_index_is_the_first() -> None:
    view = _stream(
        _chunk({"content": "a"}),
        _chunk({"content": "b"}, index=1, finish_reason="stop"),
        _chunk({"content": "c"}, index="x", finish_reason="length"),
    )
    assert [index for index, _ in view.deltas] == [0, 1, 0]
    assert (view.streamed_text(), view.streamed_text(1)) == ("ac", "b")
    assert view.finish_reasons == {0: ["length"], 1: ["stop"]}


def test_pieces_of_calls_without_a_number_are_of_one_call() -> None:
    pieces = [{"index": [1], "id": "a"}, {"index": "x", "function": {"arguments": "{}"}}, {"index": 0}]
    view = _stream(
        *(_chunk({"tool_calls": [piece]}) for piece in pieces), _chunk({"tool_calls": [{}]}, index=1)
    )
    assert [(call.index, call.id, call.arguments) for call in view.calls] == [
        ([1], "a", "{}"),
        (0, None, ""),
        (None, None, ""),
    ]

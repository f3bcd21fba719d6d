"""Each requirement on tool calls, spoilt in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_reports.record import Verdict

Change = Callable[[Any], object]
PLAIN = "chat.tools.forced"
STREAM = "chat.tools.stream"
PARALLEL = "chat.tools.parallel"
REFUSAL = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}


def _refuse(probe: str) -> Change:
    def apply(world: Any) -> None:
        answer = world[probe]
        answer.status, answer.body, answer.chunks = 400, REFUSAL, None

    return apply


def _call(**values: Any) -> Change:
    return lambda w: w[PLAIN].message["tool_calls"][0].update(values)


def _function(**values: Any) -> Change:
    return lambda w: w[PLAIN].message["tool_calls"][0]["function"].update(values)


def _piece(position: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w[probe].call(position).update(values)


def _part(position: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w[probe].call(position)["function"].update(values)


def _all(*changes: Change) -> Change:
    return lambda w: [change(w) for change in changes]


def _without(position: int, key: str) -> Change:
    return lambda w: w[STREAM].call(position).pop(key)


def _pieces(**values: Any) -> Change:
    return _all(*(_piece(position, **values) for position in (1, 2, 3)))


def _shared_index(world: Any) -> None:
    for position in (4, 5, 6):
        world[PARALLEL].call(position)["index"] = 0


def _finish(reason: str | None) -> Change:
    return lambda w: w.chunks(STREAM)[4]["choices"][0].update(finish_reason=reason)


MARKUP = '<tool_call>{"name": "get_weather"}</tool_call>'

SPOILT: list[tuple[str, Change]] = [
    ("chat.tools.forced.accepted", _refuse(PLAIN)),
    ("chat.tools.forced.called", lambda w: w[PLAIN].message.update(tool_calls=None, content="Sunny.")),
    ("chat.tools.forced.called", _function(name="get_time")),
    ("chat.tools.forced.finish-reason", lambda w: w[PLAIN].choice.update(finish_reason="stop")),
    ("chat.tools.call.id", _call(id="")),
    ("chat.tools.call.id", _call(id=None)),
    ("chat.tools.call.type", lambda w: w[PLAIN].message["tool_calls"][0].pop("type")),
    ("chat.tools.call.arguments-string", _function(arguments={"city": "Paris"})),
    ("chat.tools.call.arguments-json", _function(arguments='{"city": ')),
    ("chat.tools.call.arguments-json", _function(arguments="")),
    ("chat.tools.call.arguments-json", _function(arguments='"Paris"')),
    ("chat.tools.call.arguments-schema", _function(arguments='{"town": "Paris"}')),
    (
        "chat.tools.call.ids-unique",
        lambda w: w[PLAIN].message.update(tool_calls=w[PLAIN].message["tool_calls"] * 2),
    ),
    ("chat.tools.no-markup", lambda w: w[PLAIN].message.update(content=MARKUP)),
    ("chat.tools.none.accepted", _refuse("chat.tools.none")),
    ("chat.tools.none.no-call", lambda w: w.answers.update({"chat.tools.none": w[PLAIN]})),
    ("chat.tools.round-trip.accepted", _refuse("chat.tools.round-trip")),
    ("chat.tools.round-trip.answer", lambda w: w["chat.tools.round-trip"].message.update(content="")),
    ("chat.tools.text-only-refused", lambda w: w.answers.update({"chat.tools.text-only": w["chat.plain"]})),
    ("chat.tools.stream.accepted", _refuse(STREAM)),
    ("chat.tools.stream.called", lambda w: w.chunks(STREAM).__delitem__(slice(1, 4))),
    ("chat.tools.stream.index", _without(1, "index")),
    ("chat.tools.stream.index", _piece(2, index=None)),
    ("chat.tools.stream.index", _piece(2, index="0")),
    ("chat.tools.stream.index-order", _pieces(index=1)),
    ("chat.tools.stream.index-order", _piece(3, index=2)),
    ("chat.tools.stream.id", _without(1, "id")),
    ("chat.tools.stream.id", _piece(1, id="")),
    ("chat.tools.stream.type", _without(1, "type")),
    ("chat.tools.stream.name", lambda w: w[STREAM].call(1)["function"].pop("name")),
    ("chat.tools.stream.name", _part(1, name="get_")),
    ("chat.tools.stream.identity-once", _piece(2, id="call_1")),
    ("chat.tools.stream.identity-once", _part(3, name="get_weather")),
    ("chat.tools.stream.identity-left-out", _piece(2, id=None)),
    ("chat.tools.stream.identity-left-out", _part(3, name=None)),
    ("chat.tools.stream.null-type", _piece(2, type=None)),
    ("chat.tools.stream.index-shared", _piece(3, id="call_2")),
    ("chat.tools.stream.index-shared", _shared_index),
    ("chat.tools.stream.fragments", _part(2, arguments={"city": "Paris"})),
    ("chat.tools.stream.arguments-json", _part(3, arguments="")),
    ("chat.tools.stream.arguments-json", _part(3, arguments='{"city": "Paris"}')),
    ("chat.tools.stream.finish-reason", _finish("stop")),
    ("chat.tools.stream.finish-reason", _finish(None)),
    ("chat.tools.stream.no-markup", lambda w: w[STREAM].delta(0).update(content=MARKUP)),
    ("chat.tools.stream.role", lambda w: w[STREAM].delta(0).pop("role")),
    ("chat.tools.stream.role", lambda w: w[STREAM].delta(2).update(role="assistant")),
    ("chat.tools.stream.done", lambda w: w.chunks(STREAM).pop()),
    ("chat.tools.parallel.accepted", _refuse(PARALLEL)),
    ("chat.tools.parallel.indexes", _shared_index),
    ("chat.tools.parallel.indexes", _all(*(_piece(i, PARALLEL, index=2) for i in (4, 5, 6)))),
    ("chat.tools.parallel.ids-unique", _piece(4, PARALLEL, id="call_1")),
    ("chat.tools.parallel.arguments-json", _part(6, PARALLEL, arguments="")),
]


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{i}-{r}" for i, (r, _) in enumerate(SPOILT)]
)
def test_what_is_wrong_is_found(world: Any, requirement: str, change: Change) -> None:
    assert world.judge(requirement).verdict is Verdict.PASS
    change(world)
    judged = world.judge(requirement)
    finding = Verdict.FAIL if judged.requirement.level == "MUST" else Verdict.WARN
    assert (judged.verdict, bool(judged.message)) == (finding, True), judged.message

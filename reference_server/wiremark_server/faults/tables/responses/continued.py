"""Conversations continued by the id of a response, responses in the background, tokens counted before."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import both, has, put, refuse, status, take
from wiremark_server.faults.derived.surfaces.responses import CREATE
from wiremark_server.faults.edit import Ask, Events, FrameStep, On
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.tables.responses.words import UNSUPPORTED, fault, shaped, taken_for

_GET, _COUNT = "responses.get", "responses.input_tokens"


def _continued(ask: Ask) -> bool:
    return bool(ask.document.get("previous_response_id"))


def _outputs(ask: Ask) -> bool:
    given = ask.document.get("input")
    return isinstance(given, list) and any(
        isinstance(item, dict) and item.get("type") == "function_call_output" for item in given
    )


def _previous_named(document: Any) -> Any:
    return {**document, "id": document["previous_response_id"] or document["id"]}


def _first_again() -> FrameStep:
    """The first event that comes is told twice."""
    told = [False]

    def step(frame: Frame | None) -> tuple[Frame, ...]:
        if frame is None:
            return ()
        first, told[0] = not told[0], True
        return (frame, frame) if first else (frame,)

    return step


TABLE: tuple[Fault, ...] = (
    shaped(
        "continued.same-id",
        "A continuation has the id of the response before.",
        _previous_named,
        "responses.state.new-id",
        where=_continued,
    ),
    shaped(
        "continued.untold",
        "A continuation does not name the response before.",
        put("/previous_response_id", None),
        "responses.state.previous",
        where=_continued,
    ),
    shaped(
        "continued.instructions",
        "Instructions of the response before are carried over.",
        put("/instructions", "You are a helpful assistant."),
        "responses.state.instructions",
        where=_continued,
    ),
    fault(
        "continued.call-refused",
        "semantics",
        "The output of a call is refused, for the call before it is forgotten.",
        refuse(On(CREATE, where=both(_continued, _outputs))),
        catches=("responses.state.call",),
        bug=UNSUPPORTED,
    ),
    taken_for(
        "continued.anew",
        "An unknown response is continued as if nothing had been said before.",
        lambda d: d.pop("previous_response_id"),
        "responses.state.unknown",
        where=lambda ask: str(ask.document.get("previous_response_id")).startswith("resp_wiremark"),
    ),
    shaped(
        "background.unmarked",
        "A response in the background is not marked as one.",
        put("/background", False),
        "responses.background.marked",
        where=has("background"),
    ),
    shaped(
        "background.started",
        "A response in the background has a status that nobody has published.",
        put("/status", "started"),
        "responses.background.status",
        where=has("background"),
    ),
    fault(
        "background.no-stream",
        "semantics",
        "A response in the background cannot be streamed.",
        refuse(On(CREATE, where=has("background", "stream"))),
        catches=("responses.background.stream",),
    ),
    fault(
        "background.no-resume",
        "semantics",
        "A stream cannot be asked for again.",
        status(On(_GET, "stream"), 404),
        catches=("responses.background.resume",),
    ),
    fault(
        "background.resumed-twice",
        "stream",
        "A stream that is asked for again repeats an event.",
        Events(_first_again, On(_GET, "stream")),
        catches=("responses.background.resumed",),
    ),
    fault(
        "count.absent",
        "semantics",
        "Tokens are not counted before they are used.",
        refuse(On(_COUNT), 404, "Not found."),
        catches=("responses.input-tokens.accepted",),
    ),
    shaped(
        "count.bare",
        "The count is not marked as one.",
        take("/object"),
        "responses.input-tokens.form",
        operation=_COUNT,
    ),
    shaped(
        "count.other",
        "A token more is counted than will be used.",
        put("/input_tokens", lambda number: number + 1),
        "responses.input-tokens.agrees",
        operation=_COUNT,
    ),
)

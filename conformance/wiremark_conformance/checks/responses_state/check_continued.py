"""Conversations continued by the id of a response, and responses made in the background."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each, refused
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.responses_state import RESUME_AFTER
from wiremark_conformance.responses import STATUSES, count, events, response
from wiremark_conformance.values import is_int, shown

accepted("responses.state.accepted", "responses.continued")
accepted("responses.state.of-stream", "responses.continued.stream")
accepted("responses.state.call", "responses.continued.call")
refused("responses.state.unknown", "responses.continued.unknown")
refused("responses.state.unstored", "responses.continued.unstored")
accepted("responses.background.accepted", "responses.background")
accepted("responses.background.get", "responses.background.get")
accepted("responses.background.cancel", "responses.background.cancel")
accepted("responses.background.stream", "responses.background.stream")
accepted("responses.background.resume", "responses.background.resume")


@check("responses.state.context", "responses.alone", "responses.continued")
def context(alone: View, continued: View) -> Outcome:
    """The same input, once alone and once after a response: what came before must be counted too."""
    less, more = count(alone, "input_tokens"), count(continued, "input_tokens")
    if more > less:
        return None
    return Silent(f"{more} input tokens with the response before, {less} without it: it was forgotten")


@check("responses.state.previous", "responses.plain", "responses.continued")
def previous(first: View, second: View) -> Outcome:
    found = second.object.get("previous_response_id")
    if found == first.object.get("id"):
        return None
    return f"`previous_response_id` is {shown(found)}, not {shown(first.object.get('id'))}"


@check("responses.state.instructions", "responses.continued")
def instructions(view: View) -> Outcome:
    found = view.object.get("instructions")
    return f"`instructions` of the response before are carried over: {shown(found)}" if found else None


@check("responses.state.new-id", "responses.plain", "responses.continued")
def new_id(first: View, second: View) -> Outcome:
    same = first.object.get("id") == second.object.get("id")
    return (
        f"the continuation has the id {shown(first.object.get('id'))} of the response before"
        if same
        else None
    )


# -- in the background ------------------------------------------------------------------------------------


@check("responses.background.status", "responses.background")
def status(view: View) -> Outcome:
    found = view.object.get("status")
    return None if found in STATUSES else f"`status` is {shown(found)}"


@check("responses.background.marked", "responses.background")
def marked(view: View) -> Outcome:
    found = view.object.get("background")
    return None if found is True else Silent(f"`background` is {shown(found)} in the response")


@check("responses.background.same-id", "responses.background", "responses.background.get")
def same_id(made: View, found: View) -> Outcome:
    first, second = made.object.get("id"), found.object.get("id")
    return None if first == second else f"{shown(first)} is retrieved as {shown(second)}"


@check("responses.background.cancelled", "responses.background.cancel")
def cancelled(view: View) -> Outcome:
    """It may have been complete before it could be cancelled."""
    found = view.object.get("status")
    if found in ("cancelled", "completed", "incomplete"):
        return None
    return f"`status` of the cancelled response is {shown(found)}"


@check("responses.background.resumed", "responses.background.stream", "responses.background.resume")
def resumed(made: View, again: View) -> Outcome:
    if not made.is_stream:
        raise NotTestable("there is no event stream to compare with")
    numbers = [event.get("sequence_number") for event in events(made)]
    if not all(map(is_int, numbers)):
        raise NotTestable("the events are not numbered")
    wanted = [event for event in events(made) if event["sequence_number"] > RESUME_AFTER]
    found = list(events(again))
    if found == wanted:
        return None
    again_told = (
        f"{len(found)} are sent again, from number {shown(found[0].get('sequence_number'))} on"
        if found
        else "none is sent again"
    )
    return f"{len(wanted)} events follow number {RESUME_AFTER}; {again_told}"


@each("responses.background.ends", "responses.background.stream", expects="stream")
def ends(view: View) -> Outcome:
    found = response(view).get("status")
    return None if found in ("completed", "incomplete") else f"the stream ends with the status {shown(found)}"

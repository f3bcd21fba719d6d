"""Streamed tool calls: pieces that name their call by index, and join to one call each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.chat_tools.check_call import markup, not_one_object
from wiremark_conformance.evidence import View, tool_pieces
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.tools import TOOL
from wiremark_conformance.values import is_int, is_text, members, shown

STREAM = "chat.tools.stream"
PARALLEL = "chat.tools.parallel"

accepted("chat.tools.stream.accepted", STREAM)
accepted("chat.tools.parallel.accepted", PARALLEL)


def _pieces(view: View) -> Iterator[Mapping[str, Any]]:
    """Every piece of every call, in order of arrival; at least one."""
    if not view.calls:
        raise NotTestable("no tool is called")
    for _, delta in view.deltas:
        yield from tool_pieces(delta)


def _function(piece: Mapping[str, Any]) -> Mapping[str, Any]:
    function = piece.get("function")
    return members(function)


def _unindexed(view: View) -> bool:
    return any(not is_int(piece.get("index")) for piece in _pieces(view))


def _was_cut_off(view: View) -> bool:
    return any("length" in reasons for reasons in view.finish_reasons.values())


@check("chat.tools.stream.called", STREAM, expects="stream")
def called(view: View) -> Outcome:
    if any(tool_pieces(delta) for _, delta in view.deltas):
        return None
    if _was_cut_off(view):
        raise NotTestable("the answer was cut off before it could call")
    return Silent("no delta has `tool_calls`, although `tool_choice` was `required`")


@each("chat.tools.stream.index", STREAM, PARALLEL, expects="stream")
def index(view: View) -> Outcome:
    wrong = [piece for piece in _pieces(view) if not is_int(piece.get("index"))]
    return f"a piece has `index` {shown(wrong[0].get('index'))}: {shown(wrong[0])}" if wrong else None


def _order(view: View) -> list[Any]:
    if _unindexed(view):
        raise NotTestable("the pieces have no integer index")
    return [call.index for call in view.calls]


def out_of_order(view: View) -> Outcome:
    """Indexes that do not count from 0 in order of first appearance."""
    found = _order(view)
    return None if found == list(range(len(found))) else f"the calls appear with the indexes {shown(found)}"


check("chat.tools.stream.index-order", STREAM, expects="stream")(out_of_order)


@each("chat.tools.stream.id", STREAM, PARALLEL, expects="stream")
def call_id(view: View) -> Outcome:
    wrong = [call for call in view.calls if not is_text(call.fragments[0].get("id"))]
    return (
        f"the first piece of call {wrong[0].index} has the id {shown(wrong[0].fragments[0].get('id'))}"
        if wrong
        else None
    )


@each("chat.tools.stream.type", STREAM, PARALLEL, expects="stream")
def call_type(view: View) -> Outcome:
    wrong = [call for call in view.calls if call.fragments[0].get("type") != "function"]
    return (
        f"the first piece of call {wrong[0].index} has the type {shown(wrong[0].fragments[0].get('type'))}"
        if wrong
        else None
    )


@each("chat.tools.stream.name", STREAM, PARALLEL, expects="stream")
def name(view: View) -> Outcome:
    for call in view.calls:
        found = _function(call.fragments[0]).get("name")
        if found != TOOL:
            return f"the first piece of call {call.index} names {shown(found)}; offered was {TOOL!r}"
    return None


@each("chat.tools.stream.identity-once", STREAM, PARALLEL, expects="stream")
def identity_once(view: View) -> Outcome:
    """Joining every string, as openai-python does, against taking the first, as others do.

    `type` may come again: openai-python replaces it, the first value is as good as the last.
    """
    for call in view.calls:
        ids = [piece["id"] for piece in call.fragments if is_text(piece.get("id"))]
        if len(set(ids)) > 1:
            continue  # two calls on one index: another check's finding
        names = [found for piece in call.fragments if is_text(found := _function(piece).get("name"))]
        for pieces in (ids, names):
            if len(pieces) > 1:
                joined = "".join(map(str, pieces[:2]))
                return f"call {call.index} says {len(pieces)} times who it is, joined: {joined!r}"
    return None


@each("chat.tools.stream.identity-left-out", STREAM, PARALLEL, expects="stream")
def identity_left_out(view: View) -> Outcome:
    """Clients that take whatever is there forget the id or the name that came first."""
    for call in view.calls:
        for piece in call.fragments[1:]:
            for name, place in (("id", piece), ("name", _function(piece))):
                if name in place and place[name] is None:
                    return f"a later piece of call {call.index} has `{name}: null`"
    return None


@each("chat.tools.stream.null-type", STREAM, PARALLEL, expects="stream")
def null_type(view: View) -> Outcome:
    for call in view.calls:
        if any("type" in piece and piece["type"] is None for piece in call.fragments[1:]):
            return f"a later piece of call {call.index} has `type: null`, on which openai-python raises"
    return None


@each("chat.tools.stream.index-shared", STREAM, PARALLEL, expects="stream")
def index_shared(view: View) -> Outcome:
    if _unindexed(view):
        raise NotTestable("the pieces have no integer index")
    for call in view.calls:
        ids = dict.fromkeys(piece["id"] for piece in call.fragments if is_text(piece.get("id")))
        if len(ids) > 1:
            return f"the calls {', '.join(list(ids)[:2])} share the index {call.index}"
    return None


@each("chat.tools.stream.fragments", STREAM, PARALLEL, expects="stream")
def fragments(view: View) -> Outcome:
    for piece in _pieces(view):
        found = _function(piece).get("arguments")
        if found is not None and not isinstance(found, str):
            return f"`arguments` is {shown(found)}, not a piece of text"
    return None


def wrong_arguments(view: View) -> Outcome:
    """The first call whose joined arguments are not the JSON of one object."""
    if _was_cut_off(view):
        raise NotTestable("the answer was cut off")
    if _unindexed(view):
        raise NotTestable("the pieces have no integer index")
    if any(not isinstance(_function(p).get("arguments", ""), str | None) for p in _pieces(view)):
        raise NotTestable("the arguments are not text")
    return next((wrong for call in view.calls if (wrong := not_one_object(call.arguments))), None)


check("chat.tools.stream.arguments-json", STREAM, expects="stream")(wrong_arguments)


@check("chat.tools.stream.finish-reason", STREAM, expects="stream")
def finish_reason(view: View) -> Outcome:
    if not view.calls:
        raise NotTestable("no tool is called")
    found = [reason for reasons in view.finish_reasons.values() for reason in reasons]
    if not found:
        return "the stream has no finish reason"
    if "length" in found:
        raise NotTestable("the answer was cut off")
    return None if found[-1] == "tool_calls" else f"`finish_reason` is {shown(found[-1])}"


@each("chat.tools.stream.no-markup", STREAM, PARALLEL, expects="stream")
def no_markup(view: View) -> Outcome:
    return markup(view.streamed_text())


def _several(view: View) -> View:
    """The view, if it can show anything about several calls."""
    ids = {piece["id"] for piece in _pieces(view) if is_text(piece.get("id"))}
    if len(ids) < 2 and len(view.calls) < 2:
        raise NotTestable("the model made one call only")
    return view


@check("chat.tools.parallel.indexes", PARALLEL, expects="stream")
def parallel_indexes(view: View) -> Outcome:
    return out_of_order(_several(view)) or index_shared(view)


@check("chat.tools.parallel.ids-unique", PARALLEL, expects="stream")
def parallel_ids(view: View) -> Outcome:
    ids = [shown(call.id) for call in _several(view).calls if call.id]
    return None if len(set(ids)) == len(ids) else f"the ids are {', '.join(ids)}"


@check("chat.tools.parallel.arguments-json", PARALLEL, expects="stream")
def parallel_arguments(view: View) -> Outcome:
    return wrong_arguments(_several(view))

"""Custom tools: a call has its text under `custom`, whole or in pieces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View, tool_pieces
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.custom_tools import CODE, CODE_PATTERN, NOTE, custom_calls
from wiremark_conformance.values import is_text, shown

accepted("chat.tools.custom.round-trip", "chat.tools.custom.round-trip")


@check("chat.tools.custom", "chat.tools.custom", expects="refusal")
def custom(view: View) -> Outcome:
    if view.declined:
        return None
    if not view.succeeded:
        return f"answered {view.status_line}{view.error_text}"
    if any(call["custom"].get("name") == NOTE for call in custom_calls(view.message)):
        return None
    return Silent("a custom tool that is forced is neither called nor refused")


@check("chat.tools.custom.form", "chat.tools.custom")
def form(view: View) -> Outcome:
    for call in _called(view):
        told = call["custom"]
        if call.get("type") != "custom":
            return f"the `type` of the call is {shown(call.get('type'))}, not custom"
        if not is_text(call["id"]):
            return "the `id` of the call is empty"
        if not isinstance(told.get("input"), str):
            return f"`custom.input` is {shown(told.get('input'))}, not a text"
    return None


@check("chat.tools.custom.finish-reason", "chat.tools.custom")
def finish_reason(view: View) -> Outcome:
    _called(view)
    found = view.choices[0].get("finish_reason")
    return None if found == "tool_calls" else f"`finish_reason` is {shown(found)}"


@check("chat.tools.custom.stream", "chat.tools.custom.stream", expects="stream")
def streamed(view: View) -> Outcome:
    pieces = [piece for _, delta in view.deltas for piece in tool_pieces(delta)]
    told = [piece["custom"] for piece in pieces if isinstance(piece.get("custom"), dict)]
    if not told:
        return Silent("no delta has a piece of a custom call, although the tool is forced")
    opening = next(piece for piece in pieces if isinstance(piece.get("custom"), dict))
    if not is_text(opening.get("id")) or opening.get("type") != "custom" or told[0].get("name") != NOTE:
        return (
            f"the first piece is {shown(opening)}, without the id, the type custom and the name of the call"
        )
    again = [piece for piece in pieces if piece is not opening and (piece.get("id") or piece.get("type"))]
    if again:
        return f"a later piece has the id or the type again: {shown(again[0])}; SDKs add them up"
    wrong = [part.get("input") for part in told if not isinstance(part.get("input", ""), str)]
    return f"`custom.input` of a piece is {shown(wrong[0])}" if wrong else None


@check("chat.tools.custom.grammar", "chat.tools.custom.grammar")
def grammar(view: View) -> Outcome:
    told = [call["custom"] for call in _called(view) if call["custom"].get("name") == CODE]
    if not told:
        raise NotTestable("the tool with the grammar is not called")
    text = told[0].get("input")
    if isinstance(text, str) and re.fullmatch(CODE_PATTERN, text):
        return None
    return Silent(f"the input {shown(text)} is not of the tool's grammar, {CODE_PATTERN}")


def _called(view: View) -> list[Mapping[str, Any]]:
    found = custom_calls(view.message)
    if not found:
        raise NotTestable("no custom tool is called")
    return list(found)

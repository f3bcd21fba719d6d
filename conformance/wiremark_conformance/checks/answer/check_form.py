"""Id and fields that are always there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from wiremark_conformance.checking import each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, Outcome
from wiremark_conformance.values import shown

_PARTS = {"{created}": r"(?P<created>\d{10})", "{random}": r"[A-Za-z0-9]{12,}"}


def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{\w+\})", template)
    return re.compile("".join(_PARTS.get(piece, re.escape(piece)) for piece in pieces))


@each("answer.id", "chat.plain", "chat.stream", "chat.tools.forced")
def answer_id(view: View) -> Outcome:
    template = view.target.contract.answer.id
    if template is None:
        raise NotPromised("the contract promises no form of the id")
    answer: Mapping[str, Any] = next(iter(view.chunks), {}) if view.is_stream else view.object
    found, created = answer.get("id"), answer.get("created")
    match = _pattern(template).fullmatch(found) if isinstance(found, str) else None
    if match is None:
        return f"`id` is {shown(found)}, promised is {template}"
    told = match.groupdict().get("created")
    return (
        f"`id` is {shown(found)}, but `created` is {shown(created)}"
        if told not in {None, str(created)}
        else None
    )


def _missing(found: Mapping[str, Any], promised: Iterable[str]) -> Outcome:
    """Promised fields that are not there, or not null; none of them was asked for."""
    names = tuple(promised)
    if not names:
        raise NotPromised("the contract names no field that is always there")
    for name in names:
        if name not in found:
            return f"there is no `{name}`"
        if found[name] is not None:
            return f"`{name}` is {shown(found[name])}, where it is unused and null is promised"
    return None


@each("answer.answer-fields", "chat.plain", "chat.tools.forced")
def answer_fields(view: View) -> Outcome:
    promised = view.target.contract.answer.always
    if not promised:
        raise NotPromised("the contract names no field that every answer has")
    missing = [name for name in promised if name not in view.object]
    return f"the answer has no {', '.join(f'`{name}`' for name in missing)}" if missing else None


@each("answer.message-fields", "chat.plain", "chat.tools.forced")
def message_fields(view: View) -> Outcome:
    """The model under test was not asked to reason; one that always does is not asked here."""
    promised = view.target.contract.answer
    model = view.target.model_entry
    thinks = model is not None and model.reasoning == "always"
    unused = (name for name in promised.message_nulls if not (thinks and name in promised.reasoning))
    return _missing(view.message, unused)


@each("answer.choice-fields", "chat.plain", "chat.tools.forced", "chat.n")
def choice_fields(view: View) -> Outcome:
    promised = view.target.contract.answer.choice_nulls
    findings = (_missing(choice, promised) for choice in view.choices)
    return next((finding for finding in findings if finding), None)

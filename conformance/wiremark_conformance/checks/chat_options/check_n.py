"""`n`: several choices, whole and streamed."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.values import shown

accepted("chat.n.accepted", "chat.n")
accepted("chat.n.stream.accepted", "chat.n.stream")


@check("chat.n.count", "chat.n")
def count(view: View) -> Outcome:
    found = len(view.choices)
    return None if found == 2 else Silent(f"2 choices were asked for, {found} came")


@check("chat.n.indexes", "chat.n")
def indexes(view: View) -> Outcome:
    found = [choice.get("index") for choice in view.choices]
    return (
        None
        if sorted(map(str, found)) == sorted(map(str, range(len(found))))
        else f"the indexes are {shown(found)}"
    )


def _appeared(view: View) -> list[Any]:
    """Indexes in the order in which the stream first showed them."""
    return list(dict.fromkeys(shown(choice.get("index")) for choice in view.chunk_choices))


@check("chat.n.stream.count", "chat.n.stream", expects="stream")
def stream_count(view: View) -> Outcome:
    found = _appeared(view)
    return (
        None
        if sorted(found) == ["0", "1"]
        else Silent(f"the stream has the choices {', '.join(found) or 'none'}")
    )


def _two(view: View) -> list[Any]:
    found = _appeared(view)
    if len(found) < 2:
        raise NotTestable("the stream has not two choices")
    return found


@check("chat.n.stream.order", "chat.n.stream", expects="stream")
def stream_order(view: View) -> Outcome:
    found = _two(view)
    return None if found == [str(i) for i in range(len(found))] else f"choices appeared as {', '.join(found)}"


@check("chat.n.stream.finish", "chat.n.stream", expects="stream")
def stream_finish(view: View) -> Outcome:
    _two(view)
    wrong = {index: reasons for index, reasons in view.finish_reasons.items() if len(reasons) != 1}
    return "; ".join(f"choice {i} has the finish reasons {shown(r)}" for i, r in wrong.items()) or None


@check("chat.n.stream.role", "chat.n.stream", expects="stream")
def stream_role(view: View) -> Outcome:
    _two(view)
    for index in sorted({choice for choice, _ in view.deltas}):
        roles = [delta["role"] for choice, delta in view.deltas if choice == index and delta.get("role")]
        if roles != ["assistant"]:
            return f"choice {index} has the roles {shown(roles)}"
    return None

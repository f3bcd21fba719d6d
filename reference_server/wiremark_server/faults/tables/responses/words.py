"""What the tables of responses share: their contract, their operations, their streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_server.faults.asked import understood
from wiremark_server.faults.change import Change
from wiremark_server.faults.derived.surfaces.responses import CONTRACT, CREATE, numbering
from wiremark_server.faults.edit import Body, Edit, Events, On, Where, everywhere
from wiremark_server.faults.fault import Fault, Layer, named
from wiremark_server.faults.typed import TypedStream

STREAM = TypedStream(CREATE)
REFUSALS = On(None, "refusal")
# What one wrong member may break beside the rule that is about it.
NEAR = ("responses.*", "billing.responses.*")
UNSUPPORTED = "responses-state-unsupported"  # class of bugs
_fault = named("responses", CONTRACT)


def fault(
    name: str,
    layer: Layer,
    text: str,
    *edits: Edit,
    catches: tuple[str, ...],
    allows: tuple[str, ...] = NEAR,
    bug: str | None = None,
) -> Fault:
    return _fault(name, layer, text, *edits, catches=catches, allows=allows, bug=bug)


def shaped(
    name: str,
    text: str,
    change: Change,
    *catches: str,
    operation: str = CREATE,
    where: Where = everywhere,
    bug: str | None = None,
) -> Fault:
    """Answers of another form."""
    edit = Body(On(operation, "answer", where), change)
    return fault(name, "shape", text, edit, catches=catches, bug=bug)


def taken_for(
    name: str,
    text: str,
    change: Callable[[dict[str, Any]], Any],
    *catches: str,
    where: Where = everywhere,
    bug: str | None = None,
) -> Fault:
    """Requests that are taken for others; `change` edits their document in place."""
    return fault(name, "semantics", text, understood(CREATE, change, where), catches=catches, bug=bug)


def streamed(
    name: str,
    text: str,
    *edits: Edit,
    catches: tuple[str, ...],
    layer: Layer = "stream",
    bug: str | None = None,
) -> Fault:
    """Events that are wrong. They are numbered anew, so that those that are missing or new are all of it."""
    numbered = Events(numbering, STREAM.on())
    return fault(f"events.{name}", layer, text, *edits, numbered, catches=catches, bug=bug)

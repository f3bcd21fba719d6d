"""The fields of a surface's answers, events and refusals."""

from __future__ import annotations

from collections.abc import Iterator

from wiremark_server.faults.change import every, holds, values
from wiremark_server.faults.derived.mutation import Family, mutations, rule
from wiremark_server.faults.derived.surfaces.surface import Surface
from wiremark_server.faults.edit import Body, Edit, Events, Form
from wiremark_server.faults.fault import Fault

# Members that a server need not have; few look at them, and another fault shows that they do.
_RARE = ("*_details/*", "*/cache_*", "*/server_tool_use", "*/container", "*/diagnostics", "*/stop_details")


def faults(surface: Surface) -> Iterator[Fault]:
    parts: tuple[tuple[str, str, str, Form], ...] = (
        ("answer", "the answers", surface.response, "answer"),
        ("event", "the events", surface.event, "stream"),
        ("refusal", "the refusals", surface.error, "refusal"),
    )
    for part, said, schema, form in parts:
        if not schema:
            continue
        family = Family(
            surface.name,
            schema,
            surface.operation,
            form,
            (rule("*", surface.owns),),
            (),
            (*_RARE, *surface.absent),
        )
        for mutation in mutations(family):
            pointer = mutation.field.pointer
            if part in surface.holds and not holds(surface.holds[part], pointer):
                continue
            yield surface.fault(
                f"{part}{pointer.replace('/*', '').replace('/', '.')}.{mutation.name}",
                "shape",
                f"In {said} of {surface.operation} `{pointer}` {mutation.says}.",
                _edit(surface, form, mutation.change),
            )


def _edit(surface: Surface, form: Form, change: object) -> Edit:
    if form == "stream":
        events: Events = values(every, change, operation=surface.operation)  # type: ignore[arg-type]
        return events
    return Body(surface.on(form), change)  # type: ignore[arg-type]

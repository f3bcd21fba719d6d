"""Parameters of a request that are refused although promised, or accepted and not looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wiremark_server.faults.change import has, with_document
from wiremark_server.faults.derived.surfaces.surface import Surface
from wiremark_server.faults.edit import Ask, Question
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.fields import fields


def faults(surface: Surface) -> Iterator[Fault]:
    if not surface.request:
        return
    for name in [field.pointer[1:] for field in fields(surface.request, depth=1)]:
        yield surface.fault(
            f"refused.{name}",
            "semantics",
            f"A request to {surface.operation} that has `{name}` is refused as not valid.",
            Question(surface.on(where=has(name)), _with(surface)),
        )
        yield surface.fault(
            f"ignored.{name}",
            "semantics",
            f"`{name}` in a request to {surface.operation} is not looked at.",
            Question(surface.on(where=lambda ask, name=name: name in ask.document), _without(name)),  # type: ignore[misc]
        )


def _with(surface: Surface) -> Callable[[Ask], Ask]:
    return lambda ask: with_document(ask, {**ask.document, **surface.bad})


def _without(name: str) -> Callable[[Ask], Ask]:
    return lambda ask: with_document(ask, {k: v for k, v in ask.document.items() if k != name})

"""How a check is written: a small function, tied to one requirement and the probes it looks at.

    @check("chat.object", "chat.plain")
    def object_name(view: View) -> Outcome:
        ...

What every check would have to ask first (was the probe made, did the transport hold, was the
capability refused) is not asked here: `judge` does it, led by what the check `expects`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome

Expects = Literal[
    "success",  # a 2xx; a refusal leaves nothing to look at
    "acceptance",  # whether there is a 2xx is itself the question
    "stream",  # a 2xx with an event stream; a body that was cut off is looked at all the same
    "error",  # a 4xx or 5xx, for what is in it
    "refusal",  # whether there is a 4xx is itself the question
    "any",  # whatever the status is
    "transport",  # whether a response came whole is itself the question
    "reply",  # whether there is a reply at all is itself the question; a reset is an answer to that
]

Function = Callable[..., Outcome]


@dataclass(frozen=True, slots=True)
class Check:
    """A judging function and its place.

    each: called once for every probe, and one finding is enough; otherwise called once with the
          views of all probes, in order
    example: what meets a check that looks at the status alone, and what does not
    """

    requirement: str
    probes: tuple[str, ...]
    expects: Expects
    each: bool
    function: Function
    example: tuple[str, str] | None = None


_checks: dict[str, Check] = {}
CHECKS: Mapping[str, Check] = MappingProxyType(_checks)


def _register(checked: Check) -> None:
    if checked.requirement in _checks:
        raise ValueError(f"two checks judge {checked.requirement!r}")
    _checks[checked.requirement] = checked


def check(requirement: str, *probes: str, expects: Expects = "success") -> Callable[[Function], Function]:
    """Tie a function that takes one View per probe to a requirement."""

    def tie(function: Function) -> Function:
        _register(Check(requirement, probes, expects, each=False, function=function))
        return function

    return tie


def each(requirement: str, *probes: str, expects: Expects = "success") -> Callable[[Function], Function]:
    """Tie a function that takes one View to a requirement that every one of the probes must meet."""

    def tie(function: Function) -> Function:
        _register(Check(requirement, probes, expects, each=True, function=function))
        return function

    return tie


def accepted(requirement: str, probe: str) -> None:
    """The requirement that a probe is answered with success at all."""

    def answered(view: View) -> Outcome:
        if view.exchange.failure is not None:
            return f"the answer did not come whole: {view.exchange.failure.message}"
        if view.succeeded:
            return None
        return f"answered {view.status_line}{view.error_text}, where success was expected"

    shown = ("HTTP/1.1 200 OK", "HTTP/1.1 400 Bad Request")
    _register(Check(requirement, (probe,), "acceptance", each=False, function=answered, example=shown))


def refused(requirement: str, probe: str) -> None:
    """The requirement that a probe is answered with a 4xx."""

    def declined(view: View) -> Outcome:
        if view.declined:
            return None
        return f"answered {view.status_line}{view.error_text}, where a 4xx was expected"

    shown = ("HTTP/1.1 400 Bad Request", "HTTP/1.1 200 OK")
    _register(Check(requirement, (probe,), "refusal", each=False, function=declined, example=shown))


def tolerated(requirement: str, *probes: str) -> None:
    """The requirement that each of the probes is answered or refused: a 2xx, a 4xx or an honest 501."""

    def settled(view: View) -> Outcome:
        if view.status is not None and (200 <= view.status < 500 or view.status == 501):
            return None
        return f"answered {view.status_line}{view.error_text}; a request is answered or refused with a 4xx"

    shown = ("HTTP/1.1 400 Bad Request", "HTTP/1.1 500 Internal Server Error")
    _register(Check(requirement, probes, "refusal", each=True, function=settled, example=shown))

"""The cache of answers to requests without tools."""

from __future__ import annotations

from wiremark_conformance.checking import check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import members, shown


def _named(view: View) -> str | None:
    """The header in which the contract has the cache tell what it did."""
    name: str | None = members(view.target.contract.raw.get("cache")).get("status_header")
    return name


def _header_name(view: View) -> str:
    name = _named(view)
    if name is None:
        raise NotPromised("the contract names no header of the cache")
    return name


def _status(view: View) -> str:
    value = view.header(_header_name(view))
    if value is None:
        raise NotTestable(f"the answer has no {_header_name(view)}")
    return value.strip().lower()


def from_cache(view: View) -> bool:
    """Whether the answer says so; False where nothing tells."""
    name = _named(view)
    return name is not None and view.header_text(name) == "hit"


@each("cache.status-header", "chat.plain", "chat.tools.forced")
def status_header(view: View) -> Outcome:
    return None if view.header(_header_name(view)) else f"the answer has no {_header_name(view)}"


@check("cache.repeat-hit", "cache.repeat")
def repeat_hit(view: View) -> Outcome:
    found = _status(view)
    return None if found == "hit" else f"the repeated request is answered with {_header_name(view)} {found!r}"


@check("cache.same-answer", "chat.plain", "cache.repeat")
def same_answer(first: View, second: View) -> Outcome:
    if _status(second) != "hit":
        raise NotTestable("the repeated request was not answered from the cache")
    if first.message == second.message:
        return None
    return f"first {shown(dict(first.message))}, from the cache {shown(dict(second.message))}"


@check("cache.tools-bypass", "chat.tools.forced")
def tools_bypass(view: View) -> Outcome:
    found = _status(view)
    return (
        None if found not in {"hit", "miss"} else f"a request with tools has {_header_name(view)} {found!r}"
    )

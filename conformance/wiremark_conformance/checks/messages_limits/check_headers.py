"""Request ids and rate-limit headers in Anthropic's form."""

from __future__ import annotations

import re
from datetime import datetime

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.messages_errors import REFUSED
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import shown

ID = "request-id"
PREFIX = "anthropic-ratelimit-"
_ANSWERS = ("messages.plain", "messages.stream", "messages.tools.forced")
_UNITS = ("requests", "tokens", "input-tokens", "output-tokens")
_INTEGER = re.compile(r"\d{1,18}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def has_id(view: View) -> Outcome:
    """No id, or an empty one."""
    return None if view.header(ID) else f"the {view.status} has no {ID}"


each("messages.request-id.success", *_ANSWERS)(has_id)
each("messages.request-id.errors", *REFUSED, expects="error")(has_id)


@check("messages.request-id.unique", "messages.plain", expects="any")
def unique(view: View) -> Outcome:
    """Looks at every exchange of the run that has such a header."""
    seen: set[str] = set()
    for other in view.evidence.made():
        request_id = other.header(ID)
        if request_id and request_id in seen:
            return f"{other.probe} and an answer before it have the same {ID} {request_id!r}"
        if request_id:
            seen.add(request_id)
    if len(seen) < 2:
        raise NotTestable("fewer than two answers have a request id")
    return None


def _values(view: View, what: str) -> dict[str, str]:
    """The headers of one kind by what they count."""
    names = {unit: view.header(f"{PREFIX}{unit}-{what}") for unit in _UNITS}
    found = {unit: value for unit, value in names.items() if value is not None}
    if not found:
        raise NotTestable(f"there is no {PREFIX}requests-{what}")
    return found


@each("messages.limits.headers", *_ANSWERS)
def present(view: View) -> Outcome:
    if not view.target.contract.limits:
        raise NotPromised("the contract names no limits")
    names = [f"{PREFIX}requests-{what}" for what in ("limit", "remaining", "reset")]
    missing = [name for name in names if view.header(name) is None]
    return f"missing: {', '.join(missing)}" if missing else None


@each("messages.limits.integers", *_ANSWERS)
def integers(view: View) -> Outcome:
    for what in ("limit", "remaining"):
        for unit, value in _values(view, what).items():
            if not _INTEGER.fullmatch(value):
                return f"{PREFIX}{unit}-{what} is {shown(value)}"
    return None


@each("messages.limits.within", *_ANSWERS)
def within(view: View) -> Outcome:
    limits = _values(view, "limit")
    for unit, left in _values(view, "remaining").items():
        limit = limits.get(unit)
        if limit and _INTEGER.fullmatch(limit) and _INTEGER.fullmatch(left) and int(left) > int(limit):
            return f"{left} {unit} remain of a limit of {limit}"
    return None


@each("messages.limits.resets", *_ANSWERS)
def resets(view: View) -> Outcome:
    for unit, value in _values(view, "reset").items():
        if not _is_time(value):
            return f"{PREFIX}{unit}-reset is {shown(value)}, which is no time such as 2026-01-01T00:00:00Z"
    return None


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True

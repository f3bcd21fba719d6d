"""Rate-limit headers in OpenAI's form."""

from __future__ import annotations

import re

from wiremark_conformance.checking import check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import shown

PREFIX = "x-ratelimit-"
_INTEGER = re.compile(r"\d{1,18}")
_DURATION = re.compile(r"(?=.)(\d+h)?(\d+m(?!s))?(\d+(\.\d+)?s)?(\d+(\.\d+)?(ms|us|µs|ns))?")
_ANSWERS = ("chat.plain", "chat.stream", "chat.echo-back")
_ENOUGH = 3  # answers with a remaining number before "always the same" means anything


def _values(view: View, what: str) -> dict[str, str]:
    """The headers of one kind by what they count: requests, tokens."""
    found = {
        unit: value
        for unit in ("requests", "tokens")
        if (value := view.header(f"{PREFIX}{what}-{unit}")) is not None
    }
    if not found:
        raise NotTestable(f"there is no {PREFIX}{what}-requests")
    return found


@each("limits.headers.present", *_ANSWERS)
def present(view: View) -> Outcome:
    if view.target.contract.raw["headers"]["rate_limit"] != "openai":
        raise NotPromised("the contract promises no rate-limit headers")
    names = [f"{PREFIX}{what}-requests" for what in ("limit", "remaining", "reset")]
    missing = [name for name in names if view.header(name) is None]
    return f"missing: {', '.join(missing)}" if missing else None


@each("limits.headers.integers", *_ANSWERS)
def integers(view: View) -> Outcome:
    for what in ("limit", "remaining"):
        for unit, value in _values(view, what).items():
            if not _INTEGER.fullmatch(value):
                return f"{PREFIX}{what}-{unit} is {shown(value)}"
    return None


@each("limits.headers.within", *_ANSWERS)
def within(view: View) -> Outcome:
    limits = _values(view, "limit")
    for unit, remaining in _values(view, "remaining").items():
        limit = limits.get(unit)
        if (
            limit
            and _INTEGER.fullmatch(limit)
            and _INTEGER.fullmatch(remaining)
            and int(remaining) > int(limit)
        ):
            return f"{remaining} {unit} remain of a limit of {limit}"
    return None


@each("limits.headers.durations", *_ANSWERS)
def durations(view: View) -> Outcome:
    for unit, value in _values(view, "reset").items():
        if not _DURATION.fullmatch(value):
            return f"{PREFIX}reset-{unit} is {shown(value)}, which is no duration such as 6m0s"
    return None


@check("limits.headers.counting", "chat.plain", "chat.echo-back", expects="any")
def counting(first: View, later: View) -> Outcome:
    """Looks at all answers to the default key: some differ, unless the number is decoration."""
    key = _key(first)
    found = [
        value
        for view in first.evidence.made()
        if view.succeeded
        and _key(view) == key
        and (value := view.header(f"{PREFIX}remaining-requests")) is not None
    ]
    if len(found) < _ENOUGH:
        raise NotTestable(f"fewer than {_ENOUGH} answers say how many requests remain")
    same = len(set(found)) == 1
    return (
        f"{found[0]} requests remain after each of {len(found)} requests, {later.probe} included"
        if same
        else None
    )


def _key(view: View) -> tuple[str, ...]:
    return tuple(value for name, value in view.exchange.request.headers if name == "authorization")

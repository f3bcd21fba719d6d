"""Keys whose means are used up: rate, balance, monthly cap."""

from __future__ import annotations

import re

from wiremark_conformance.checking import check
from wiremark_conformance.checks.limits.check_headers import PREFIX
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import shown

_SECONDS = re.compile(r"\d{1,9}")


@check("limits.rate.status", "keys.throttled", expects="any")
def rate_status(view: View) -> Outcome:
    return None if view.status == 429 else f"answered {view.status_line}{view.error_text}, not 429"


check("limits.day.status", "keys.daily", expects="any")(rate_status)


def _only_429(view: View) -> None:
    if view.status != 429:
        raise NotTestable(f"answered {view.status_line}, not 429")


def _seconds(view: View) -> int | None:
    value = view.header("retry-after")
    return int(value) if value is not None and _SECONDS.fullmatch(value) else None


@check("limits.rate.retry-after", "keys.throttled", expects="any")
def retry_after(view: View) -> Outcome:
    _only_429(view)
    seconds = _seconds(view)
    return None if seconds else f"`Retry-After` is {shown(view.header('retry-after'))}"


_DAY = 86_400  # seconds


@check("limits.day.retry-after", "keys.daily", expects="any")
def retry_within_a_day(view: View) -> Outcome:
    """Whoever waits that long is admitted again: no window is longer than the day that is used up."""
    _only_429(view)
    seconds = _seconds(view)
    return None if seconds and seconds <= _DAY else f"`Retry-After` is {shown(view.header('retry-after'))}"


@check("limits.rate.retry-soon", "keys.throttled", expects="any")
def retry_soon(view: View) -> Outcome:
    _only_429(view)
    seconds = _seconds(view)
    if seconds is None:
        raise NotTestable("there is no `Retry-After` in seconds")
    return (
        f"`Retry-After` is {seconds}; openai-python 2 and openai-node ask again after 0.5 s"
        if seconds > 60
        else None
    )


@check("limits.rate.headers", "keys.throttled", expects="any")
def rate_headers(view: View) -> Outcome:
    _only_429(view)
    if view.target.contract.raw["headers"]["rate_limit"] != "openai":
        raise NotPromised("the contract promises no rate-limit headers")
    found = view.header(f"{PREFIX}remaining-requests")
    return None if found == "0" else f"{PREFIX}remaining-requests of the 429 is {shown(found)}"


@check("limits.rate.promised", "keys.throttled", expects="any")
def rate_promised(view: View) -> Outcome:
    _only_429(view)
    limits = view.target.contract.limits
    promised = [limits[name] for name in ("requests_per_minute", "requests_per_day") if name in limits]
    found = view.header(f"{PREFIX}limit-requests")
    if not promised or found is None:
        raise NotTestable(f"the 429 has no {PREFIX}limit-requests, or the contract promises no rate")
    if found in map(str, promised):
        return None
    return f"{PREFIX}limit-requests is {shown(found)}, promised is {' or '.join(map(str, promised))}"


@check("limits.day.promised", "keys.daily", expects="any")
def day_promised(view: View) -> Outcome:
    _only_429(view)
    promised = view.target.contract.limits["requests_per_day"]  # else the probe is not made
    found = view.header(f"{PREFIX}limit-requests")
    if found is None:
        raise NotTestable(f"the 429 has no {PREFIX}limit-requests")
    return None if found == str(promised) else f"{PREFIX}limit-requests is {shown(found)}, not {promised}"


def used_up(view: View) -> Outcome:
    """Anything but 402 and 429."""
    return (
        None if view.status in {402, 429} else f"answered {view.status_line}{view.error_text}, not 402 or 429"
    )


check("limits.credits.refused", "keys.exhausted", expects="any")(used_up)
check("limits.cap.refused", "keys.capped", expects="any")(used_up)

_SOON = 3600  # seconds; a cap that resets with the month may say so, in days


def no_retry(view: View) -> Outcome:
    """A hint to come back soon, which SDKs follow at once."""
    if used_up(view):
        raise NotTestable(f"answered {view.status_line}")
    seconds = _seconds(view)
    return (
        f"`Retry-After` is {seconds}; SDKs ask again, in vain"
        if seconds is not None and seconds < _SOON
        else None
    )


check("limits.credits.no-retry", "keys.exhausted", expects="any")(no_retry)
check("limits.cap.no-retry", "keys.capped", expects="any")(no_retry)

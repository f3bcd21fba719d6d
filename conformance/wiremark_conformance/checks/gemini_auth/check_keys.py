"""Three ways of sending a key, keys that do not open, and keys whose means are used up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.probes.table import WRONG_KEY
from wiremark_conformance.values import listed, shown

_WRONG = ("gemini.auth.wrong-key", "gemini.auth.wrong-key.query", "gemini.keys.revoked")
_THROTTLED = ("gemini.keys.throttled", "gemini.keys.throttled.stream")
_LARGEST_DELAY = 60  # seconds

accepted("gemini.auth.header", "gemini.auth.header")
accepted("gemini.auth.query", "gemini.auth.query")
accepted("gemini.auth.bearer", "gemini.auth.bearer")


def _among(view: View, statuses: tuple[int, ...]) -> Outcome:
    if view.status in statuses:
        return None
    return f"answered {view.status_line}{view.error_text}, not {' or '.join(map(str, statuses))}"


@check("gemini.auth.missing-key", "gemini.auth.no-key", expects="refusal")
def missing_key(view: View) -> Outcome:
    return _among(view, (401, 403))


@check("gemini.auth.missing-key.status", "gemini.auth.no-key", expects="refusal")
def missing_key_status(view: View) -> Outcome:
    return _among(view, (403,))


@each("gemini.auth.wrong-key", *_WRONG, expects="refusal")
def wrong_key(view: View) -> Outcome:
    return _among(view, (400, 401, 403))


@each("gemini.auth.wrong-key.status", *_WRONG, expects="refusal")
def wrong_key_status(view: View) -> Outcome:
    return _among(view, (400,))


def _details(view: View, kind: str) -> list[Mapping[str, Any]]:
    """The details of an error of one kind, such as `ErrorInfo`."""
    found = view.envelope.get("details")
    entries = listed(found)
    return [one for one in entries if isinstance(one, dict) and str(one.get("@type")).endswith(f".{kind}")]


@each("gemini.auth.wrong-key.reason", *_WRONG, expects="error")
def wrong_key_reason(view: View) -> Outcome:
    found = [one.get("reason") for one in _details(view, "ErrorInfo")]
    return None if "API_KEY_INVALID" in found else f"the reasons in `error.details` are {shown(found)}"


@each("gemini.auth.no-echo", "gemini.auth.wrong-key", "gemini.auth.wrong-key.query", expects="any")
def no_echo(view: View) -> Outcome:
    told = view.exchange.body.decode("utf-8", "replace")
    return "the answer shows the key that was sent" if WRONG_KEY in told else None


@check("gemini.auth.before-body", "gemini.auth.no-key.malformed", expects="refusal")
def before_body(view: View) -> Outcome:
    """Who has no key learns nothing about bodies."""
    return _among(view, (401, 403))


@check("gemini.keys.restricted", "gemini.keys.restricted", expects="refusal")
def restricted(view: View) -> Outcome:
    return _among(view, (403, 404))


@each("gemini.limits.throttled", *_THROTTLED, expects="any")
def throttled(view: View) -> Outcome:
    return _among(view, (429,))


@each("gemini.limits.throttled.delay", *_THROTTLED, expects="any")
def throttled_delay(view: View) -> Outcome:
    """Google tells the delay in the details, other clients read the header; both are told."""
    if view.status != 429:
        raise NotTestable(f"answered {view.status_line}, not 429")
    found = [one.get("retryDelay") for one in _details(view, "RetryInfo")]
    seconds = [one.removesuffix("s") for one in found if isinstance(one, str) and one.endswith("s")]
    if any(one.replace(".", "", 1).isdigit() and float(one) > 0 for one in seconds):
        return None
    return f"`retryDelay` in `error.details` is {shown(found)}"


@each("gemini.limits.throttled.retry-after", *_THROTTLED, expects="any")
def throttled_retry_after(view: View) -> Outcome:
    if view.status != 429:
        raise NotTestable(f"answered {view.status_line}, not 429")
    found = view.header("retry-after") or ""
    right = found.isascii() and found.isdigit() and len(found) < 10 and 1 <= int(found) <= _LARGEST_DELAY
    return None if right else f"`Retry-After` is {shown(view.header('retry-after'))}"


@each("gemini.limits.throttled.quota", *_THROTTLED, expects="any")
def throttled_quota(view: View) -> Outcome:
    if view.status != 429:
        raise NotTestable(f"answered {view.status_line}, not 429")
    return None if _details(view, "QuotaFailure") else "`error.details` has no QuotaFailure"


@check("gemini.limits.exhausted", "gemini.keys.exhausted", expects="any")
def exhausted(view: View) -> Outcome:
    return _among(view, (402, 403, 429))


@check("gemini.limits.body", "gemini.limits.body", expects="refusal")
def body(view: View) -> Outcome:
    return _among(view, (400, 413))

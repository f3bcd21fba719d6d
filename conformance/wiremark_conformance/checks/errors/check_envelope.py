"""The form of every error, whoever in the endpoint makes it."""

from __future__ import annotations

import re

from wiremark_conformance.checking import each
from wiremark_conformance.checks.errors import REFUSED
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, Outcome
from wiremark_conformance.values import is_text, shown

_STACK_TRACE = re.compile(
    r"Traceback \(most recent call last"
    r'|File \\?"[^"]+\\?", line \d+, in '
    r"|\\?n\s+at \S+ \(.+:\d+:\d+\)"
    r"|goroutine \d+ \["
)


def _begin(view: View) -> str:
    """The first bytes of the body, as a sentence quotes them."""
    return shown(view.exchange.body[:80].decode("utf-8", "replace"))


@each("errors.envelope.object", *REFUSED, expects="error")
def envelope(view: View) -> Outcome:
    if view.json_defect:
        return f"the body of the {view.status} is not JSON: {_begin(view)}"
    if isinstance(view.error, dict):
        return None
    return f"the {view.status} has no `error` object: {_begin(view)}"


@each("errors.envelope.message", *REFUSED, expects="error")
def message(view: View) -> Outcome:
    found = view.envelope.get("message")
    return None if is_text(found) else f"`error.message` is {shown(found)}"


@each("errors.envelope.type", *REFUSED, expects="error")
def error_type(view: View) -> Outcome:
    found = view.envelope.get("type")
    return None if is_text(found) else f"`error.type` is {shown(found)}"


@each("errors.envelope.keys", *REFUSED, expects="error")
def keys(view: View) -> Outcome:
    missing = [key for key in ("param", "code") if key not in view.envelope]
    return f"`error` has no {' and no '.join(f'`{key}`' for key in missing)}" if missing else None


@each("errors.envelope.code", *REFUSED, expects="error")
def code(view: View) -> Outcome:
    found = view.envelope.get("code")
    if any(isinstance(problem.code, int) for problem in view.target.contract.problems.values()):
        raise NotPromised("the contract promises numbers as codes")
    return None if found is None or isinstance(found, str) else f"`error.code` is {shown(found)}"


@each("errors.content-type", *REFUSED, expects="error")
def content_type(view: View) -> Outcome:
    found = view.header("content-type")
    return (
        None
        if view.media_type == "application/json"
        else f"the content-type of the {view.status} is {shown(found)}"
    )


@each("errors.no-internals", *REFUSED, expects="error")
def no_internals(view: View) -> Outcome:
    found = _STACK_TRACE.search(view.exchange.body.decode("utf-8", "replace"))
    return f"the {view.status} shows a stack trace: {shown(found[0][:80])}" if found else None

"""What a refusal hints about asking again, and who is told of limits."""

from __future__ import annotations

import re

from wiremark_conformance.checking import each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.values import shown

_ANSWERS = ("chat.plain", "keys.throttled", "keys.exhausted", "keys.capped", "errors.malformed-json")
_ITEM = re.compile(r'^\s*"?[A-Za-z0-9_.* -]+"?(\s*;\s*[a-z]+=("[^"]*"|-?[0-9]+))*\s*$')


@each("limits.hints.retry-after-ms", *_ANSWERS, expects="any")
def retry_after_ms(view: View) -> Outcome:
    found = view.header("retry-after-ms")
    if found is None or re.fullmatch(r"\d+(\.\d+)?", found.strip()):
        return None
    return f"`retry-after-ms` is {shown(found)}, no number of milliseconds"


@each("limits.hints.should-retry", *_ANSWERS, expects="any")
def should_retry(view: View) -> Outcome:
    found = view.header("x-should-retry")
    return None if found in {None, "true", "false"} else f"`x-should-retry` is {shown(found)}"


@each("limits.hints.ietf", *_ANSWERS, expects="any")
def ietf(view: View) -> Outcome:
    for name in ("ratelimit", "ratelimit-policy"):
        found = view.header(name)
        if found is not None and not all(_ITEM.match(item) for item in found.split(",")):
            return f"`{name}` is {shown(found)}, no list of items with parameters"
    return None


@each("limits.hints.strangers", "auth.no-key", "auth.wrong-key", expects="any")
def strangers(view: View) -> Outcome:
    found = [name for name, _ in view.exchange.headers if name.lower().startswith("x-ratelimit-")]
    return f"the {view.status} tells a stranger `{found[0]}`" if found else None

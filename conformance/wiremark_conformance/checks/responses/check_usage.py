"""Token counts of responses."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.responses import WHOLE
from wiremark_conformance.evidence import View
from wiremark_conformance.order import at
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.responses import count, response, usage
from wiremark_conformance.values import is_count, shown

COUNTED = (*WHOLE, "responses.stream", "responses.max-tokens.stream", "responses.tools.stream")
_KEYS = ("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details", "total_tokens")

accepted("responses.input-tokens.accepted", "responses.input-tokens")


@each("responses.usage", *COUNTED)
def present(view: View) -> Outcome:
    found = response(view).get("usage")
    return None if isinstance(found, dict) else Silent(f"`usage` is {shown(found)}")


@each("responses.usage-keys", *COUNTED)
def keys(view: View) -> Outcome:
    missing = [name for name in _KEYS if usage(view).get(name) is None]
    return f"the usage has no {' and no '.join(f'`{name}`' for name in missing)}" if missing else None


@each("responses.usage-counts", *COUNTED)
def counts(view: View) -> Outcome:
    found = usage(view)
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        if name in found and not is_count(found[name]):
            return f"`{name}` is {shown(found[name])}"
    return None


_DETAILS = (
    ("input_tokens", "/input_tokens_details/cached_tokens"),
    ("output_tokens", "/output_tokens_details/reasoning_tokens"),
)


@each("responses.usage-details", *COUNTED)
def details(view: View) -> Outcome:
    for whole, pointer in _DETAILS:
        part = at(pointer, usage(view))
        if usage(view).get(f"{whole}_details") is None:
            continue
        if not is_count(part):
            return f"`{pointer.rpartition('/')[2]}` is {shown(part)}"
        if part > count(view, whole):
            return f"{part} {pointer.rpartition('/')[2]} of {count(view, whole)} {whole}"
    return None


@each("responses.usage-total", *COUNTED)
def total(view: View) -> Outcome:
    given, made, both = (count(view, name) for name in ("input_tokens", "output_tokens", "total_tokens"))
    return None if given + made == both else f"{given} input and {made} output tokens make {both} in total"


@each("responses.usage-positive", "responses.plain", "responses.stream")
def positive(view: View) -> Outcome:
    for name in ("input_tokens", "output_tokens"):
        if count(view, name) == 0:
            return f"`{name}` is 0, for an answer that says something"
    return None


@check("responses.usage-agrees", "responses.plain", "responses.stream")
def agrees(plain: View, streamed: View) -> Outcome:
    if not streamed.is_stream:
        raise NotTestable("the body is not an event stream")
    whole, stream = count(plain, "input_tokens"), count(streamed, "input_tokens")
    return None if whole == stream else f"{whole} input tokens plain, {stream} streamed, for the same input"


@check("responses.input-tokens.form", "responses.input-tokens")
def input_tokens(view: View) -> Outcome:
    kind, number = view.object.get("object"), view.object.get("input_tokens")
    if kind == "response.input_tokens" and is_count(number):
        return None
    return f"`object` is {shown(kind)} and `input_tokens` is {shown(number)}"


@check("responses.input-tokens.agrees", "responses.input-tokens", "responses.plain")
def input_tokens_agree(counted: View, plain: View) -> Outcome:
    number, used = counted.object.get("input_tokens"), count(plain, "input_tokens")
    return None if number == used else f"counted {shown(number)}, used {used}, for the same input"

"""Where the reasoning stands, and that it stands apart from the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome, Silent
from wiremark_conformance.values import is_int, is_text, members, shown

_TAGS = ("<think>", "<thinking>", "<reasoning>", "</think>")

accepted("chat.reasoning.accepted", "chat.reasoning")


def _fields(view: View) -> tuple[str, ...]:
    fields = view.target.contract.answer.reasoning
    if not fields:
        raise NotPromised("the contract names no field of the reasoning")
    return fields


@check("chat.reasoning.unasked", "chat.reasoning.unasked")
@check("chat.reasoning.field", "chat.reasoning")
def field(view: View) -> Outcome:
    for name in _fields(view):
        found = view.message.get(name)
        if not is_text(found):
            return Silent(f"`message.{name}` is {shown(found)}")
    return None


def _apart(text: str) -> Outcome:
    tag = next((tag for tag in _TAGS if tag in text), None)
    return f"the content holds {tag}: {shown(text)}" if tag else None


@check("chat.reasoning.apart", "chat.reasoning")
def apart(view: View) -> Outcome:
    return _apart(view.content)


@check("chat.reasoning.stream-field", "chat.reasoning.stream", expects="stream")
def stream_field(view: View) -> Outcome:
    for name in _fields(view):
        if not view.streamed_text(key=name):
            return Silent(f"no delta of the stream has a `{name}`")
    return None


@check("chat.reasoning.stream-apart", "chat.reasoning.stream", expects="stream")
def stream_apart(view: View) -> Outcome:
    return _apart(view.streamed_text())


@check("chat.reasoning.stream-first", "chat.reasoning.stream", expects="stream")
def stream_first(view: View) -> Outcome:
    """Clients show the thinking as closed once the answer has begun."""
    fields = _fields(view)
    begun = False
    for _, delta in view.deltas:
        if begun and any(is_text(delta.get(name)) for name in fields):
            return "a delta of the reasoning comes after the answer has begun"
        begun = begun or is_text(delta.get("content"))
    return None


@check("chat.reasoning.details", "chat.reasoning")
def details(view: View) -> Outcome:
    return _detailed(view, [view.message])


@check("chat.reasoning.stream-details", "chat.reasoning.stream", expects="stream")
def stream_details(view: View) -> Outcome:
    return _detailed(view, [delta for _, delta in view.deltas])


def _detailed(view: View, messages: Iterable[Mapping[str, Any]]) -> Outcome:
    """Only who has such entries has something to look at, and who promised them has to have them."""
    found = [message["reasoning_details"] for message in messages if message.get("reasoning_details")]
    entries = [entry for one in found for entry in (one if isinstance(one, list) else [one])]
    for entry in entries:
        kind = entry.get("type") if isinstance(entry, dict) else None
        if not is_text(kind) or not str(kind).startswith("reasoning."):
            return f"an entry of `reasoning_details` has the `type` {shown(kind)}: {shown(entry)}"
        if not is_int(entry.get("index")):
            return f"an entry of `reasoning_details` has the `index` {shown(entry.get('index'))}"
    if not entries and view.target.contract.answer.details:
        return Silent("there are no `reasoning_details`")
    return None


@check("chat.reasoning.tokens", "chat.reasoning")
def tokens(view: View) -> Outcome:
    details = view.usage.get("completion_tokens_details")
    found = members(details).get("reasoning_tokens")
    if not any(is_text(view.message.get(name)) for name in ("reasoning_content", "reasoning")):
        raise NotTestable("the answer shows no reasoning")
    if is_int(found) and found > 0:  # type: ignore[operator]
        return None
    return f"the model reasoned, and `reasoning_tokens` is {shown(found)}"

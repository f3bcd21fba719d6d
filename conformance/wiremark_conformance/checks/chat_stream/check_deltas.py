"""How deltas add up: clients join all strings, so what is sent twice is there twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.chat.check_text import LOST, control_token
from wiremark_conformance.checks.chat_stream import STREAMS, TEXT_STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.repeats import said_again
from wiremark_conformance.values import is_int, shown

_TEXTS = ("content", "refusal", "reasoning_content", "reasoning")
# `type` and `index` tell entries apart: openai-python replaces them instead of joining.
_OWN_CHECKS = frozenset({*_TEXTS, "role", "tool_calls", "function_call", "type", "index"})
_MANY = 3  # repeats of one string before it is a constant and no accident of the text


def _roles(view: View, choice: int) -> list[Any]:
    return [delta["role"] for index, delta in view.deltas if index == choice and delta.get("role")]


def role_first(view: View) -> Outcome:
    """The first delta that says anything says the role; openai-node gives up without it."""
    if not view.deltas:
        raise NotTestable("the stream has no delta")
    found = _roles(view, view.deltas[0][0])
    if not found:
        return "no delta carries a role"
    first = next(
        (delta for _, delta in view.deltas if any(delta.get(k) for k in ("role", "tool_calls", *_TEXTS)))
    )
    if first.get("role") != "assistant":
        return f"the first delta is {shown(first)}, without the role `assistant`"
    return None


each("chat.stream.role", *TEXT_STREAMS, expects="stream")(role_first)


@check("chat.tools.stream.role", "chat.tools.stream", expects="stream")
def tools_role(view: View) -> Outcome:
    found = role_first(view)
    roles = _roles(view, view.deltas[0][0])
    return found or (f"the role is sent {len(roles)} times" if len(roles) > 1 else None)


@each("chat.stream.role-once", *TEXT_STREAMS, expects="stream")
def role_once(view: View) -> Outcome:
    for choice in {index for index, _ in view.deltas}:
        roles = _roles(view, choice)
        if len(roles) > 1:
            joined = "".join(map(str, roles[:2]))
            return f"the role is sent {len(roles)} times; openai-python makes {joined!r} of it"
    return None


@check("chat.stream.text", "chat.stream", expects="stream")
def text(view: View) -> Outcome:
    if any(view.streamed_text(0, key) for key in _TEXTS):
        return None
    return "no delta carries any text"


@each("chat.stream.fragments", *TEXT_STREAMS, "chat.max-completion-tokens", expects="stream")
def fragments(view: View) -> Outcome:
    pieces = [delta["content"] for index, delta in view.deltas if index == 0 and delta.get("content")]
    texts = [piece for piece in pieces if isinstance(piece, str)]
    return said_again(texts)


@each("chat.stream.whole-characters", *TEXT_STREAMS, expects="stream")
def whole_characters(view: View) -> Outcome:
    contents = [delta.get("content") for _, delta in view.deltas]
    broken = [text for text in contents if isinstance(text, str) and LOST in text]
    return f"a delta holds U+FFFD, where a character was cut in two: {shown(broken[0])}" if broken else None


@each("chat.stream.no-control-tokens", "chat.stream", expects="stream")
def no_control_tokens(view: View) -> Outcome:
    return control_token([view.streamed_text()])


@each("chat.stream.constant-strings", *STREAMS, expects="stream")
def constant_strings(view: View) -> Outcome:
    found: dict[tuple[int, str], list[str]] = {}
    for choice, delta in view.deltas:
        for name, value in delta.items():
            if name not in _OWN_CHECKS and isinstance(value, str) and value:
                found.setdefault((choice, name), []).append(value)
    for (_, name), values in found.items():
        if len(values) >= _MANY and len(set(values)) == 1:
            return f"`{name}` is {shown(values[0])} in {len(values)} deltas; openai-python joins them"
    return None


def _lists(view: View) -> Iterator[tuple[str, list[Any]]]:
    for _, delta in view.deltas:
        for name, value in delta.items():
            if name not in _OWN_CHECKS and isinstance(value, list) and value:
                yield name, value


@each("chat.stream.lists-indexed", *STREAMS, expects="stream")
def lists_indexed(view: View) -> Outcome:
    seen: set[str] = set()
    for name, entries in _lists(view):
        if name in seen and any(isinstance(e, dict) and not is_int(e.get("index")) for e in entries):
            return f"`{name}` comes again without `index`: {shown(entries)}; openai-python raises"
        seen.add(name)
    return None

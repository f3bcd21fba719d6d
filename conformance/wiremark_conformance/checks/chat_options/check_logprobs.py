"""`logprobs` and `top_logprobs`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.chat import TOP_LOGPROBS
from wiremark_conformance.values import is_int, listed, members, shown

_MANY = 3  # different tokens before the same alternatives for all are no accident

accepted("chat.logprobs.accepted", "chat.logprobs")


def _content(view: View) -> Any:
    logprobs = view.choices[0].get("logprobs")
    return members(logprobs).get("content")


def _entries(view: View) -> list[Mapping[str, Any]]:
    content = _content(view)
    if not isinstance(content, list) or not content:
        raise NotTestable("the answer has no log probabilities")
    return [members(entry) for entry in content]


def _alternatives(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = entry.get("top_logprobs")
    return [other for other in listed(found) if isinstance(other, dict)]


@check("chat.logprobs.present", "chat.logprobs")
def present(view: View) -> Outcome:
    if not view.content:
        raise NotTestable("the answer has no text")
    content = _content(view)
    if isinstance(content, list) and content:
        return None
    return Silent(f"`logprobs` is {shown(view.choices[0].get('logprobs'))}")


def _is_logprob(entry: Mapping[str, Any]) -> bool:
    value = entry.get("logprob")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return isinstance(entry.get("token"), str) and value <= 1e-6  # rounding of a certain token


@check("chat.logprobs.entries", "chat.logprobs")
def entries(view: View) -> Outcome:
    wrong = [entry for entry in _entries(view) if not _is_logprob(entry)]
    return f"an entry is {shown(wrong[0])}" if wrong else None


@check("chat.logprobs.bytes", "chat.logprobs")
def token_bytes(view: View) -> Outcome:
    for entry in [inner for outer in _entries(view) for inner in (outer, *_alternatives(outer))]:
        if "bytes" not in entry:
            return f"{shown(entry.get('token'))} has no `bytes`"
        found = entry["bytes"]
        if found is not None and not (isinstance(found, list) and all(is_int(byte) for byte in found)):
            return f"`bytes` of {shown(entry.get('token'))} is {shown(found)}"
    return None


@check("chat.logprobs.top", "chat.logprobs")
def top(view: View) -> Outcome:
    for entry in _entries(view):
        found = entry.get("top_logprobs")
        if not isinstance(found, list):
            return f"`top_logprobs` is {shown(found)}"
        if len(found) > TOP_LOGPROBS:
            return f"{len(found)} alternatives, {TOP_LOGPROBS} were asked for"
        if not all(isinstance(alternative, dict) and _is_logprob(alternative) for alternative in found):
            return f"`top_logprobs` is {shown(found)}"
    return None


@check("chat.logprobs.top-own", "chat.logprobs")
def top_own(view: View) -> Outcome:
    """Alternatives are what might have stood in the place of one token, so they differ."""
    found = _entries(view)
    tokens = {entry.get("token") for entry in found}
    told = {json.dumps(entry["top_logprobs"]) for entry in found if entry.get("top_logprobs")}
    if len(tokens) < _MANY or not told:
        raise NotTestable("there are too few tokens with alternatives")
    return "every token has the same alternatives" if len(told) == 1 else None


@check("chat.logprobs.text", "chat.logprobs")
def text(view: View) -> Outcome:
    """A token may be part of a character; then its text is not exact and its bytes are asked."""
    found = _entries(view)
    joined = "".join(str(entry.get("token", "")) for entry in found)
    if joined == view.content or "�" in joined or any("bytes:" in str(e.get("token")) for e in found):
        return None
    # An end token may be listed although it is no part of the text, and text may be trimmed.
    return (
        None
        if view.content.strip() in joined
        else f"the tokens are {shown(joined)}, the text {shown(view.content)}"
    )


def _chunk_entries(choice: Mapping[str, Any]) -> list[Any]:
    logprobs = choice.get("logprobs")
    content = members(logprobs).get("content")
    return listed(content)


@check("chat.logprobs.stream", "chat.logprobs.stream", expects="stream")
def stream(view: View) -> Outcome:
    """One entry per token over the whole stream, told once."""
    if not view.streamed_text():
        raise NotTestable("the stream has no text")
    found = [entry for choice in view.chunk_choices for entry in _chunk_entries(choice)]
    if not found:
        return Silent("no chunk of the stream has log probabilities")
    tokens = "".join(str(entry.get("token", "")) for entry in found if isinstance(entry, dict))
    if view.streamed_text().strip() not in tokens and "�" not in tokens and "bytes:" not in tokens:
        return f"the tokens of all chunks are {shown(tokens)}, the text {shown(view.streamed_text())}"
    repeats = len(tokens) >= 2 * len(view.streamed_text()) + 8
    return f"the chunks repeat each other's tokens: {shown(tokens)}" if repeats else None

"""Thinking blocks: there when asked for, signed, and taken back as they came."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.messages_thinking import THINKING
from wiremark_conformance.checks.messages_tools.check_turns import bad_request
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import Block, answer
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.values import is_text, shown

_KINDS = ("thinking", "redacted_thinking")

accepted("messages.thinking.accepted", "messages.thinking")
accepted("messages.thinking.round-trip", "messages.thinking.round-trip")
accepted("messages.thinking.adaptive", "messages.thinking.adaptive")
accepted("messages.thinking.disabled.accepted", "messages.thinking.disabled")

for _name in ("altered", "over-budget", "under-budget", "forced"):
    check(f"messages.thinking.{_name}", f"messages.thinking.{_name}", expects="refusal")(bad_request)


@each("messages.thinking.present", *THINKING)
def present(view: View) -> Outcome:
    said = answer(view)
    if any(block.type in _KINDS for block in said.blocks):
        return None
    return Silent(f"there is no thinking block: {shown([block.type for block in said.blocks])}")


def _thoughts(view: View) -> list[Block]:
    found = answer(view).of("thinking")
    if not found:
        raise NotTestable("there is no thinking block")
    return found


@each("messages.thinking.signature", *THINKING, "messages.thinking.omitted")
def signature(view: View) -> Outcome:
    for block in _thoughts(view):
        if not is_text(block.value.get("signature")):
            found = shown(block.value.get("signature"))
            return f"the `signature` of a thinking block is {found}; it cannot be sent back"
    return None


@each("messages.thinking.first", *THINKING)
def first(view: View) -> Outcome:
    kinds = [block.type for block in answer(view).blocks]
    if not any(kind in _KINDS for kind in kinds):
        raise NotTestable("there is no thinking block")
    return None if kinds[0] in _KINDS else f"the blocks come as {shown(kinds)}: thinking is not first"


@check("messages.thinking.stream.signature-last", "messages.thinking.stream", expects="stream")
def signature_last(view: View) -> Outcome:
    for block in _thoughts(view):
        kinds = [delta.get("type") for delta in block.deltas]
        if not kinds:
            raise NotTestable("the thinking block has no pieces")
        if kinds[-1] != "signature_delta":
            return f"the last piece of a thinking block is {shown(kinds[-1])}, not its signature"
    return None


@check("messages.thinking.disabled.none", "messages.thinking.disabled")
def disabled(view: View) -> Outcome:
    found = any(block.type in _KINDS for block in answer(view).blocks)
    return Silent("there is a thinking block, although thinking was disabled") if found else None


@check("messages.thinking.omitted", "messages.thinking.omitted")
def omitted(view: View) -> Outcome:
    told = [block for block in _thoughts(view) if block.value.get("thinking")]
    return Silent("the thinking is told, although it was to be omitted") if told else None

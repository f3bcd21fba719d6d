"""Token counts of a stream: told at its start, and again at its end, where they replace the first."""

from __future__ import annotations

from itertools import pairwise

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.messages_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import answer, of_type, start, usage_of
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import is_count, shown


@each("messages.stream.start-usage", *STREAMS, expects="stream")
def start_usage(view: View) -> Outcome:
    usage = start(view).get("usage")
    if not isinstance(usage, dict):
        return f"`usage` of the message_start is {shown(usage)}; SDKs break on it"
    wrong = [name for name in ("input_tokens", "output_tokens") if not is_count(usage.get(name))]
    return f"`usage.{wrong[0]}` of the message_start is {shown(usage.get(wrong[0]))}" if wrong else None


@each("messages.stream.delta-usage", *STREAMS, expects="stream")
def delta_usage(view: View) -> Outcome:
    deltas = of_type(view, "message_delta")
    if not deltas:
        raise NotTestable("there is no message_delta")
    wrong = [event.get("usage") for event in deltas if not is_count(usage_of(event).get("output_tokens"))]
    return f"`usage` of the message_delta is {shown(wrong[0])}; SDKs break on it" if wrong else None


@check("messages.stream.start-input", "messages.stream", expects="stream")
def start_input(view: View) -> Outcome:
    usage = usage_of(start(view))
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    if not is_count(usage.get("input_tokens")):
        raise NotTestable("the message_start has no integer `input_tokens`")
    return (
        None if any(usage.get(name) for name in names) else "the message_start counts no token of the prompt"
    )


@each("messages.stream.input-kept", *STREAMS, expects="stream")
def input_kept(view: View) -> Outcome:
    before = usage_of(start(view)).get("input_tokens")
    for event in of_type(view, "message_delta"):
        after = usage_of(event).get("input_tokens")
        if before and after == 0 and not isinstance(after, bool):
            return f"the message_delta has `input_tokens` 0, which replaces the {shown(before)} of the start"
    return None


@each("messages.stream.output-grows", *STREAMS, expects="stream")
def output_grows(view: View) -> Outcome:
    told = [usage_of(start(view)), *(usage_of(event) for event in of_type(view, "message_delta"))]
    counts = [usage["output_tokens"] for usage in told if is_count(usage.get("output_tokens"))]
    for early, late in pairwise(counts):
        if late < early:
            return f"`output_tokens` falls from {early} to {late}; they are cumulative"
    return None


@check("messages.stream.input-agrees", "messages.plain", "messages.stream")
def input_agrees(whole: View, stream: View) -> Outcome:
    if not stream.is_stream:
        raise NotTestable("the body is not an event stream")
    one, other = answer(whole).total_input, answer(stream).total_input
    return None if one == other else f"{one} tokens of the prompt plain, {other} streamed, for one question"

"""Streamed legacy completions: framed as chat streams are, with whole answers for chunks."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.chat.check_answer import in_seconds
from wiremark_conformance.checks.chat.check_usage import wrong_counts, wrong_total
from wiremark_conformance.checks.chat_stream import (
    check_chunks,
    check_finish,
    check_framing,
    check_terminator,
)
from wiremark_conformance.checks.completions.check_answer import FINISH_REASONS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.completions import PROMPTS
from wiremark_conformance.repeats import said_again
from wiremark_conformance.values import is_int, is_text, shown

STREAMS = ("completions.stream", "completions.stream.usage")
USAGE = "completions.stream.usage"

accepted("completions.stream.accepted", "completions.stream")
each("completions.stream.events", *STREAMS)(check_framing.events)
for _name, _function in (
    ("content-type", check_framing.content_type),
    ("complete", check_framing.complete),
    ("data-json", check_framing.data_json),
    ("no-empty-events", check_framing.no_empty_events),
    ("last-event-ended", check_framing.last_event_ended),
    ("done", check_terminator.done_once),
    ("done-exact", check_terminator.done_exact),
    ("done-last", check_terminator.done_last),
    ("id-constant", check_chunks.id_constant),
    ("finish", check_finish.finish),
    ("finish-once", check_finish.finish_once),
):
    each(f"completions.stream.{_name}", *STREAMS, expects="stream")(_function)


@each("completions.stream.chunk-object", *STREAMS, expects="stream")
def chunk_object(view: View) -> Outcome:
    for chunk in view.chunks:
        if chunk.get("object") != "text_completion":
            return f"a chunk's `object` is {shown(chunk.get('object'))}"
    return None


@each("completions.stream.chunk-fields", *STREAMS, expects="stream")
def chunk_fields(view: View) -> Outcome:
    for chunk in view.chunks:
        for name, right in (("id", is_text), ("created", is_int), ("model", is_text)):
            if not right(chunk.get(name)):
                return f"a chunk's `{name}` is {shown(chunk.get(name))}"
    return None


@each("completions.stream.choice-fields", *STREAMS, expects="stream")
def choice_fields(view: View) -> Outcome:
    for chunk in view.chunks:
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            return f"a chunk's `choices` is {shown(choices)}"
        for choice in choices:
            if not isinstance(choice, dict) or not is_int(choice.get("index")):
                return f"a choice of a chunk has no integer `index`: {shown(choice)}"
            if not isinstance(choice.get("text"), str):
                return f"`text` of a chunk is {shown(choice.get('text'))}"
    return None


@each("completions.stream.finish-enum", *STREAMS, expects="stream")
def finish_enum(view: View) -> Outcome:
    wrong = [r for reasons in view.finish_reasons.values() for r in reasons if r not in FINISH_REASONS]
    return f"the finish reason is {shown(wrong[0])}" if wrong else None


@each("completions.stream.fragments", *STREAMS, expects="stream")
def fragments(view: View) -> Outcome:
    for index in view.finish_reasons:
        mine = [choice for choice in view.chunk_choices if choice.get("index") == index]
        found = said_again([str(choice["text"]) for choice in mine if is_text(choice.get("text"))])
        if found:
            return f"choice {index}: {found}"
    return None


@check("completions.stream.usage-unasked", "completions.stream", expects="stream")
def usage_unasked(view: View) -> Outcome:
    found = any(chunk.get("choices") == [] and chunk.get("usage") for chunk in view.chunks)
    return "a usage chunk was sent without `include_usage`" if found else None


@check("completions.stream.created-seconds", "completions.stream", expects="stream")
def created_seconds(view: View) -> Outcome:
    return in_seconds(next(iter(view.chunks), {}).get("created"))


@check("completions.stream.prompts", USAGE, expects="stream")
def prompts(view: View) -> Outcome:
    found = sorted(view.finish_reasons)
    return None if found == list(range(len(PROMPTS))) else f"{len(PROMPTS)} prompts gave the choices {found}"


@check("completions.stream.usage.present", USAGE, expects="stream")
def usage_present(view: View) -> Outcome:
    if any(isinstance(chunk.get("usage"), dict) for chunk in view.chunks):
        return None
    return Silent("no chunk has a usage, although `include_usage` was set")


@check("completions.stream.usage.last", USAGE, expects="stream")
def usage_last(view: View) -> Outcome:
    found = [isinstance(chunk.get("usage"), dict) for chunk in view.chunks]
    if not any(found):
        raise NotTestable("the stream has no usage")
    return None if found[-1] else "chunks without a usage follow the last one that has it"


@check("completions.stream.usage.integers", USAGE, expects="stream")
def usage_integers(view: View) -> Outcome:
    return wrong_counts(view.usage) or wrong_total(view.usage)

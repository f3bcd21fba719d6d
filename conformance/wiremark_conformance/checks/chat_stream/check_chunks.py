"""Each chunk by itself, and what must be the same in all of them."""

from __future__ import annotations

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.chat.check_answer import in_seconds, shared_id
from wiremark_conformance.checks.chat_stream import STREAMS, TEXT_STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.shapes import type_violations
from wiremark_conformance.values import is_int, is_text, listed, shown

# Keys that have a check of their own; one fault should be told once.
_JUDGED_ELSEWHERE = frozenset(
    {
        "id",
        "object",
        "created",
        "model",
        "choices",
        "index",
        "delta",
        "role",
        "finish_reason",
        "type",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
    }
)


@each("chat.stream.chunk-object", *STREAMS, expects="stream")
def chunk_object(view: View) -> Outcome:
    for chunk in view.chunks:
        if chunk.get("object") != "chat.completion.chunk":
            return f"a chunk's `object` is {shown(chunk.get('object'))}; openai-python drops the chunk"
    return None


@each("chat.stream.chunk-fields", *STREAMS, expects="stream")
def chunk_fields(view: View) -> Outcome:
    for chunk in view.chunks:
        for name, right in (("id", is_text), ("created", is_int), ("model", lambda v: isinstance(v, str))):
            if not right(chunk.get(name)):
                return f"a chunk's `{name}` is {shown(chunk.get(name))}"
    return None


@each("chat.stream.chunk-types", *STREAMS, expects="stream")
def chunk_types(view: View) -> Outcome:
    found = type_violations("openai/chat.chunk", view.chunks, _JUDGED_ELSEWHERE)
    return "; ".join(str(violation) for violation in found[:3]) or None


@each("chat.stream.created-seconds", *TEXT_STREAMS, expects="stream")
def created_seconds(view: View) -> Outcome:
    return in_seconds(next(iter(view.chunks), {}).get("created"))


@check("chat.stream.id-unique", "chat.stream", "chat.stream.usage", expects="stream")
def id_unique(one: View, other: View) -> Outcome:
    first, second = (next(iter(view.chunks), {}).get("id") for view in (one, other))
    return shared_id(first, second)


def _varies(view: View, name: str) -> Outcome:
    values = dict.fromkeys(shown(chunk[name]) for chunk in view.chunks if chunk.get(name) is not None)
    return f"`{name}` is first {', then '.join(list(values)[:2])}" if len(values) > 1 else None


@each("chat.stream.id-constant", *STREAMS, expects="stream")
def id_constant(view: View) -> Outcome:
    return _varies(view, "id")


@each("chat.stream.created-constant", *STREAMS, expects="stream")
def created_constant(view: View) -> Outcome:
    return _varies(view, "created")


@each("chat.stream.model-constant", *STREAMS, expects="stream")
def model_constant(view: View) -> Outcome:
    return _varies(view, "model")


@each("chat.stream.choices-array", *STREAMS, expects="stream")
def choices_array(view: View) -> Outcome:
    for chunk in view.chunks:
        if not isinstance(chunk.get("choices"), list):
            return f"a chunk's `choices` is {shown(chunk.get('choices'))}"
    return None


@each("chat.stream.choice-fields", *STREAMS, expects="stream")
def choice_fields(view: View) -> Outcome:
    for chunk in view.chunks:
        choices = chunk.get("choices")
        for choice in listed(choices):
            if not isinstance(choice, dict) or not is_int(choice.get("index")):
                return f"a choice of a chunk has no integer `index`: {shown(choice)}"
            if not isinstance(choice.get("delta"), dict):
                return f"a choice of a chunk has `delta` {shown(choice.get('delta'))}"
    return None


@each("chat.stream.index-zero", *TEXT_STREAMS, "chat.tools.stream", expects="stream")
def index_zero(view: View) -> Outcome:
    if not view.chunk_choices:
        raise NotTestable("the stream has no choice")
    first = view.chunk_choices[0].get("index")
    return f"the first choice has the index {shown(first)}" if is_int(first) and first != 0 else None


@check("chat.stream.leading-choices", "chat.stream", expects="stream")
def leading_choices(view: View) -> Outcome:
    if not view.chunks:
        raise NotTestable("the stream has no chunk")
    return "the first chunk has `choices: []`" if view.chunks[0].get("choices") == [] else None

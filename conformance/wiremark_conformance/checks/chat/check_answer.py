"""The shape of a whole chat answer."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.shapes import schema_violations, type_violations
from wiremark_conformance.values import FINISH_REASONS, is_int, is_plausible_time, is_text, members, shown

ANSWERS = ("chat.plain", "chat.tools.forced", "chat.n", "chat.logprobs", "chat.json-schema")

# Keys that have a check of their own; one fault should be told once.
_JUDGED_ELSEWHERE = frozenset(
    {
        "id",
        "object",
        "created",
        "model",
        "choices",
        "index",
        "message",
        "role",
        "content",
        "finish_reason",
        "type",
        "function",
        "arguments",
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "token",
        "logprob",
        "bytes",
        "top_logprobs",
    }
)

accepted("chat.accepted", "chat.plain")


@each("chat.id", *ANSWERS)
def answer_id(view: View) -> Outcome:
    found = view.object.get("id")
    return None if is_text(found) else f"`id` is {shown(found)}"


@each("chat.object", *ANSWERS)
def answer_object(view: View) -> Outcome:
    found = view.object.get("object")
    return None if found == "chat.completion" else f"`object` is {shown(found)}"


@each("chat.created", *ANSWERS)
def created(view: View) -> Outcome:
    found = view.object.get("created")
    return None if is_int(found) else f"`created` is {shown(found)}"


def in_seconds(found: Any) -> Outcome:
    """Whether a time is one in Unix seconds; whether it is an integer at all is another question."""
    if not is_int(found):
        raise NotTestable("the time is not an integer")
    if is_plausible_time(found):
        return None
    return f"the time is {found}, which is none of this century in seconds"


def shared_id(first: Any, second: Any) -> Outcome:
    """Two requests, two answers; the same id can only be a counter's, or a constant."""
    return (
        f"two requests were answered under the id {shown(first)}"
        if is_text(first) and first == second
        else None
    )


@check("chat.created-seconds", "chat.plain")
def created_seconds(view: View) -> Outcome:
    return in_seconds(view.object.get("created"))


@each("chat.model", *ANSWERS)
def model(view: View) -> Outcome:
    found = view.object.get("model")
    return None if is_text(found) else f"`model` is {shown(found)}"


@each("chat.choices", *ANSWERS)
def choices(view: View) -> Outcome:
    found = view.object.get("choices")
    if isinstance(found, list) and found and all(isinstance(choice, dict) for choice in found):
        return None
    return f"`choices` is {shown(found)}"


@each("chat.choice.index", *ANSWERS)
def choice_index(view: View) -> Outcome:
    found = [choice.get("index") for choice in view.choices]
    if all(is_int(index) for index in found) and 0 in found:
        return None
    return f"the indexes of the choices are {shown(found)}"


@each("chat.message.object", *ANSWERS)
def message(view: View) -> Outcome:
    wrong = [choice for choice in view.choices if not isinstance(choice.get("message"), dict)]
    return f"`message` is {shown(wrong[0].get('message'))}" if wrong else None


@each("chat.message.role", *ANSWERS)
def role(view: View) -> Outcome:
    found = view.message.get("role")
    return None if found == "assistant" else f"`role` is {shown(found)}"


@each("chat.message.content", *ANSWERS)
def content(view: View) -> Outcome:
    found = view.message.get("content")
    return None if found is None or isinstance(found, str) else f"`content` is {shown(found)}"


_SAYS = ("content", "refusal", "tool_calls", "function_call", "reasoning_content", "reasoning", "audio")


@check("chat.message.not-empty", "chat.plain")
def not_empty(view: View) -> Outcome:
    if view.choices[0].get("finish_reason") != "stop":
        raise NotTestable("the answer did not end with `stop`")
    return (
        None if any(view.message.get(key) for key in _SAYS) else "the message ended with `stop` and is empty"
    )


@each("chat.finish-reason", *ANSWERS)
def finish_reason(view: View) -> Outcome:
    wrong = [c.get("finish_reason") for c in view.choices if c.get("finish_reason") not in FINISH_REASONS]
    return f"`finish_reason` is {shown(wrong[0])}" if wrong else None


@each("chat.finish-with-calls", *ANSWERS)
def finish_with_calls(view: View) -> Outcome:
    for choice in view.choices:
        message = members(choice.get("message"))
        if choice.get("finish_reason") == "tool_calls" and not message.get("tool_calls"):
            return "an answer without calls ends with `tool_calls`"
    return None


@each("chat.schema", "chat.plain", "chat.tools.forced")
def schema(view: View) -> Outcome:
    strict = schema_violations("openai/chat.response.strict", view.object)
    if not strict:
        return None
    below = set(schema_violations("openai/chat.response", view.object))  # has checks of its own
    found = [str(violation) for violation in strict if violation not in below]
    return "; ".join(found[:3]) or None


@each("chat.types", *ANSWERS)
def types(view: View) -> Outcome:
    found = type_violations("openai/chat.response", [view.object], _JUDGED_ELSEWHERE)
    return "; ".join(str(violation) for violation in found[:3]) or None


@check("chat.logprobs-unasked", "chat.plain")
def logprobs_unasked(view: View) -> Outcome:
    found = view.choices[0].get("logprobs")
    return f"`logprobs` is {shown(found)}" if found else None


@each("chat.no-error", "models.list", *ANSWERS)
def no_error(view: View) -> Outcome:
    return f"status {view.status} and `error` {shown(view.error)}" if view.error else None


@check("chat.not-a-stream", "chat.plain")
def not_a_stream(view: View) -> Outcome:
    if view.is_stream or view.media_type == "text/event-stream":
        return "a request without `stream` was answered with server-sent events"
    return None


@check("chat.id-unique", "chat.plain", "chat.content-parts")
def id_unique(one: View, other: View) -> Outcome:
    return shared_id(one.object.get("id"), other.object.get("id"))


@check("chat.stored", "chat.stored", expects="refusal")
def stored(view: View) -> Outcome:
    return None if view.status in {404, 405} else f"answered {view.status_line}{view.error_text}, not 404"

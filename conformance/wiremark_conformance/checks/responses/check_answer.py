"""A whole response: the object, its items and their parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from wiremark_schemas.registry import load

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.chat.check_answer import in_seconds
from wiremark_conformance.checks.responses import WHOLE
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.responses import STATUSES, items, parts, response, text
from wiremark_conformance.shapes import type_violations
from wiremark_conformance.values import is_text, shown

accepted("responses.accepted", "responses.plain")
accepted("responses.items-accepted", "responses.items")
accepted("responses.echo-back", "responses.echo-back")
accepted("responses.nulls", "responses.nulls")
accepted("responses.settings-accepted", "responses.settings")

_ITEM_TYPES = frozenset(load("openai/responses.item")["$defs"]["strict"]["properties"]["type"]["enum"])
_PUBLISHED = ("error", "incomplete_details", "instructions", "metadata", "temperature", "top_p")
# Keys that have a check of their own; one fault should be told once.
_JUDGED_ELSEWHERE = frozenset(
    {
        *("id", "object", "created_at", "model", "status", "output", "content", "role", "type", "text"),
        *("annotations", "call_id", "name", "arguments", "input", "summary", "usage", "logprobs"),
        *("input_tokens", "output_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"),
        *("input_tokens_details", "output_tokens_details"),
    }
)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(requirement: str, name: str, right: Callable[[Any], bool]) -> None:
    """The requirement on one key of every whole response."""

    def has(view: View) -> Outcome:
        found = view.object.get(name)
        return None if right(found) else f"`{name}` is {shown(found)}"

    each(requirement, *WHOLE)(has)


_key("responses.object", "object", lambda value: value == "response")
_key("responses.id", "id", is_text)
_key("responses.created-at", "created_at", is_number)
_key("responses.model", "model", lambda value: isinstance(value, str))
_key("responses.status", "status", lambda value: value in STATUSES)


@check("responses.created-seconds", "responses.plain")
def created_seconds(view: View) -> Outcome:
    return in_seconds(view.object.get("created_at"))


@each("responses.content-type", *WHOLE)
def content_type(view: View) -> Outcome:
    found = view.header("content-type")
    return None if view.media_type == "application/json" else f"the content-type is {shown(found)}"


@each("responses.output", *WHOLE)
def output(view: View) -> Outcome:
    found = view.object.get("output")
    if not isinstance(found, list):
        return f"`output` is {shown(found)}; `output_text` of the SDKs raises"
    wrong = [item for item in found if not isinstance(item, dict)]
    return f"an item of `output` is {shown(wrong[0])}" if wrong else None


@each("responses.required-keys", *WHOLE)
def required_keys(view: View) -> Outcome:
    keys = ("parallel_tool_calls", "tool_choice", "tools")
    missing = [name for name in keys if view.object.get(name) is None]
    return f"the response has no {' and no '.join(f'`{name}`' for name in missing)}" if missing else None


@each("responses.published-keys", *WHOLE)
def published_keys(view: View) -> Outcome:
    missing = [name for name in _PUBLISHED if name not in view.object]
    return f"the response has no {' and no '.join(f'`{name}`' for name in missing)}" if missing else None


@each("responses.types", *WHOLE)
def types(view: View) -> Outcome:
    found = type_violations("openai/responses.response", [view.object], _JUDGED_ELSEWHERE)
    return "; ".join(str(violation) for violation in found[:3]) or None


@check("responses.completed", "responses.plain")
def completed(view: View) -> Outcome:
    document = response(view)
    if document.get("status") == "incomplete":
        raise NotTestable("the answer did not fit into its budget")
    status, error = document.get("status"), document.get("error")
    if status == "completed" and error is None:
        return None
    return f"`status` is {shown(status)}, `error` is {shown(error)}, in a whole answer"


@each("responses.item-types", *WHOLE)
def item_types(view: View) -> Outcome:
    for item in items(view):
        kind = item.get("type")
        if not isinstance(kind, str) or (kind not in _ITEM_TYPES and ":" not in kind):
            return f"an item has the type {shown(kind)}; SDKs take it for a message"
    return None


@each("responses.item-ids", *WHOLE)
def item_ids(view: View) -> Outcome:
    counts = Counter(item["id"] for item in items(view) if isinstance(item.get("id"), str))
    twice = [name for name, number in counts.items() if number > 1]
    return f"{counts[twice[0]]} items have the id {shown(twice[0])}" if twice else None


_MESSAGE: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("id", is_text),
    ("role", lambda value: value == "assistant"),
    ("status", is_text),
    ("content", lambda value: isinstance(value, list)),
)


@each("responses.message", *WHOLE)
def message(view: View) -> Outcome:
    for item in items(view, "message"):
        for name, right in _MESSAGE:
            if not right(item.get(name)):
                return f"`{name}` of a message is {shown(item.get(name))}"
    return None


@each("responses.parts", *WHOLE)
def text_parts(view: View) -> Outcome:
    for part in parts(response(view)):
        kind = part.get("type")
        if kind not in ("output_text", "refusal"):
            return f"a part of a message has the type {shown(kind)}; `output_text` of the SDKs skips it"
        key = "text" if kind == "output_text" else "refusal"
        if not isinstance(part.get(key), str):
            return f"`{key}` of a part is {shown(part.get(key))}"
    return None


@each("responses.annotations", *WHOLE)
def annotated(view: View) -> Outcome:
    for part in parts(response(view)):
        found = part.get("annotations")
        if part.get("type") == "output_text" and not isinstance(found, list):
            return f"`annotations` of a text is {shown(found)}"
    return None


@each("responses.part-logprobs", *WHOLE)
def part_logprobs(view: View) -> Outcome:
    for part in parts(response(view)):
        if part.get("type") == "output_text" and "logprobs" not in part:
            return "a text has no `logprobs`, which the published form requires"
    return None


@check("responses.text", "responses.plain")
def has_text(view: View) -> Outcome:
    said = text(view) or any(part.get("refusal") for part in parts(response(view)))
    if not said and response(view).get("status") == "incomplete":
        raise NotTestable("the answer did not fit into its budget")
    return None if said else "no message says anything"


@check("responses.settings", "responses.settings")
def settings(view: View) -> Outcome:
    for name in ("temperature", "top_p", "metadata", "truncation", "parallel_tool_calls"):
        asked, found = view.asked.get(name), view.object.get(name)
        if found != asked:
            return f"`{name}` was {shown(asked)} in the request and is {shown(found)} in the response"
    return None


@check("responses.default-settings", "responses.plain")
def default_settings(view: View) -> Outcome:
    for name in ("temperature", "top_p", "truncation", "text", "reasoning", "store"):
        if view.object.get(name) is None:
            return f"`{name}` is {shown(view.object.get(name))}, not the default that was applied"
    return None


@check("responses.own-ids", "responses.plain", "responses.items")
def own_ids(one: View, other: View) -> Outcome:
    name = one.object.get("id")
    if not is_text(name):
        raise NotTestable("the response has no id")
    return f"two responses have the id {shown(name)}" if other.object.get("id") == name else None

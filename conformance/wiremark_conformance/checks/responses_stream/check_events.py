"""What each event holds, which names stay the same, and what the pieces add up to."""

from __future__ import annotations

from typing import Any

from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.responses_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.repeats import said_again
from wiremark_conformance.responses import (
    CALLS,
    LIFECYCLE,
    TERMINAL,
    events,
    items,
    of_type,
    response,
    response_of,
    streamed,
    text,
    told,
)
from wiremark_conformance.shapes import schema_violations, shape
from wiremark_conformance.values import is_number, is_text, shown

_TEXT = "response.output_text"
# What only the newest clients, or the published form alone, ask of an event; and what is judged elsewhere.
_SPARED = frozenset({"logprobs", "annotation", "response", "item", "part", "name", "sequence_number"})


@each("responses.stream.event-fields", *STREAMS, expects="stream")
def event_fields(view: View) -> Outcome:
    """The keys of each event beside the objects that it carries, which have checks of their own."""
    distinct = {shape({k: v for k, v in e.items() if k not in _SPARED}): e for e in events(view)}
    for event in distinct.values():
        if event.get("type") == "error" or not schema_violations("openai/responses.event", event):
            continue
        for violation in violations(validator("openai/responses.event"), event):
            spared = violation.pointer.split("/")[1:2]
            missing = violation.expected.removeprefix("the key ").strip("`'\"")
            if not _SPARED & {*spared, missing}:
                return f"a {shown(event.get('type'))}: {violation}"
    return None


@each("responses.stream.carries", *STREAMS, expects="stream")
def carries(view: View) -> Outcome:
    """Lifecycle events carry the response, those of items the item, those of parts the part."""
    for event in events(view):
        kind = str(event.get("type"))
        wanted = "response" if kind in LIFECYCLE else None
        wanted = "item" if kind.startswith("response.output_item.") else wanted
        wanted = "part" if "_part." in kind else wanted
        if wanted and not isinstance(event.get(wanted), dict):
            return f"`{wanted}` of a `{kind}` is {shown(event.get(wanted))}"
    return None


@each("responses.stream.delta-logprobs", *STREAMS, expects="stream")
def delta_logprobs(view: View) -> Outcome:
    for event in of_type(view, f"{_TEXT}.delta", f"{_TEXT}.done"):
        if not isinstance(event.get("logprobs"), list):
            return f"`logprobs` of a `{event['type']}` is {shown(event.get('logprobs'))}"
    return None


@each("responses.stream.created-empty", *STREAMS, expects="stream")
def created_empty(view: View) -> Outcome:
    for event in of_type(view, "response.created"):
        found = response_of(event).get("output")
        if found != []:
            return f"`output` of the response that is created is {shown(found)}"
    return None


@each("responses.stream.response-fields", *STREAMS, expects="stream")
def response_fields(view: View) -> Outcome:
    for event in of_type(view, *LIFECYCLE):
        document = response_of(event)
        for name, right in (
            ("id", is_text),
            ("object", lambda v: v == "response"),
            ("created_at", is_number),
            ("model", is_text),
        ):
            if not right(document.get(name)):
                return f"`{name}` of the response in `{event['type']}` is {shown(document.get(name))}"
    return None


@each("responses.stream.id-constant", *STREAMS, expects="stream")
def id_constant(view: View) -> Outcome:
    names = dict.fromkeys(shown(response_of(event).get("id")) for event in of_type(view, *LIFECYCLE))
    return f"the response's id is first {', then '.join(list(names)[:2])}" if len(names) > 1 else None


_BEGINNINGS: dict[str, dict[str, Any]] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
}


@each("responses.stream.item-begins", *STREAMS, expects="stream")
def item_begins(view: View) -> Outcome:
    for item in (entry.added for entry in streamed(view) if entry.added is not None):
        for name, empty in _BEGINNINGS.get(str(item.get("type")), {}).items():
            if not isinstance(item.get(name), type(empty)):
                return f"`{name}` of the {item['type']} that is added is {shown(item.get(name))}"
        if not is_text(item.get("id")):
            return f"`id` of the {shown(item.get('type'))} that is added is {shown(item.get('id'))}"
        if str(item.get("type")) in CALLS:
            for name in ("call_id", "name"):
                if not is_text(item.get(name)):
                    return f"`{name}` of the {item['type']} that is added is {shown(item.get(name))}"
    return None


@each("responses.stream.item-identity", *STREAMS, expects="stream")
def item_identity(view: View) -> Outcome:
    seen: dict[Any, str] = {}
    for entry in streamed(view):
        if entry.added is None:
            continue
        name = entry.added.get("id")
        if is_text(name) and seen.setdefault(name, entry.index) != entry.index:
            return f"two items have the id {shown(name)}"
        for key in ("id", "call_id", "type"):
            before = entry.added.get(key)
            after = entry.done.get(key) if entry.done is not None else before
            if before != after:
                return (
                    f"`{key}` of item {entry.index} is {shown(before)} when added, {shown(after)} when done"
                )
    return None


@each("responses.stream.item-id", *STREAMS, expects="stream")
def item_id(view: View) -> Outcome:
    names = {entry.index: entry.added.get("id") for entry in streamed(view) if entry.added is not None}
    for event in events(view):
        index = repr(event.get("output_index"))
        if "item_id" in event and index in names and event["item_id"] != names[index]:
            return (
                f"`item_id` of a `{event.get('type')}` is {shown(event['item_id'])}, "
                f"the item's id is {shown(names[index])}"
            )
    return None


# -- what the pieces add up to ----------------------------------------------------------------------------


@each("responses.stream.done-texts", *STREAMS, expects="stream")
def done_texts(view: View) -> Outcome:
    for one in told(view):
        if one.whole is not None and one.whole != one.joined:
            return f"{one.family}.done says {shown(one.whole)}, the deltas say {shown(one.joined)}"
    return None


@each("responses.stream.text-done", *STREAMS, expects="stream")
def text_done(view: View) -> Outcome:
    for one in told(view):
        if one.pieces and not isinstance(one.whole, str):
            return f"there is no `{one.family}.done` after {len(one.pieces)} deltas"
    return None


@each("responses.stream.final-text", *STREAMS, expects="stream")
def final_text(view: View) -> Outcome:
    said = "".join(one.joined for one in told(view, _TEXT))
    final = text(view)
    return None if said == final else f"the deltas say {shown(said)}, the last response {shown(final)}"


@each("responses.stream.final-items", *STREAMS, expects="stream")
def final_items(view: View) -> Outcome:
    """Ids and types of the items that were streamed stand in the response at the end."""
    final = items(view)
    for position, entry in enumerate(streamed(view)):
        item = entry.done or entry.added or {}
        if position >= len(final):
            return f"{len(streamed(view))} items were streamed, the last response has {len(final)}"
        for key in ("type", "id", "call_id"):
            if item.get(key) != final[position].get(key):
                return (
                    f"`{key}` of item {position} was streamed as {shown(item.get(key))}, "
                    f"and is {shown(final[position].get(key))} in the end"
                )
    return None


@each("responses.stream.final-done", *STREAMS, expects="stream")
def final_done(view: View) -> Outcome:
    """What an item held when it was done it holds in the end."""
    final = {item.get("id"): item for item in items(view) if is_text(item.get("id"))}
    for entry in streamed(view):
        item = entry.done or {}
        other = final.get(str(item.get("id")))
        for key in ("content", "arguments", "input", "summary"):
            if other is not None and key in item and item[key] != other.get(key):
                return f"`{key}` of an item differs between its end and that of the response"
    return None


@check("responses.stream.text", "responses.stream", expects="stream")
def has_text(view: View) -> Outcome:
    if any(one.joined for one in told(view, _TEXT, "response.refusal")):
        return None
    if response(view).get("status") == "incomplete":
        raise NotTestable("the answer did not fit into its budget")
    return "no delta carries any text"


@each("responses.stream.pieces", "responses.stream", "responses.reasoning.stream", expects="stream")
def pieces(view: View) -> Outcome:
    for one in told(view):
        texts = [piece for piece in one.pieces if piece]
        if found := said_again(texts):
            return found
    return None


@each("responses.stream.final-status", *STREAMS, expects="stream")
def final_status(view: View) -> Outcome:
    """The items of a response that is complete are so too."""
    if of_type(view, *TERMINAL) and response(view).get("status") != "completed":
        raise NotTestable("the response is not complete")
    for item in items(view):
        if item.get("status") == "in_progress":
            return f"a {item.get('type')} of the complete response is still in progress"
    return None

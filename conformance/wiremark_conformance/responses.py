"""An answer of the Responses format, whole or streamed, as its clients put it together.

Nothing here judges. What is not there raises NotTestable: that it is missing is another check's finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.values import is_count, listed, members

STATUSES = ("completed", "failed", "in_progress", "cancelled", "queued", "incomplete")
TERMINAL = ("response.completed", "response.incomplete", "response.failed")
LIFECYCLE = ("response.created", "response.queued", "response.in_progress", *TERMINAL)
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}  # type of item → the key of its text

_REMEMBERED = 32  # streams; each is looked at by many checks in a row

Event = Mapping[str, Any]
Item = Mapping[str, Any]


@lru_cache(maxsize=_REMEMBERED)
def events(view: View) -> tuple[Event, ...]:
    """The JSON objects of a stream."""
    return tuple(frame.value for frame in view.before_done if isinstance(frame.value, dict))


def of_type(view: View, *names: str) -> list[Event]:
    """The events of these types."""
    return [event for event in events(view) if event.get("type") in names]


def response_of(event: Event) -> Mapping[str, Any]:
    """The response that a lifecycle event carries, or an empty one."""
    found = event.get("response")
    return members(found)


def response(view: View) -> Mapping[str, Any]:
    """The response of a whole answer, or the last one of a stream; not one that failed."""
    found = _ended(view) if view.is_stream else view.object
    if found.get("status") in ("failed", "cancelled"):
        raise NotTestable(f"the response of {view.probe} {found['status']}: {str(found.get('error'))[:160]}")
    return found


def _ended(view: View) -> Mapping[str, Any]:
    ends = of_type(view, *TERMINAL)
    if not ends:
        raise NotTestable(f"the stream of {view.probe} does not tell its end")
    return response_of(ends[-1])


def items_of(document: Mapping[str, Any]) -> list[Item]:
    """The output items of a response as far as they are objects."""
    output = document.get("output")
    return [item for item in listed(output) if isinstance(item, dict)]


def items(view: View, *kinds: str) -> list[Item]:
    """The output items of these types, or of all."""
    return [item for item in items_of(response(view)) if not kinds or item.get("type") in kinds]


def parts(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of all messages of a response."""
    for item in items_of(document):
        content = item.get("content")
        if item.get("type") == "message" and isinstance(content, list):
            yield from (part for part in content if isinstance(part, dict))


def text(view: View) -> str:
    """What the messages say, joined as the SDKs' `output_text` is."""
    said = (part.get("text") for part in parts(response(view)) if part.get("type") == "output_text")
    return "".join(piece for piece in said if isinstance(piece, str))


def calls(view: View, kind: str = "function_call") -> list[Item]:
    """The calls of tools; at least one."""
    found = items(view, kind)
    if not found:
        raise NotTestable(f"the response of {view.probe} has no {kind}")
    return found


def usage(view: View) -> Mapping[str, Any]:
    found = response(view).get("usage")
    if not isinstance(found, dict):
        raise NotTestable(f"the response of {view.probe} has no usage")
    return found


def count(view: View, name: str) -> int:
    """A token count."""
    value = usage(view).get(name)
    if not is_count(value):
        raise NotTestable(f"the usage of {view.probe} has no integer {name}")
    return int(value)


@dataclass(slots=True)
class Streamed:
    """An item as a stream told it; None or "" for what it did not tell.

    index: as it was sent, as text; deltas and wholes by the rest of the event's name and its part
    """

    index: str
    added: Item | None = None
    done: Item | None = None


def streamed(view: View) -> tuple[Streamed, ...]:
    """The items that were added or done, in order of appearance."""
    found: dict[str, Streamed] = {}
    for event in of_type(view, "response.output_item.added", "response.output_item.done"):
        index = repr(event.get("output_index"))
        entry = found.setdefault(index, Streamed(index))
        item = event.get("item") if isinstance(event.get("item"), dict) else {}
        if event["type"].endswith(".added"):
            entry.added = item
        else:
            entry.done = item
    return tuple(found.values())


# Family of events that tell a text → the key in which `.done` has the whole of it, the key of its part.
TEXTS: Mapping[str, tuple[str, str | None]] = {
    "response.output_text": ("text", "content_index"),
    "response.refusal": ("refusal", "content_index"),
    "response.reasoning_text": ("text", "content_index"),
    "response.reasoning_summary_text": ("text", "summary_index"),
    "response.function_call_arguments": ("arguments", None),
    "response.custom_tool_call_input": ("input", None),
}


@dataclass(slots=True)
class Told:
    """One text that a stream told in pieces; `whole` is None when it was not told as a whole."""

    family: str
    pieces: list[str]
    whole: Any = None

    @property
    def joined(self) -> str:
        return "".join(self.pieces)


def told(view: View, *families: str) -> tuple[Told, ...]:
    """The texts of these families, or of all, in order of appearance."""
    found: dict[tuple[str, str, str], Told] = {}
    for event in events(view):
        family, _, step = str(event.get("type")).rpartition(".")
        if family not in (families or TEXTS) or step not in ("delta", "done"):
            continue
        key, part = TEXTS[family]
        where = (family, repr(event.get("output_index")), repr(event.get(part)) if part else "")
        entry = found.setdefault(where, Told(family, []))
        if step == "done":
            entry.whole = event.get(key)
        elif isinstance(event.get("delta"), str):
            entry.pieces.append(event["delta"])
    return tuple(found.values())

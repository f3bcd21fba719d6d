"""The order of a stream's events: any kind of them left out, repeated, moved or cut in two."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from wiremark_server.faults.change import both, has, kind, lacks, rearranged
from wiremark_server.faults.edit import Where
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.frames import Frame

Kind = Callable[[Frame], str]
Rearrange = Callable[[list[Frame], str, Kind], Iterable[Frame]]


def _drop(held: list[Frame], name: str, kind: Kind) -> Iterable[Frame]:
    return [frame for frame in held if kind(frame) != name]


def _repeat(held: list[Frame], name: str, kind: Kind) -> Iterable[Frame]:
    return [frame for f in held for frame in ((f, f) if kind(f) == name else (f,))]


def _swap(held: list[Frame], name: str, kind: Kind) -> Iterable[Frame]:
    """The first of a kind changes places with what follows it."""
    out = list(held)
    at = next((i for i, frame in enumerate(out) if kind(frame) == name), None)
    if at is not None and at + 1 < len(out):
        out[at], out[at + 1] = out[at + 1], out[at]
    return out


def _to_front(held: list[Frame], name: str, kind: Kind) -> Iterable[Frame]:
    return sorted(held, key=lambda frame: kind(frame) != name)


def _to_end(held: list[Frame], name: str, kind: Kind) -> Iterable[Frame]:
    return sorted(held, key=lambda frame: kind(frame) == name)


def _split(held: list[Frame], name: str, kind: Kind) -> Iterable[Frame]:
    """Each of a kind is cut in two in the middle of its data."""
    for frame in held:
        if kind(frame) == name:
            data = frame.data
            half = len(data) // 2
            yield from (Frame(text=data[:half]), Frame(text=data[half:]))
        else:
            yield frame


OPERATIONS: Mapping[str, tuple[str, Rearrange]] = {
    "dropped": ("are left out", _drop),
    "repeated": ("come twice", _repeat),
    "swapped": ("change places with what follows", _swap),
    "first": ("come first", _to_front),
    "last": ("come last", _to_end),
    "split": ("are cut in two", _split),
}
_STREAM_KINDS: Mapping[str, tuple[Where, tuple[str, ...]]] = {
    "text": (
        lacks("tools", "n", "max_completion_tokens"),
        ("role", "content", "finish", "usage", "done"),
    ),
    "tools": (
        both(has("tools"), lacks("parallel_tool_calls")),
        ("role", "call", "arguments", "finish", "done"),
    ),
}
_SAME = "nothing is moved by it"
_UNKNOWN = "nobody but the model knows which words it wanted to say, and how often"
_JSON = ("chat.stream.data-json",)
_LATE = ("chat.stream.done-last",)
_ARGUMENTS = ("chat.tools.stream.arguments-json",)
_IDENTITY = ("chat.tools.stream.id", "chat.tools.stream.name")
# Stream, kind of event and operation → what catches it, or why nobody can.
_ORDER: Mapping[str, tuple[str, ...] | str] = {
    "text.role.dropped": ("chat.stream.role",),
    "text.role.repeated": ("chat.stream.role-once",),
    "text.role.swapped": ("chat.stream.role",),
    "text.role.first": _SAME,
    "text.content.dropped": ("chat.stream.text",),
    "text.content.repeated": _UNKNOWN,
    "text.content.swapped": _UNKNOWN,
    "text.content.first": ("chat.stream.role",),
    "text.finish.dropped": ("chat.stream.finish",),
    "text.finish.repeated": ("chat.stream.finish-once",),
    "text.finish.swapped": ("chat.stream.usage.last",),
    "text.finish.first": ("chat.stream.after-finish",),
    "text.usage.dropped": ("chat.stream.usage.present",),
    "text.usage.repeated": "the last one counts, and clients keep it",
    "text.usage.first": ("chat.stream.usage.last",),
    "text.done.dropped": ("chat.stream.done",),
    "text.done.repeated": ("chat.stream.done",),
    "text.done.swapped": _SAME,
    "text.done.last": _SAME,
    "tools.role.dropped": ("chat.tools.stream.role",),
    "tools.role.repeated": ("chat.tools.stream.role",),
    "tools.role.swapped": ("chat.tools.stream.role",),
    "tools.role.first": _SAME,
    "tools.call.dropped": _IDENTITY,
    "tools.call.repeated": ("chat.tools.stream.identity-once",),
    "tools.call.swapped": _IDENTITY,
    "tools.call.first": ("chat.tools.stream.role",),
    "tools.arguments.dropped": _ARGUMENTS,
    "tools.arguments.repeated": _ARGUMENTS,
    "tools.arguments.swapped": _ARGUMENTS,
    "tools.arguments.first": _IDENTITY,
    "tools.finish.dropped": ("chat.tools.stream.finish-reason",),
    "tools.finish.repeated": "clients take the last one, and here both are the same",
    "tools.finish.swapped": "only the end of text streams is looked at so closely",
    "tools.finish.first": ("chat.stream.after-finish",),
    "tools.done.dropped": ("chat.tools.stream.done",),
    "tools.done.repeated": ("chat.tools.stream.done",),
    "tools.done.swapped": _SAME,
    "tools.done.last": _SAME,
}
_EACH: Mapping[str, tuple[str, ...]] = {  # whatever kind of event it is
    "split": _JSON,
    "last": _LATE,
    "swapped": _LATE,
    "first": _LATE,
}
_ALLOWS = ("chat.stream.*", "chat.tools.*", "billing.stream.*")


def faults() -> Iterator[Fault]:
    for stream, (where, kinds) in _STREAM_KINDS.items():
        for event in kinds:
            for name, (says, operation) in OPERATIONS.items():
                owed = _ORDER.get(f"{stream}.{event}.{name}") or _EACH[name]
                if isinstance(owed, str):
                    continue
                yield Fault(
                    f"order.{stream}.{event}.{name}",
                    "stream",
                    f"In streams of {stream} the {event} events {says}.",
                    (rearranged(lambda held, op=operation, ev=event: op(held, ev, kind), where),),  # type: ignore[misc]
                    owed,
                    _ALLOWS,
                    derived=True,
                )

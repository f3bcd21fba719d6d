"""Changes to the answers of a good endpoint, for tables of tests."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Change = Callable[[Any], object]


def together(*changes: Change) -> Change:
    """All of them."""
    return lambda w: [change(w) for change in changes]


def status(probe: str, value: int) -> Change:
    """Another status, with the same body."""
    return lambda w: setattr(w[probe], "status", value)


def body(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body.update(values)


def raw(probe: str, value: Any) -> Change:
    """Another body: bytes, or a JSON value."""
    return lambda w: setattr(w[probe], "body", value)


def choice(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].choice.update(values)


def message(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].message.update(values)


def usage(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["usage"].update(values)


def without(probe: str, *path: Any) -> Change:
    """A member of the body taken out; the path to it, names and places."""

    def apply(world: Any) -> None:
        found = world[probe].body
        for step in path[:-1]:
            found = found[step]
        del found[path[-1]]

    return apply


def error(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["error"].update(values)


def header(probe: str, name: str, value: str | None) -> Change:
    """A header with another value, or none."""

    def apply(world: Any) -> None:
        world[probe].headers.pop(name, None)
        if value is not None:
            world[probe].headers[name] = value

    return apply


def header_of_these(name: str, kept: dict[str, str]) -> Change:
    """A header that no answers have but these, each with its value."""

    def apply(world: Any) -> None:
        for probe, answer in ((probe, world[probe]) for probe in list(world.answers)):
            answer.headers.pop(name, None)
            if probe in kept:
                answer.headers[name] = kept[probe]

    return apply


def stream(probe: str, *chunks: Any) -> Change:
    """Other chunks in the place of all."""
    return lambda w: setattr(w[probe], "chunks", list(chunks))


def inserted(probe: str, position: int, *chunks: Any) -> Change:
    return lambda w: w.chunks(probe).__setitem__(slice(position, position), list(chunks))


def delta(probe: str, position: int, **values: Any) -> Change:
    return lambda w: w[probe].delta(position).update(values)


def ending(probe: str, reason: Any) -> Change:
    """Another finish reason of a stream, wherever it has one."""

    def apply(world: Any) -> None:
        for chunk in world.chunks(probe):
            for one in chunk["choices"] if isinstance(chunk, dict) else ():
                one["finish_reason"] = one["finish_reason"] and reason

    return apply


def answered_as(probe: str, other: str) -> Change:
    """The answer of another probe."""
    return lambda w: w.answers.update({probe: copy.deepcopy(w[other])})


def declined(probe: str, code: int = 400) -> Change:
    """A refusal in the form of OpenAI's."""
    found = {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}

    def apply(world: Any) -> None:
        answer = world[probe]
        answer.status, answer.body, answer.chunks = code, {"error": found}, None

    return apply


def arriving(probe: str, step: int, at_ns: Callable[[int], int]) -> Change:
    """Other times of the bytes, `step` of them at once."""
    return lambda w: w[probe].__dict__.update(step=step, at_ns=at_ns)

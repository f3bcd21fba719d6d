"""Streams: the usage in their last chunk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wiremark_server.faults.change import (
    ask_with,
    ask_without,
    both,
    has,
    kind,
    lacks,
    of,
    put,
    rearranged,
    take,
    values,
)
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame

_fault = named("chat.stream")
_USAGE = both(has("stream_options"), lacks("tools"))


def _usage_onto_finish(held: list[Frame]) -> Iterable[Frame]:
    """The usage rides on the last chunk that has a choice; there is no chunk of its own."""
    usage = next((f.value["usage"] for f in held if kind(f) == "usage"), None)
    for frame in held:
        if kind(frame) == "finish":
            frame.value["usage"] = usage
    return [f for f in held if kind(f) != "usage"]


def _usage_before_finish(held: list[Frame]) -> Iterable[Frame]:
    usage = [f for f in held if kind(f) == "usage"]
    rest = [f for f in held if kind(f) != "usage"]
    position = next(i for i, f in enumerate(rest) if kind(f) == "finish")
    return [*rest[:position], *usage, *rest[position:]]


def _more_prompt(document: Any) -> Any:
    document["usage"]["prompt_tokens"] += 1
    document["usage"]["total_tokens"] += 1
    return document


TABLE: tuple[Fault, ...] = (
    _fault(
        "usage-unasked",
        "stream",
        "A usage chunk is sent to all.",
        ask_with(both(has("stream"), lacks("stream_options")), stream_options={"include_usage": True}),
        catches=("chat.stream.usage-unasked",),
        bug="usage-chunk-unrequested",
    ),
    _fault(
        "usage-ignored",
        "semantics",
        "`include_usage` is not looked at.",
        ask_without("stream_options"),
        catches=("chat.stream.usage.present",),
        bug="stream-usage-ignored",
    ),
    _fault(
        "usage-early",
        "stream",
        "The usage comes before the last words.",
        rearranged(_usage_before_finish, where=_USAGE),
        catches=("chat.stream.usage.last",),
        bug="usage-chunk-not-last",
    ),
    _fault(
        "usage-on-finish",
        "stream",
        "The usage rides on the last chunk that has a choice.",
        rearranged(_usage_onto_finish, where=_USAGE),
        catches=("chat.stream.usage.empty-choices",),
        bug="usage-on-choice-chunk",
    ),
    _fault(
        "usage-without-choices",
        "stream",
        "The usage chunk has no `choices`.",
        values(of("usage"), take("/choices"), where=_USAGE),
        catches=("chat.stream.usage.empty-choices", "chat.stream.choices-array"),
        bug="usage-chunk-choices-missing",
    ),
    _fault(
        "usage-text",
        "stream",
        "The counts of a usage chunk are texts.",
        values(of("usage"), put("/usage/prompt_tokens", "20"), where=_USAGE),
        catches=("chat.stream.usage.integers",),
    ),
    _fault(
        "usage-null",
        "stream",
        "A count of the usage chunk is null.",
        values(of("usage"), put("/usage/completion_tokens", None), where=_USAGE),
        catches=("chat.stream.usage.integers",),
        bug="usage-field-null-or-missing",
    ),
    _fault(
        "usage-total",
        "stream",
        "The total of a usage chunk is not the sum.",
        values(of("usage"), put("/usage/total_tokens", lambda n: n + 1), where=_USAGE),
        catches=("chat.stream.usage.total",),
        bug="usage-inconsistent-counts",
    ),
    _fault(
        "usage-prompt-differs",
        "stream",
        "Streams count one prompt token more.",
        values(of("usage"), lambda d: _more_prompt(d), where=_USAGE),
        catches=("chat.stream.usage.prompt-agrees",),
        allows=("billing.stream.*",),
        bug="usage-inconsistent-counts",
    ),
)

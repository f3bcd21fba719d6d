"""Walking a table of order: every rule shown to be broken, and nothing said of what keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_conformance.order import walk
from wiremark_schemas import streams

TABLE = streams.read(
    """
wiremark: stream/1
name: made.up
title: Items of parts
source: https://example.invalid
type: /type
anywhere: [ping]
failure: [error]
spans:
  whole: {opened_by: [start], closed_by: [stop]}
  item:
    within: whole
    key: [/i]
    numbered: /i
    alone: true
    opened_by: [item]
    closed_by: [end]
    variants: {of: /kind, piece: /piece, pieces: {a: [x], b: [y]}}
  part: {within: item, key: [/i, /p], continued_by: [text], closed_by: [done]}
moments:
  note: {within: whole, required: true, after: [item]}
""",
    "made-up.yaml",
)


def _walk(*events: str) -> list[tuple[str, str, int]]:
    return [(b.kind, b.subject, b.position) for b in walk(TABLE, [_event(text) for text in events])]


def _event(text: str) -> dict[str, Any]:
    """`item i=0 kind=a` as an event."""
    name, *fields = text.split()
    values = dict(field.split("=") for field in fields)
    return {"type": name, **{k: int(v) if v.isdigit() else v for k, v in values.items()}}


GOOD = ("start", "item i=0", "text i=0 p=0", "text i=0 p=0", "done i=0 p=0", "end i=0", "note", "stop")


@pytest.mark.parametrize(
    "events",
    [
        GOOD,
        ("ping", *GOOD, "ping"),
        ("start", "note", "stop"),
        (
            "start",
            "item i=0",
            "end i=0",
            "item i=1",
            "text i=1 p=0",
            "done i=1 p=0",
            "end i=1",
            "note",
            "stop",
        ),
        ("start", "item i=0", "text i=0 p=0", "error"),
        ("error",),
    ],
)
def test_what_keeps_the_order_is_not_mentioned(events: tuple[str, ...]) -> None:
    assert _walk(*events) == []


@pytest.mark.parametrize(
    ("events", "breach"),
    [
        (("start", "huh", "note", "stop"), ("unknown", "huh", 1)),
        (("note", *GOOD), ("unopened", "whole", 0)),
        (("note", *GOOD), ("late", "whole", 1)),
        (("start", "start", "note", "stop"), ("repeated", "whole", 1)),
        (("start", "item i=0", "end i=0", "item i=0", "end i=0", "note", "stop"), ("repeated", "item", 3)),
        (
            ("start", "item i=0", "item i=1", "end i=1", "end i=0", "note", "stop"),
            ("overlapping", "item", 2),
        ),
        (("start", "item i=1", "end i=1", "note", "stop"), ("number", "item", 1)),
        (("start", "item i=x", "end i=x", "note", "stop"), ("number", "item", 1)),
        (("start", "text i=0 p=0", "done i=0 p=0", "end i=0", "note", "stop"), ("unopened", "item", 1)),
        (("start", "end i=0", "note", "stop"), ("unopened", "item", 1)),
        (
            ("start", "item i=0", "text i=0 p=0", "done i=0 p=0", "text i=0 p=0", "end i=0", "note", "stop"),
            ("unopened", "part", 4),
        ),
        (("start", "item i=0", "note", "end i=0", "stop"), ("early", "note", 2)),
        (("start", "item i=0", "note", "stop"), ("unclosed", "item", 3)),
        (("start", "item i=0", "text i=0 p=0", "end i=0", "note", "stop"), ("unclosed", "part", 3)),
        (("start", "item i=0", "end i=0", "stop"), ("missing", "note", 3)),
        (("start", "note"), ("unfinished", "whole", 2)),
        ((), ("unfinished", "whole", 0)),
        ((*GOOD, "note"), ("after-end", "note", 8)),
        (("start", "error", "stop"), ("after-end", "stop", 2)),
    ],
)
def test_every_rule_is_told_when_it_is_broken(events: tuple[str, ...], breach: tuple[str, str, int]) -> None:
    assert breach in _walk(*events)


def test_a_late_opener_is_told() -> None:
    table = streams.load("anthropic.messages")
    block = {"type": "content_block_start", "index": 0}
    found = walk(table, [block, {"type": "message_start"}])
    assert [breach.kind for breach in found][:2] == ["unopened", "late"]


def test_a_piece_that_does_not_fit_its_span_is_told() -> None:
    table = streams.load("anthropic.messages")

    def pieces(*kinds: str) -> list[str]:
        events: list[dict[str, Any]] = [
            {"type": "message_start"},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
            *({"type": "content_block_delta", "index": 0, "delta": {"type": kind}} for kind in kinds),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta"},
            {"type": "message_stop"},
        ]
        return [breach.message for breach in walk(table, events)]

    assert pieces("text_delta", "citations_delta", "a_new_delta") == []
    assert pieces("text_delta", "input_json_delta") == [
        "event 4: `input_json_delta` came for the block 0 of the type `text`"
    ]


@pytest.mark.parametrize("junk", [{}, {"type": 1}, {"type": "item", "i": []}, {"type": "end", "i": {"a": 1}}])
def test_junk_breaks_nothing(junk: dict[str, Any]) -> None:
    walk(TABLE, [junk, {"type": "start"}, junk, {"type": "stop"}])

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
  whole: {opened_by: [start], closed_by: [stop, halt]}
  item:
    within: whole
    key: [/i]
    numbered: /i
    alone: true
    opened_by: [item]
    closed_by: [end]
  part:
    within: item
    key: [/i, /p]
    continued_by: [text]
    closed_by: [done]
    variants: {of: /kind, piece: /piece, pieces: {a: [x], b: [y]}}
  leaf: {within: item, key: [/i, /l], numbered: /l, opened_by: [leaf], closed_by: [fallen]}
moments:
  note: {within: whole, required: true, after: [item]}
""",
    "made-up.yaml",
)


def _walk(*events: str) -> list[tuple[str, str, str]]:
    return [(b.kind, b.subject, b.message) for b in walk(TABLE, [_event(text) for text in events])]


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
        ("start", "item i=0", "end i=0", "item i=1", "end i=1", "item i=2", "end i=2", "note", "halt"),
        (
            *(
                "start",
                "item i=0",
                "leaf i=0 l=0",
                "leaf i=0 l=1",
                "fallen i=0 l=0",
                "fallen i=0 l=1",
                "end i=0",
            ),
            *("item i=1", "leaf i=1 l=0", "fallen i=1 l=0", "end i=1", "note", "stop"),
        ),
        (
            "start",
            "item i=0",
            "text i=0 p=0 kind=a",
            "text i=0 p=0 piece=x",
            "text i=0 p=0 piece=new",
            "error",
        ),
        ("start", "item i=0", "text i=0 p=0 kind=c", "text i=0 p=0 piece=x", "error"),
        ("start", "item i=0", "text i=0 p=0", "error"),
        ("error",),
    ],
)
def test_what_keeps_the_order_is_not_mentioned(events: tuple[str, ...]) -> None:
    assert _walk(*events) == []


@pytest.mark.parametrize(
    ("events", "breaches"),
    [
        (("start", "huh", "note", "stop"), [("unknown", "huh", "event 2: there is no event `huh`")]),
        (
            ("note", *GOOD),
            [
                ("unopened", "whole", "event 1: `note` comes, but the whole is not open"),
                ("late", "whole", "event 2: `start` comes after what it should open"),
            ],
        ),
        (
            ("note", "start", "start", "stop"),
            [
                ("unopened", "whole", "event 1: `note` comes, but the whole is not open"),
                ("late", "whole", "event 2: `start` comes after what it should open"),
                ("repeated", "whole", "event 3: `start` comes again"),
            ],
        ),
        (("start", "start", "note", "stop"), [("repeated", "whole", "event 2: `start` comes again")]),
        (
            ("start", "item i=0", "end i=0", "item i=0", "end i=0", "note", "stop"),
            [("repeated", "item", "event 4: `item` comes again for 0")],
        ),
        (
            ("start", "item i=0", "item i=1", "end i=1", "end i=0", "note", "stop"),
            [("overlapping", "item", "event 3: the item 1 opens while 0 is open")],
        ),
        (
            ("start", "item i=1", "end i=1", "note", "stop"),
            [("number", "item", "event 2: item number 0 is called 1")],
        ),
        (
            ("start", "item i=x", "end i=x", "note", "stop"),
            [("number", "item", 'event 2: item number 0 is called "x"')],
        ),
        (
            ("start", "text i=0 p=0", "done i=0 p=0", "end i=0", "note", "stop"),
            [("unopened", "item", "event 2: `text` comes, but the item 0 is not open")],
        ),
        (
            ("start", "text i=0 p=0", "item i=0", "item i=0", "done i=0 p=0", "end i=0", "note", "stop"),
            [
                ("unopened", "item", "event 2: `text` comes, but the item 0 is not open"),
                ("late", "item", "event 3: `item` comes after what it should open for 0"),
                ("repeated", "item", "event 4: `item` comes again for 0"),
            ],
        ),
        (
            ("item i=0", "end i=0", "note", "stop"),
            [("unopened", "whole", "event 1: `item` comes, but the whole is not open")],
        ),
        (
            ("start", "end i=0", "note", "stop"),
            [("unopened", "item", "event 2: `end` comes, but the item 0 is not open")],
        ),
        (
            ("start", "item i=0", "text i=0 p=0", "done i=0 p=0", "text i=0 p=0", "error"),
            [("unopened", "part", "event 5: `text` comes, but the part 0 is not open")],
        ),
        (
            ("start", "item i=0", "text i=0 p=0 kind=a", "text i=0 p=0 piece=y", "error"),
            [("misfit", "part", "event 4: `y` came for the part 0 of the type `a`")],
        ),
        (
            ("start", "item i=0", "leaf i=0 l=0", "leaf i=0 l=2", "error"),
            [("number", "leaf", "event 4: leaf number 1 is called 2")],
        ),
        (
            ("start", "item i=0", "note", "end i=0", "stop"),
            [("early", "note", "event 3: `note` comes while the item 0 is open")],
        ),
        (
            ("start", "item i=0", "note", "stop"),
            [
                ("early", "note", "event 3: `note` comes while the item 0 is open"),
                ("unclosed", "item", "event 4: the item 0 is never closed"),
            ],
        ),
        (
            ("start", "item i=0", "text i=0 p=0", "note", "stop"),
            [
                ("early", "note", "event 4: `note` comes while the item 0 is open"),
                ("unclosed", "item", "event 5: the item 0 is never closed"),
                ("unclosed", "part", "event 5: the part 0 is never closed"),
            ],
        ),
        (
            ("start", "item i=0", "text i=0 p=0", "end i=0", "note", "stop"),
            [("unclosed", "part", "event 4: the part 0 is never closed")],
        ),
        (("start", "item i=0", "end i=0", "stop"), [("missing", "note", "event 4: there is no `note`")]),
        (("start", "note"), [("unfinished", "whole", "event 3: the stream ends without `halt` or `stop`")]),
        (
            ("start", "item i=0", "text i=0 p=0"),
            [
                ("unfinished", "whole", "event 4: the stream ends without `halt` or `stop`"),
                ("unclosed", "item", "event 4: the item 0 is never closed"),
                ("unclosed", "part", "event 4: the part 0 is never closed"),
                ("missing", "note", "event 4: there is no `note`"),
            ],
        ),
        ((), [("unfinished", "whole", "event 1: the stream ends without `halt` or `stop`")]),
        ((*GOOD, "note"), [("after-end", "note", "event 9: `note` comes after the end")]),
        (("start", "error", "stop"), [("after-end", "stop", "event 3: `stop` comes after the end")]),
    ],
)
def test_every_rule_is_told_when_it_is_broken(
    events: tuple[str, ...], breaches: list[tuple[str, str, str]]
) -> None:
    assert _walk(*events) == breaches


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
        return [breach.message for breach in walk(table, events) if breach.kind == "misfit"]

    assert pieces("text_delta", "citations_delta", "a_new_delta") == []
    assert pieces("text_delta", "input_json_delta") == [
        "event 4: `input_json_delta` came for the block 0 of the type `text`"
    ]


@pytest.mark.parametrize("junk", [{}, {"type": 1}, {"type": "item", "i": []}, {"type": "end", "i": {"a": 1}}])
def test_junk_breaks_nothing(junk: dict[str, Any]) -> None:
    walk(TABLE, [junk, {"type": "start"}, junk, {"type": "stop"}])


def test_a_kind_that_is_no_text_breaks_nothing() -> None:
    odd = {"type": "text", "i": 0, "p": 0, "kind": ["a"], "piece": "x"}
    found = walk(TABLE, [_event("start"), _event("item i=0"), odd, odd, _event("error")])
    assert found == ()


def test_a_position_is_that_of_the_event_or_the_end() -> None:
    open_at_the_end = [_event(text) for text in ("start", "item i=0", "text i=0 p=0")]
    assert {breach.position for breach in walk(TABLE, open_at_the_end)} == {3}
    assert [breach.position for breach in walk(TABLE, [_event("start"), _event("huh"), _event("error")])] == [
        1
    ]

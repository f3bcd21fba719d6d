"""Tables of stream orders: well-formed, and refused with their line when they are not."""

from __future__ import annotations

import re

import pytest
from wiremark_schemas import streams
from wiremark_schemas.yamlfile import BadFile

TABLE = """\
wiremark: stream/1
name: made.up
title: Made up
source: https://example.invalid
type: /type
spans:
  whole: {opened_by: [start], closed_by: [stop]}
  item: {within: whole, key: [/index], opened_by: [item], closed_by: [end]}
  part: {within: item, key: [/index, /part], continued_by: [text], closed_by: [done]}
moments:
  note: {within: whole, after: [item]}
"""


@pytest.mark.parametrize("name", streams.names())
def test_a_table_has_the_name_of_its_file(name: str) -> None:
    assert streams.load(name).name == name


def test_a_table_knows_what_each_event_is() -> None:
    table = streams.load("anthropic.messages")
    assert table.whole.name == "message"
    assert {event: (span.name, part) for event, (span, part) in table.parts.items()} == {
        "message_start": ("message", "opens"),
        "message_stop": ("message", "closes"),
        "content_block_start": ("block", "opens"),
        "content_block_delta": ("block", "continues"),
        "content_block_stop": ("block", "closes"),
    }
    assert table.events - set(table.parts) == {"message_delta", "ping", "error"}


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no stream is called 'x'; there are: .*anthropic\.messages"):
        streams.load("x")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("stream/1", "stream/2", "t.yaml:1: /wiremark"),
        ("within: whole, key", "within: hole, key", "t.yaml:8: /spans/item/within: no other span is called"),
        ("  item: {within: whole, ", "  item: {", "t.yaml:6: /spans: exactly one span must be"),
        ("[/index, /part]", "[/part]", "t.yaml:9: /spans/part/key: it must begin with the key of 'item'"),
        ("after: [item]", "after: [thing]", "t.yaml:11: /moments/note: no span is called 'thing'"),
        ("closed_by: [end]", "closed_by: [stop]", "the event 'stop' has two meanings"),
        ("type: /type", "type: type", "t.yaml:5: /type: expected text matching"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    assert streams.read(TABLE, "t.yaml").spans["part"].opened_by == frozenset()
    with pytest.raises(BadFile, match=re.escape(said)):
        streams.read(TABLE.replace(old, new), "t.yaml")

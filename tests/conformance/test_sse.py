from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wiremark_conformance import sse
from wiremark_conformance.exchange import Part
from wiremark_conformance.sse import EventStream


def parts(*pieces: bytes) -> tuple[Part, ...]:
    return tuple(Part(number, piece) for number, piece in enumerate(pieces))


def read(body: bytes) -> EventStream:
    """Read `body` whole, one byte at a time, and with an unfinished block after it."""
    whole = sse.read(parts(body))
    drip = sse.read(parts(*(body[i : i + 1] for i in range(len(body)))))
    assert [(e.raw, e.fields) for e in drip.events] == [(e.raw, e.fields) for e in whole.events]
    assert (drip.leftover, drip.lines, drip.bom) == (whole.leftover, whole.lines, whole.bom)
    assert b"".join(e.raw for e in whole.events) + whole.leftover in body
    if not whole.leftover and not body.endswith(b"\r"):
        assert sse.read(parts(body + b"data: tail")).events == whole.events
        assert sse.read(parts(body + b"data: tail")).leftover.endswith(b"data: tail")
    return whole


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending(end: str) -> None:
    got = read(f"data: a{end}{end}data: b{end}data: c{end}{end}".encode())
    assert [event.data for event in got.events] == ["a", "b\nc"]
    assert got.line_endings == {end}
    assert got.lines == (b"data: a", b"", b"data: b", b"data: c", b"")
    assert got.leftover == b""


def test_a_crlf_split_over_parts_is_one_line_end() -> None:
    got = sse.read(parts(b"data: a\r", b"\n\r", b"\ndata: b\r\n\r\n"))
    assert [(event.data, event.at_ns) for event in got.events] == [("a", 1), ("b", 2)]
    assert got.events[0].raw == b"data: a\r\n\r\n"
    assert got.line_endings == {"\r\n"}


def test_arrival_is_that_of_the_part_that_completed_the_event() -> None:
    got = sse.read(parts(b"data: 1\n", b"", b"\ndata: 2\n\nda", b"ta: 3\n\n"))
    assert [(event.data, event.at_ns) for event in got.events] == [("1", 2), ("2", 2), ("3", 3)]


def test_all_fields() -> None:
    (event,) = read(b": hi\n:there\nevent:x\ndata:  two spaces\nid: 7\nretry: 10\nfoo: bar\nalone\n\n").events
    assert (event.event, event.data, event.id, event.retry) == ("x", " two spaces", "7", "10")
    assert event.comments == ("hi", "there")
    assert event.fields == (
        ("event", "x", False),
        ("data", " two spaces", True),
        ("id", "7", True),
        ("retry", "10", True),
        ("foo", "bar", True),
        ("alone", "", False),
    )


@pytest.mark.parametrize(
    ("block", "data"),
    [
        (b": ping\n\n", None),
        (b"event: ping\n\n", None),
        (b"data\n\n", ""),
        (b"data:\n\n", ""),
        (b"data\ndata\n\n", "\n"),
    ],
)
def test_blocks_that_dispatch_nothing_or_nothing_much(block: bytes, data: str | None) -> None:
    got = read(block)
    assert [event.data for event in got.events] == [data]
    assert len(got.dispatched) == (data is not None)


@pytest.mark.parametrize(("line", "value"), [(b"id: a\x00b", None), (b"id: a", "a"), (b"id", "")])
def test_an_id_with_nul_is_ignored(line: bytes, value: str | None) -> None:
    (event,) = read(line + b"\ndata: x\n\n").events
    assert event.id == value


@pytest.mark.parametrize("value", ["", "1s", "-1", "\u0661"])
def test_a_retry_that_is_not_ascii_digits_is_ignored(value: str) -> None:
    (event,) = read(f"retry: {value}\n\n".encode()).events
    assert event.retry is None


def test_last_event_name_wins_and_extra_blank_lines_make_no_event() -> None:
    got = read(b"\n\nevent: a\nevent: b\ndata: x\n\n\n\n")
    assert [event.event for event in got.events] == ["b"]
    assert len(got.lines) == 8


def test_bom_is_skipped_once_and_told() -> None:
    got = sse.read(parts(b"\xef", b"\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n"))
    assert got.bom
    assert [event.data for event in got.events] == ["a", None]
    assert got.events[1].fields == (("\ufeffdata", "b", True),)


def test_an_unfinished_block_is_left_over() -> None:
    got = read(b"data: a\n\ndata: b\ndata: c")
    assert [event.data for event in got.events] == ["a"]
    assert got.leftover == b"data: b\ndata: c"
    assert got.lines[-1] == b"data: b"


def test_invalid_utf8_is_told_per_event() -> None:
    got = read(b"data: a\xff\n\ndata: \xe2\x82\xac\n\n")
    assert [(event.data, event.valid_utf8) for event in got.events] == [("a\ufffd", False), ("€", True)]


def test_line_separators_of_python_are_no_line_ends() -> None:
    got = read("data: a\u2028b\x85c\x0bd\n\n".encode())
    assert [event.data for event in got.events] == ["a\u2028b\x85c\x0bd"]


def test_no_body_is_no_event() -> None:
    assert sse.read(()) == EventStream((), b"", False, frozenset(), ())


def test_hostile_number_of_lines_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_LINES", 5)
    got = sse.read(parts(b"data: a\n\n" * 4))
    assert got.overflow
    assert len(got.lines) == 5
    assert got.leftover == b"data: a\n\ndata: a\n\n"


@settings(deadline=None)
@given(st.lists(st.binary(max_size=30)))
def test_any_bytes_are_read_the_same_however_they_arrive(pieces: list[bytes]) -> None:
    cut, whole = sse.read(parts(*pieces)), sse.read(parts(b"".join(pieces)))
    assert [event.raw for event in cut.events] == [event.raw for event in whole.events]
    assert cut.leftover == whole.leftover


_TEXT = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))


@settings(deadline=None)
@given(
    st.lists(st.tuples(_TEXT, st.lists(_TEXT, min_size=1)), min_size=1), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_what_is_written_is_read_back(events: list[tuple[str, list[str]]], end: str) -> None:
    body = "".join(
        f"event: {name}{end}" + "".join(f"data: {line}{end}" for line in lines) + end
        for name, lines in events
    )
    got = sse.read(parts(body.encode()))
    assert [(event.event, event.data) for event in got.events] == [
        (name, "\n".join(lines)) for name, lines in events
    ]

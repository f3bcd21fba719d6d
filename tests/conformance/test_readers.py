from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wiremark_conformance import readers
from wiremark_conformance.exchange import Part
from wiremark_conformance.readers import CLIENTS, Reading

HTML, OPY, OJS, GPY = CLIENTS
ONE = b'data: {"a":1}\n\n'
DONE = b"data: [DONE]\n\n"


def read(client: str, body: bytes) -> Reading:
    """Read whole and one byte at a time: no client depends on how bytes arrive."""
    whole = readers.read(client, (Part(0, body),))
    assert readers.read(client, tuple(Part(i, body[i : i + 1]) for i in range(len(body)))) == whole
    return whole


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("client", [HTML, OPY, OJS])
def test_a_plain_stream_is_read_by_all(client: str, end: bytes) -> None:
    body = (b": hello\n\n" + ONE + DONE + b"data: not read\n\n").replace(b"\n", end)
    assert read(client, body) == Reading(client, ({"a": 1},), done=True)


def test_a_gemini_stream_is_read_by_its_client() -> None:
    assert read(GPY, ONE * 2) == Reading(GPY, ({"a": 1}, {"a": 1}))


# What each client does with one body: its events, or the start of its crash.
CASES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "no space after data:": (b'data:{"a":1}\n\n', {HTML: 1, OPY: 1, OJS: 1, GPY: "UnknownApiResponseError"}),
    "empty data": (b"data:\n\n", {HTML: "SyntaxError", OPY: "JSONDecodeError", OJS: "SyntaxError"}),
    "event without data": (b"event: ping\n\n", {HTML: 0, OPY: "JSONDecodeError", OJS: "SyntaxError"}),
    "retry alone": (
        b"retry: 10\n\n",
        {HTML: 0, OPY: "JSONDecodeError", OJS: 0, GPY: "UnknownApiResponseError"},
    ),
    "retry that is no number": (b"retry: x\n\n", {HTML: 0, OPY: 0, OJS: 0}),
    "id, then a blank line": (b'id: 1\ndata: {"a":1}\n\n\n', {HTML: 1, OPY: "JSONDecodeError", OJS: 1}),
    "comment": (b": ping\n\n" + ONE, {HTML: 1, OPY: 1, OJS: 1, GPY: "UnknownApiResponseError"}),
    "data over lines": (b'data: {\ndata: "a":1}\n\n', {HTML: 1, OPY: 1, OJS: 1, GPY: 1}),
    "line separator": ('data: {"a":"\u2028"}\n\n'.encode(), {HTML: 1, OPY: 1, OJS: 1, GPY: 1}),
    "invalid UTF-8": (b'data: {"a":"\xff"}\n\n', {HTML: 1, OPY: "UnicodeDecodeError", OJS: 1, GPY: 1}),
    "byte order mark": (b"\xef\xbb\xbf" + ONE * 2, {HTML: 2, OPY: 1, OJS: 2, GPY: "UnknownApiResponseError"}),
    "no blank line at the end": (ONE + b'data: {"b":2}\n', {HTML: 1, OPY: 1, OJS: 2, GPY: 2}),
    "no line end at the end": (ONE + b'data: {"b":2}', {HTML: 1, OPY: 1, OJS: 2, GPY: 2}),
    "NaN": (b'data: {"a":NaN}\n\n', {HTML: "SyntaxError", OPY: 1, OJS: "SyntaxError", GPY: 1}),
    "space after [DONE]": (b"data: [DONE] \n\n", {HTML: "SyntaxError", OPY: 0, OJS: "SyntaxError"}),
    "DONE without brackets": (
        b"data: DONE\n\n",
        {HTML: "SyntaxError", OPY: "JSONDecodeError", OJS: "SyntaxError"},
    ),
    "[DONE] on Gemini": (ONE + DONE, {GPY: "UnknownApiResponseError"}),
    "NDJSON": (b'{"a":1}\n{"a":2}\n', {HTML: 0, OPY: 0, OJS: 0, GPY: 2}),
    "named event": (
        b'event: x\ndata: {"a":1}\n\n',
        {HTML: 1, OPY: 1, OJS: 1, GPY: "UnknownApiResponseError"},
    ),
    "deep nesting": (b"data: " + b"[" * 100_000 + b"\n\n", {HTML: "SyntaxError", OPY: "JSONDecodeError"}),
}


@pytest.mark.parametrize(
    ("body", "client", "outcome"),
    [
        pytest.param(body, client, outcome, id=f"{name}-{client}")
        for name, (body, outcomes) in CASES.items()
        for client, outcome in outcomes.items()
    ],
)
def test_known_behaviours(body: bytes, client: str, outcome: int | str) -> None:
    reading = readers.read(client, (Part(0, body),))
    if isinstance(outcome, str):
        assert reading.crash is not None
        assert reading.crash.startswith(outcome)
    else:
        assert (reading.crash, len(reading.events)) == (None, outcome)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b'data: {"error":{"message":"m"}}', {OPY: {"message": "m"}, OJS: {"message": "m"}}),
        (b'data: {"error":"m"}', {OPY: "m", OJS: "m"}),
        (b'data: {"error":{}}', {OPY: None, OJS: {}}),
        (b'data: {"error":null}', {OPY: None, OJS: None}),
        (b'event: error\ndata: {"message":"m"}', {OPY: None, OJS: {"message": "m"}}),
        (b'event: error\ndata: {"error":{"a":1}}', {OJS: {"a": 1}}),
        (b"event: error\ndata: [1]", {OJS: [1]}),
        (b'data: {"object":"error","message":"m"}', {OPY: None, OJS: None}),
        (b'data: {"error":{"code":503}}', {GPY: {"code": 503}}),
        (b'data: {"id":1,"error":{"code":503}}', {GPY: None}),
    ],
)
def test_errors_inside_a_stream(body: bytes, errors: dict[str, Any]) -> None:
    for client, error in errors.items():
        reading = read(client, body + b"\n\n")
        assert (reading.crash, reading.error) == (None, error), client
        assert len(reading.events) == (error is None), client


# What the application gets, and what is lost without a word, to the letter.
@pytest.mark.parametrize(
    ("client", "body", "events", "lost"),
    [
        (HTML, ONE + b'data: {"b":2}\n', ({"a": 1},), b'data: {"b":2}\n'),
        (HTML, ONE + DONE + b"data: x", ({"a": 1},), b""),
        (OPY, b'data: {"a":\ndata: 1}', (), b'data: {"a":data: 1}'),
        (OPY, b"id: \0\n\n" + ONE, ({"a": 1},), b""),
        (OPY, b"\xef\xbb\xbfdata: 1\n\n" + ONE, ({"a": 1},), b"\xef\xbb\xbfdata: 1"),
        (OPY, b"event: thread.run\n" + ONE, ({"event": "thread.run", "data": {"a": 1}},), b""),
        (OPY, b"event: response.created\n" + ONE, ({"a": 1},), b""),
        (OJS, ONE, ({"a": 1},), b""),
        (OJS, b"event: response.created\n" + ONE, ({"a": 1},), b""),
        (OJS, b"event: transcript.text\n" + ONE, ({"a": 1},), b""),
        (OJS, b"event: x\n" + ONE, ({"event": "x", "data": {"a": 1}},), b""),
        (GPY, b'{"a":{\n"b":\n1}}\n', ({"a": {"b": 1}},), b""),
        (GPY, b"data: [1,\ndata: 2]", ([1, 2],), b""),
        (GPY, b"data: {}\n\n", ({},), b""),
    ],
)
def test_what_a_client_hands_on_and_what_it_drops(
    client: str, body: bytes, events: tuple[Any, ...], lost: bytes
) -> None:
    reading = read(client, body)
    assert (reading.crash, reading.events, reading.lost) == (None, events, lost)


@pytest.mark.parametrize(
    ("body", "crash"),
    [
        (b'data: {"a":NaN}\n\n', "SyntaxError: NaN is not JSON (the data was '{\"a\":NaN}')"),
        (b"data:\n\n", "SyntaxError: Expecting value: line 1 column 1 (char 0) (the data was '')"),
        (b"data: " + b"x" * 60, f"(the data was '{'x' * 60}')"),
        (b"data: " + b"x" * 61, f"(the data was '{'x' * 59}…')"),
    ],
)
def test_a_crash_quotes_its_cause(body: bytes, crash: str) -> None:
    assert (read(HTML, body + b"\n\n").crash or "").endswith(crash)


@pytest.mark.parametrize(("code", "raised"), [(399, False), (400, True), (599, True), (600, False)])
def test_google_genai_raises_for_the_codes_of_errors(code: int, raised: bool) -> None:
    reading = read(GPY, b'data: {"error":{"code":%d}}\n\n' % code)
    assert (reading.error is not None, len(reading.events)) == (raised, int(not raised))


@pytest.mark.parametrize("code", [b'"503"', b"null"])
def test_an_error_code_that_is_no_number_crashes_google_genai(code: bytes) -> None:
    crash = read(GPY, b'data: {"error":{"code":' + code + b"}}\n\n").crash
    assert crash is not None
    assert crash.startswith("TypeError")


def test_an_error_that_is_no_object_crashes_google_genai() -> None:
    crash = read(GPY, b'data: {"error":"m"}\n\n').crash
    assert crash == "TypeError: an error's code must be a number to be compared, not None"


def test_broken_says_which_client_and_how() -> None:
    assert readers.broken((Part(0, ONE + DONE),)) == ()
    html, node = readers.broken((Part(0, ONE + b"data: [DONE] \n\n"),))
    assert html.startswith("html-standard breaks after 1 event(s): SyntaxError")
    assert node.startswith("openai-node breaks after 1 event(s): SyntaxError")
    assert readers.broken((Part(0, ONE + b"data: {}"),), [OPY]) == (
        "openai-python silently drops 8 bytes after 1 event(s)",
    )


@pytest.fixture(scope="module")
def openai_streaming() -> Any:
    return pytest.importorskip("openai._streaming", reason="the openai SDK is not installed")


_PIECES = st.lists(
    st.sampled_from(
        [
            b"data: ",
            b"data:",
            b"event: x",
            b"id: 1",
            b"id:",
            b"retry: 5",
            b"retry: x",
            b": c",
            b"{}",
            b"\xff",
            b"\n",
            b"\n\n",
            b"\r\n",
            b"\r",
            b"\xef\xbb\xbf",
            b"[DONE]",
            b"foo",
            b" ",
        ]
    ),
    max_size=25,
).map(b"".join)


@settings(deadline=None)
@given(_PIECES)
@example(b"id: 1\n\n\n\n")
def test_the_model_of_openai_python_is_its_decoder(openai_streaming: Any, body: bytes) -> None:
    expected: list[tuple[str | None, str]] = []
    crashed = False
    try:
        expected.extend(
            (event.event, event.data) for event in openai_streaming.SSEDecoder().iter_bytes(iter([body]))
        )
    except UnicodeDecodeError:
        crashed = True
    got: list[tuple[str | None, str]] = []
    try:
        got.extend((block.event, block.data) for block in readers._openai_python_blocks(body, readers._Log()))
    except readers._Crash:
        assert crashed
        return
    assert not crashed
    assert got == expected


@settings(deadline=None)
@given(st.sampled_from(CLIENTS), st.binary(max_size=200) | _PIECES)
def test_no_body_makes_a_reader_raise(client: str, body: bytes) -> None:
    read(client, body)

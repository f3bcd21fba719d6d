"""What an entry of a HAR says, key by key, and why one cannot be judged."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance.exchange import Exchange, Part, Request
from wiremark_conformance.recording import FOREIGN
from wiremark_conformance.replay import har
from wiremark_schemas.yamlfile import BadFile

URL = "https://user:secret@api.example.com:8443/v1/chat/completions?a=1&b=2"
NO_BODY = "the file has no body of the answer; save the HAR with its content"


def _header(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


FULL: dict[str, Any] = {
    "startedDateTime": "2026-01-01T00:00:00.000Z",
    "time": 12.5,
    "request": {
        "method": "POST",
        "url": URL,
        "headers": [_header(":path", "/x"), _header("X-Trace", "a:b")],
        "postData": {"text": "Grüße"},
    },
    "response": {
        "status": 201,
        "statusText": "Created",
        "httpVersion": "HTTP/2",
        "headers": [
            _header(":status", "201"),
            _header("Content-Encoding", "br"),
            _header("content-length", "4"),
            _header("transfer-encoding", "chunked"),
            _header("content-type", "application/json"),
        ],
        "content": {"size": 2, "text": "{}"},
    },
}
BARE: dict[str, Any] = {
    "request": {"method": "GET", "url": "http://localhost", "headers": []},
    "response": {"status": 200, "headers": [_header("x-a", "1")], "content": {"text": ""}},
}


def _read(folder: Path, *entries: Any, bom: bool = False) -> tuple[har.Entry, ...]:
    path = folder / "traffic.har"
    document = {"log": {"version": "1.2", "entries": list(entries)}}
    path.write_text(json.dumps(document), encoding="utf-8-sig" if bom else "utf-8")
    return har.read(path)


def _with(entry: dict[str, Any], part: str, **values: Any) -> dict[str, Any]:
    return {**entry, part: {**entry[part], **values}}


@pytest.mark.parametrize("bom", [False, True])
def test_an_entry_is_read_whole(tmp_path: Path, bom: bool) -> None:
    first, second = _read(tmp_path, FULL, BARE, bom=bom)
    assert first == har.Entry(
        1,
        URL,
        Exchange(
            "entry 1",
            Request("POST", "/v1/chat/completions?a=1&b=2", (("X-Trace", "a:b"),), "Grüße".encode()),
            201,
            "Created",
            "2",
            (("content-type", "application/json"),),
            (Part(12_500_000, b"{}"),),
            started="2026-01-01T00:00:00.000Z",
            elapsed_ns=12_500_000,
            origin="https://api.example.com:8443",
        ),
    )
    assert second == har.Entry(
        2,
        "http://localhost",
        Exchange("entry 2", Request("GET", "/", ()), 200, headers=(("x-a", "1"),), origin="http://localhost"),
    )
    assert second.label == "entry 2"


@pytest.mark.parametrize(
    ("told", "elapsed"), [(None, 0), (0, 0), (-1, 0), (0.25, 250_000), (1e-7, 0), (1e400, 0)]
)
def test_a_time_that_is_none_takes_none(tmp_path: Path, told: Any, elapsed: int) -> None:
    (found,) = _read(tmp_path, {**BARE, "time": told})
    assert found.exchange.elapsed_ns == elapsed


def test_what_utf_8_cannot_hold_is_replaced(tmp_path: Path) -> None:
    entry = _with(_with(FULL, "request", postData={"text": "\ud800"}), "response", content={"text": "\ud800"})
    (found,) = _read(tmp_path, entry)
    assert (found.exchange.request.body, found.exchange.body) == (b"?", b"?")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (FULL, ""),
        (BARE, ""),
        (_with(FULL, "response", status=0), "it did not complete"),
        (_with(FULL, "response", status=-1), "it did not complete"),
        (_with(FULL, "response", status=1), ""),
        (_with(FULL, "response", _error="net::ERR_ABORTED"), "it did not complete"),
        ({**FULL, "_error": "net::ERR_ABORTED"}, "it did not complete"),
        (_with(FULL, "response", content={}), NO_BODY),
        (_with(FULL, "response", content={"text": "", "size": 1}), NO_BODY),
        (_with(FULL, "response", content={"text": "", "size": 0}), ""),
        (_with(FULL, "response", content={"text": "", "size": None}), ""),
        (_with(FULL, "response", content={"text": "", "size": -1}), NO_BODY),
        (_with(FULL, "response", content={"text": ""}, bodySize=1), NO_BODY),
        (_with(FULL, "response", content={"text": ""}, bodySize=0), ""),
        (_with(FULL, "response", content={"text": ""}, bodySize=-1), ""),
        (_with(FULL, "response", content={"text": ""}, bodySize=None), ""),
        (_with(FULL, "response", content={"text": "", "mimeType": "Text/Event-Stream; x"}), NO_BODY),
        (_with(FULL, "response", content={"text": "", "mimeType": "text/plain"}), ""),
        (
            _with(BARE, "response", headers=[_header("Content-Type", "text/event-stream")]),
            NO_BODY,
        ),
        (_with(BARE, "response", headers=[_header("x-type", "text/event-stream")]), ""),
        (_with(BARE, "response", headers=[]), "the file has no headers of the answer"),
        (_with(FULL, "response", content=None), NO_BODY),
        (_with(FULL, "response", _failureText="x"), "it did not complete"),
        ({**FULL, "response": None}, "it did not complete"),
        ({"request": FULL["request"]}, "it did not complete"),
        (_with(FULL, "request", postData=None, method="post"), "the file has no body of the request"),
        (_with(FULL, "request", postData=None), "the file has no body of the request"),
        (_with(FULL, "request", postData={}), "the file has no body of the request"),
        (_with(FULL, "request", postData={"text": None}), "the file has no body of the request"),
        (_with(FULL, "request", postData=None, method="GET"), ""),
    ],
)
def test_what_cannot_be_judged_says_why(tmp_path: Path, changed: Any, reason: str) -> None:
    (found,) = _read(tmp_path, changed)
    assert found.unread == reason


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTP://A.Example:80/x", "http://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:443/", "http://a.example:443"),
        ("https://me@a.example:80/", "https://a.example:80"),
        ("ws://a.example:80/", "ws://a.example:80"),
        ("ws://a.example:/", "ws://a.example"),
    ],
)
def test_an_origin_is_written_in_one_way(tmp_path: Path, url: str, origin: str) -> None:
    (found,) = _read(tmp_path, _with(FULL, "request", url=url))
    assert found.exchange.origin == origin


def test_a_header_without_a_name_or_a_value_is_kept(tmp_path: Path) -> None:
    headers = [{"name": None, "value": "a"}, {"name": "x-b", "value": None}]
    (found,) = _read(tmp_path, _with(FULL, "response", headers=headers))
    assert found.exchange.headers == (("", "a"), ("x-b", ""))


def test_a_method_is_written_in_capitals(tmp_path: Path) -> None:
    (found,) = _read(tmp_path, _with(FULL, "request", method="post"))
    assert found.exchange.request.method == "POST"


def test_a_request_may_be_base64_too(tmp_path: Path) -> None:
    (found,) = _read(tmp_path, _with(FULL, "request", postData={"text": "e30=", "encoding": "base64"}))
    assert found.exchange.request.body == b"{}"
    with pytest.raises(BadFile, match="entry 1 cannot be read: the body of the request is not base64: "):
        _read(tmp_path, _with(FULL, "request", postData={"text": "e30", "encoding": "base64"}))


def _coded(data: bytes, *headers: dict[str, str]) -> dict[str, Any]:
    content = {"text": base64.b64encode(data).decode(), "encoding": "base64"}
    return _with(FULL, "response", content=content, headers=[_header("x-a", "1"), *headers])


@pytest.mark.parametrize(
    ("entry", "body", "reason"),
    [
        (_coded(gzip.compress(b"{}"), _header("Content-Encoding", "gzip")), b"{}", ""),
        (_coded(b"{}", _header("content-encoding", "gzip")), b"{}", ""),
        (
            _coded(b"\xff", _header("content-encoding", "gzip")),
            b"",
            "its body stands in the file in the coding 'gzip'",
        ),
        (_coded(b"\xff"), b"\xff", ""),
    ],
)
def test_a_coding_that_was_left_on_a_body_is_taken_off(
    tmp_path: Path, entry: Any, body: bytes, reason: str
) -> None:
    (found,) = _read(tmp_path, entry)
    assert (found.exchange.body, found.unread) == (body, reason)


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({"text": base64.b64encode(b"{}\x00").decode(), "encoding": "base64"}, b"{}\x00"),
        ({"text": " e3\n0= ", "encoding": "base64"}, b"{}"),
        ({"text": "e30=", "encoding": None}, b"e30="),
        ({"text": "e30=", "encoding": "BASE64"}, b"{}"),
        ({"text": "e30=", "encoding": "base"}, b"e30="),
    ],
)
def test_only_what_says_so_is_base64(tmp_path: Path, content: Any, body: bytes) -> None:
    (found,) = _read(tmp_path, _with(FULL, "response", content=content))
    assert found.exchange.body == body


@pytest.mark.parametrize("text", ["e30", "e30=!"])
def test_what_is_not_base64_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    bad = _with(FULL, "response", content={"text": text, "encoding": "base64"})
    with pytest.raises(
        BadFile, match=r"traffic\.har:1: entry 2 cannot be read: the body of the answer is not base64"
    ):
        _read(tmp_path, FULL, bad)


def test_an_entry_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "traffic.har"
    bad = _with(FULL, "request", url="http://[x")
    path.write_text(json.dumps({"log": {"version": "1.1", "entries": [FULL, bad]}}, indent=1))
    line = path.read_text().partition('"http://[x"')[0].count("\n") - 4  # where the entry begins
    with pytest.raises(BadFile) as refusal:
        har.read(path)
    assert str(refusal.value).startswith(f"{path}:{line}: entry 2 cannot be read: ")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff", "traffic.har:1: the HAR is not UTF-8 text (byte 0)"),
        (b"\n\n \xff\n", "traffic.har:3: the HAR is not UTF-8 text (byte 3)"),
        (b'{"log":\n"a', "traffic.har:2: this is not JSON: .*; it seems to be cut$"),
        (b'{"log":\n\n' + b"1" * 5000 + b"\n}", "traffic.har:3: this is not JSON: .* of too many digits$"),
        (b'{"log":\n{', "traffic.har:2: this is not JSON: .*; it seems to be cut$"),
        (b'{"log":\n}', "traffic.har:2: this is not JSON: .*value$"),
        (b'{"log": [' * 100_000, "traffic.har:1: this is nested too deeply to be a HAR"),
        (b'{"log":\n5}', "traffic.har:2: this is no HAR 1.2: /log"),
    ],
)
def test_what_is_no_har_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "traffic.har"
    path.write_bytes(data)
    pattern = said.replace(".har", r"\.har").replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(BadFile, match=pattern):
        har.read(path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"none\.har: the HAR cannot be read: No such file"):
        har.read(tmp_path / "none.har")


@pytest.mark.parametrize(("beginning", "reason"), FOREIGN)
def test_files_of_other_kinds_are_told(tmp_path: Path, beginning: bytes, reason: str) -> None:
    path = tmp_path / "traffic.har"
    path.write_bytes(beginning + b"...")
    with pytest.raises(BadFile) as refusal:
        har.read(path)
    assert str(refusal.value) == f"{path}:1: this is no HAR: {reason}"

"""HAR files of other clients' traffic: what can be said of it is said, and of the rest why not."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance.replay import corpus, har, passive, situations
from wiremark_conformance.replay.commands import judge
from wiremark_conformance.verdicts import Judged
from wiremark_schemas.yamlfile import BadFile

KEY = "sk-har-secret-0123456789"
BASE = "https://api.example.com/v1"
HELLO = {"model": "m-1", "messages": [{"role": "user", "content": "hi"}]}
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
GOOD = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1764547200,
    "model": "m-1",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": USAGE,
}


def _delta(delta: Mapping[str, Any], reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    chunk = {**GOOD, "object": "chat.completion.chunk", "choices": [choice]}
    del chunk["usage"]
    return f"data: {json.dumps(chunk)}\n\n"


STREAM = "".join(
    (_delta({"role": "assistant", "content": ""}), _delta({"content": "Hello."}), _delta({}, "stop"))
)
DONE = "data: [DONE]\n\n"


def _entry(
    body: Any,
    asked: Any = HELLO,
    *,
    url: str = f"{BASE}/chat/completions",
    method: str = "POST",
    status: int = 200,
    media: str = "application/json",
    **content: Any,
) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = [{"name": "authorization", "value": f"Bearer {KEY}"}, {"name": ":path", "value": "/x"}]
    heads = {"content-type": media, "content-encoding": "br", "x-request-id": "req-1"}
    said = [{"name": name, "value": value} for name, value in heads.items()]
    request: dict[str, Any] = {"method": method, "url": url, "httpVersion": "h2", "headers": headers}
    if asked is not None:
        request["postData"] = {
            "mimeType": "application/json",
            "text": asked if isinstance(asked, str) else json.dumps(asked),
        }
    return {
        "startedDateTime": "2026-01-01T00:00:00.000Z",
        "time": 12.5,
        "request": request,
        "response": {
            "status": status,
            "statusText": "",
            "httpVersion": "h2",
            "headers": said,
            "content": {"size": len(text), "mimeType": media, "text": text, **content},
        },
    }


def _stream(text: str, **more: Any) -> dict[str, Any]:
    return _entry(text, {**HELLO, "stream": True, **more}, media="text/event-stream")


# What is wrong beside the bug in answers of which the suite expects something else.
NO_ID = {"messages.errors.request-id"}
ALSO = {
    "auth-header-precedence-rejects": NO_ID,
    "auth-scheme-unsupported": NO_ID,
    "count-tokens-broken": NO_ID,
    "messages-content-block-rejected": NO_ID,
    "logprobs-shape": {"chat.schema"},
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_har(*entries: Any, version: str = "1.2") -> Path:
        path = tmp_path / "traffic.har"
        log = {"version": version, "creator": {"name": "b", "version": "1"}, "entries": list(entries)}
        path.write_text(json.dumps({"log": log}, indent=1))
        return path

    return write_har


def _read(path: Path, contract: str = "openai") -> Judged:
    return passive.read(path, contract, None, None)


def _found(judged: Judged) -> dict[str, str]:
    found = {name: one.result.verdict.value for name, one in judged.conclusions.items()}
    return {name: verdict for name, verdict in found.items() if verdict in {"fail", "warn", "harness-error"}}


def test_good_traffic_has_no_findings_and_passes_what_it_shows(write: Write) -> None:
    models = {
        "object": "list",
        "data": [{"id": "m-1", "object": "model", "created": 1764547200, "owned_by": "us"}],
    }
    judged = _read(
        write(_entry(GOOD), _stream(STREAM + DONE), _entry(models, None, url=f"{BASE}/models", method="GET"))
    )
    assert _found(judged) == {}
    passed = {name for name, one in judged.conclusions.items() if one.result.verdict.value == "pass"}
    assert {"chat.object", "chat.stream.done", "chat.stream.role", "models.list.object"} <= passed
    assert judged.facts.target.base_url == BASE
    assert judged.facts.target.model == "m-1"
    assert judged.notes == ()


def test_findings_name_the_entry_and_show_no_key(write: Write, tmp_path: Path) -> None:
    bad = {**GOOD, "object": "x", "model": f"echo {KEY}"}
    path = write(_entry(GOOD), _entry(bad), _stream(STREAM))
    assert (
        judge(["recording", str(path), "--wiremark-contract", "openai", "--out", str(tmp_path / "out")]) == 1
    )
    report = (tmp_path / "out" / "report.json").read_text()
    rows = {row["requirement"]: row for row in json.loads(report)["results"]}
    assert rows["chat.object"]["verdict"] == "fail"
    assert rows["chat.object"]["message"].startswith("entry 2: ")
    assert [shown["probe"] for shown in rows["chat.object"]["evidence"]] == ["entry 2"]
    assert rows["chat.stream.done"]["message"].startswith("entry 3: ")
    assert KEY not in report


def test_what_needs_the_suites_own_questions_says_so(write: Write) -> None:
    judged = _read(write(_entry(GOOD)))
    n = judged.conclusions["chat.n.count"].result
    assert (n.verdict.value, "needs the suite's own: chat.n" in n.message) == ("not-testable", True)
    stream = judged.conclusions["chat.stream.done"].result
    assert (stream.verdict.value, "no exchange that shows it" in stream.message) == ("not-testable", True)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (_entry("<p>", None, url="https://example.com/", method="GET"), "it calls no promised route below"),
        (_entry(GOOD, None), "no body of the request"),
        (_entry(GOOD, text=None), "no body of the answer"),
        ({**_stream(STREAM), "_error": "net::ERR_ABORTED"}, "did not complete"),
        (_entry("", size=0, text=None), "no body of the answer"),
        (_entry(GOOD, {**HELLO, "n": 2}), "several choices"),
        (_stream(_delta({"role": "assistant", "content": ""})), "whether the client left"),
        ({**_entry(GOOD), "response": {**_entry(GOOD)["response"], "status": -1}}, "did not complete"),
        (_entry("busy", status=503), "the endpoint was busy (503)"),
        (_entry("", status=304), "neither a success nor an error"),
        (_entry(GOOD, None, url=f"{BASE}/models/m-1", method="GET"), "depends on what was asked"),
    ],
)
def test_what_is_not_judged_is_said_with_the_reason(write: Write, entry: Any, reason: str) -> None:
    judged = _read(write(_entry(GOOD), entry))
    (note,) = judged.notes
    assert note.startswith("entry 2 (")
    assert reason in note
    assert _found(judged) == {}


def test_errors_are_held_to_the_envelope_of_their_dialect(write: Write) -> None:
    flat = {"message": "no such model", "code": 404}
    url = f"{BASE}/messages"
    judged = _read(
        write(_entry(flat, status=404), _entry(flat, url=url, status=404)), contract="every-format"
    )
    assert {"errors.envelope.object", "messages.errors.envelope"} <= set(_found(judged))


def test_base64_bodies_are_read(write: Write) -> None:
    coded = base64.b64encode((STREAM + DONE).encode()).decode()
    entry = _stream("")
    entry["response"]["content"] |= {"text": coded, "encoding": "base64"}
    assert _found(_read(write(entry))) == {}


def _changed(entry: dict[str, Any], **response: Any) -> dict[str, Any]:
    return {**entry, "response": {**entry["response"], **response}}


def _asked_in_base64() -> dict[str, Any]:
    entry = _entry(GOOD)
    coded = base64.b64encode(json.dumps(HELLO).encode()).decode()
    return {**entry, "request": {**entry["request"], "postData": {"text": coded, "encoding": "base64"}}}


def _left_compressed(body: bytes, coding: str) -> dict[str, Any]:
    """As a proxy writes what it did not decode."""
    wrapped = base64.encodebytes(body).decode()  # in lines, as some write it
    entry = _entry("", text=wrapped, encoding="Base64")
    headers = [h for h in entry["response"]["headers"] if h["name"] != "content-encoding"]
    return _changed(entry, headers=[*headers, {"name": "Content-Encoding", "value": coding}])


def _asked(entry: dict[str, Any], **request: Any) -> dict[str, Any]:
    return {**entry, "request": {**entry["request"], **request}}


# How browsers and proxies differ in what they write of the same good exchange.
WRITTEN = {
    "a method in small letters": _asked(_entry(GOOD), method="post"),
    "an address with its usual port": _asked(
        _entry(GOOD), url="HTTPS://API.Example.com:443/v1/chat/completions"
    ),
    "a question in base64": _asked_in_base64(),
    "a body that is still compressed": _left_compressed(gzip.compress(json.dumps(GOOD).encode()), "gzip"),
    "sizes that are not known": _changed(_entry(GOOD, size=-1), bodySize=-1, headersSize=-1),
    "a time that is not known": {**_entry(GOOD), "time": -1},
    "a time that is no number": {**_entry(GOOD), "time": math.inf},
    "no time": {**_entry(GOOD), "time": None},
    "headers without values": _changed(
        _entry(GOOD),
        headers=[*_entry(GOOD)["response"]["headers"], {"name": "x-empty", "value": None}],
    ),
    "HTTP/3": _changed(_entry(GOOD), httpVersion="h3"),
    "no HTTP version": _changed(_entry(GOOD), httpVersion=""),
    "comments and members of its own": {**_entry(GOOD), "comment": "[#7]", "_webSocketMessages": []},
    "another time zone": {**_entry(GOOD), "startedDateTime": "2026-01-01T01:00:00.0000000+01:00"},
    "a stream in base64": _changed(
        _stream(STREAM + DONE),
        content={
            "mimeType": "text/event-stream",
            "size": -1,
            "text": base64.b64encode((STREAM + DONE).encode()).decode(),
            "encoding": "base64",
        },
    ),
}


@pytest.mark.parametrize("entry", WRITTEN.values(), ids=WRITTEN)
def test_what_tools_write_in_different_ways_is_the_same_exchange(
    write: Write, entry: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = _read(write(_entry(GOOD), entry))
    assert (judged.notes, _found(judged)) == ((), {})
    streamed = "stream" in json.dumps(entry["request"])
    name = "chat.stream.done" if streamed else "chat.schema"
    assert judged.conclusions[name].result.verdict.value == "pass"
    assert judge([str(write(entry))]) == 0
    assert "1 of 1 entries judged\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (
            _changed(_stream(""), content={"mimeType": "text/event-stream", "size": 0, "text": ""}),
            "no body of",
        ),
        (_changed(_entry("", size=0), bodySize=500), "no body of the answer"),
        (_changed(_entry(GOOD), content=None), "no body of the answer"),
        (_changed(_entry(GOOD), headers=[]), "no headers of the answer"),
        ({**_entry(GOOD), "response": None}, "did not complete"),
        (_changed(_entry(GOOD), _failureText="net::ERR_ABORTED"), "did not complete"),
        (_left_compressed(b"\x1b\x02\x80\xff", "br"), "in the coding 'br'"),
        (_left_compressed(b"\x1f\x8b\xff", "gzip"), "in the coding 'gzip'"),
    ],
)
def test_what_a_file_has_lost_is_no_finding(
    write: Write, entry: Any, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(_entry(GOOD), entry)
    assert judge([str(path)]) == 0
    said = capsys.readouterr().out
    assert reason in said
    assert "1 of 2 entries judged, 1 left out" in said


def test_an_empty_answer_that_the_file_is_sure_of_is_a_finding(write: Write) -> None:
    assert _found(_read(write(_changed(_entry("", size=0), bodySize=0))))


def test_keys_in_addresses_and_cookies_are_not_shown(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = {**GOOD, "object": "x"}
    entries = (
        _asked(_entry(spoilt), url=f"https://me:{KEY}@api.example.com/v1/chat/completions?key={KEY}"),
        _asked(_entry("<p>"), url=f"https://me:{KEY}@example.org/?key={KEY}"),
        _changed(_entry(spoilt), headers=[{"name": "set-cookie", "value": f"s={KEY}"}]),
    )
    assert judge([str(write(*entries)), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr()
    assert "not judged: entry 2 (POST https://example.org/)" in told.out
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert KEY not in told.out + told.err + written


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (gzip.compress, ":1: this is no HAR: it is compressed by gzip"),
        (lambda data: data.decode().encode("utf-16"), ":1: this is no HAR: it is UTF-16"),
        (lambda data: data.replace(b"m-1", b"m-\xe9", 1), "the HAR is not UTF-8 text"),
        (lambda data: data.replace(b"12.5", b"9" * 5000), "a number of too many digits"),
        (lambda data: data.replace(b"12.5", b"[" * 100_000), "nested too deeply"),
        (lambda data: data[:400], "it seems to be cut"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(
    write: Write, change: Callable[[bytes], bytes], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(_entry(GOOD))
    path.write_bytes(change(path.read_bytes()))
    assert judge([str(path)]) == 2
    said = capsys.readouterr().err
    assert re.match(rf"wiremark judge: {re.escape(str(path))}:\d+: ", said)
    assert words in said


@pytest.mark.parametrize(
    ("spoil", "line", "words"),
    [
        (lambda text: text[: len(text) // 2], None, "is not JSON"),
        (lambda _: "", 1, "is not JSON"),
        (lambda _: '{"wiremark": "report/1"}', 1, "this is a report"),
        (lambda text: text.replace('"version": "1.2"', '"version": "2.0"'), 3, "this is no HAR 1.2"),
        (lambda text: text.replace('"status": 200', '"status": "200"'), 32, "/log/entries/0/response/status"),
        (lambda text: text.replace('"encoding": "x"', '"encoding": "base64"'), 9, "not base64"),
        (lambda text: text.replace(BASE, "http://[x"), 9, "cannot be read"),
        (lambda _: '{"log": []}', 1, "this is no HAR"),
        (lambda text: text.replace("/chat/completions", "/elsewhere"), None, "calls a route of the contract"),
    ],
)
def test_a_file_that_is_no_har_is_refused(
    write: Write,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[str], str],
    line: int | None,
    words: str,
) -> None:
    path = write(_entry("%", encoding="x"))
    path.write_text(spoil(path.read_text()))
    assert judge([str(path)]) == 2
    said = capsys.readouterr().err
    assert f"{path}:" in said
    assert line is None or f"{path}:{line}: " in said
    assert words in said


def test_the_line_of_a_later_entry_is_found(write: Write) -> None:
    second = _entry(GOOD)
    del second["response"]["headers"]
    path = write(_entry(GOOD), second)
    lines = path.read_text().split("\n")
    with pytest.raises(BadFile) as caught:
        har.read(path)
    number = int(str(caught.value).removeprefix(f"{path}:").partition(":")[0])
    assert lines[number - 1].strip() == '"response": {'
    assert number > len(lines) // 2


def test_known_bugs_that_show_in_any_answer_are_found_in_a_har(write: Write) -> None:
    """The corpus as a browser would have kept it: nothing but what its files say is found."""
    heard: set[str] = set()
    more: dict[str, set[str]] = {}
    for case in corpus.bundled():
        exchanges = case.exchanges(case.target())
        entries = [
            _entry(
                exchange.body.decode(),
                exchange.request.body.decode() or None,
                url=f"https://x.example{exchange.request.target}",
                method=exchange.request.method,
                status=exchange.status or 0,
                media=exchange.header("content-type") or "",
            )
            for exchange in exchanges.values()
            if not exchange.request.body.startswith(b"\x1f")
        ]
        for entry, exchange in zip(entries, exchanges.values(), strict=False):
            entry["response"]["headers"] = [
                {"name": name, "value": value} for name, value in exchange.headers
            ]
        if not entries or case.bug == "content-encoding-mismatch":
            continue
        try:
            found = set(_found(_read(write(*entries), contract="every-format")))
        except BadFile:
            continue
        heard |= {case.bug} if found else set()
        if found - case.expect:
            more[case.bug] = found - case.expect
    assert more == ALSO
    assert len(heard) > 40


def test_every_situation_names_probes_and_requirements_that_exist() -> None:
    for situation in (*situations.SITUATIONS, *situations.ERRORS.values()):
        assert len(situations.requirements(situation)) >= 6, situation.name
        assert set(situation.also) <= set(situations.requirements(situation))

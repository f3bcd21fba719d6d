from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wiremark_conformance import recording
from wiremark_conformance.exchange import Exchange, FailureKind, Part, Request, TransportFailure
from wiremark_conformance.recording import BadRecording, Recording, Sample
from wiremark_conformance.redact import Redactor
from wiremark_schemas import registry

STREAM = Exchange(
    probe="chat.stream",
    request=Request(
        "POST", "/v1/chat/completions", (("authorization", "Bearer sk-secret-1"),), b'{"stream":true}'
    ),
    status=200,
    reason="OK",
    http_version="1.1",
    headers=(("content-type", "text/event-stream"),),
    parts=(Part(10, 'data: {"é":1}\n\n'.encode()), Part(20, b"data: \xe2"), Part(30, b"\x82\xac\n\n")),
    framing="chunked",
    started="2026-01-01T00:00:00.000Z",
    elapsed_ns=40,
    origin="http://127.0.0.1:9",
)

_LATIN = st.text(st.characters(max_codepoint=255), max_size=20)
_HEADERS = st.lists(st.tuples(_LATIN, _LATIN), max_size=3).map(tuple)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_COUNT = st.integers(0, 2**60)
_EXCHANGES = st.builds(
    Exchange,
    probe=_TEXT,
    request=st.builds(Request, _TEXT, _LATIN, _HEADERS, st.binary(max_size=30)),
    status=st.none() | st.integers(100, 599),
    reason=_LATIN,
    http_version=st.sampled_from(["", "1.0", "1.1"]),
    headers=_HEADERS,
    parts=st.lists(st.builds(Part, _COUNT, st.binary(max_size=20) | _TEXT.map(str.encode)), max_size=4).map(
        tuple
    ),
    framing=st.sampled_from(["length", "chunked", "close", "none"]),
    failure=st.none() | st.builds(TransportFailure, st.sampled_from(get_args(FailureKind)), _TEXT),
    started=_TEXT,
    elapsed_ns=_COUNT,
    notes=st.lists(_TEXT, max_size=2).map(tuple),
    interim=st.lists(st.integers(100, 199), max_size=2).map(tuple),
    trailers=_HEADERS,
    cut=st.booleans(),
    origin=_TEXT,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(_EXCHANGES, max_size=3), st.dictionaries(_TEXT, _TEXT | _COUNT, max_size=3))
def test_what_is_written_is_read_back(
    tmp_path: Path, exchanges: list[Exchange], meta: dict[str, Any]
) -> None:
    path = tmp_path / "a.ndjson"
    redactor = Redactor(())
    samples = tuple(Sample("chat.n", number, e) for number, e in enumerate(exchanges, 2))
    recording.write(path, Recording(meta, tuple(exchanges), samples), redactor)
    assert recording.read(path) == Recording(
        meta,
        tuple(redactor.exchange(e) for e in exchanges),
        tuple(replace(sample, exchange=redactor.exchange(sample.exchange)) for sample in samples),
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "run.ndjson"
    whole = Recording({"contract": "openai"}, (STREAM, replace(STREAM, probe="second")))
    recording.write(path, whole, Redactor(["sk-secret-1"]))
    return path


def test_people_can_read_it(written: Path) -> None:
    line = json.loads(written.read_text().split("\n")[1])
    assert line["parts"] == [
        [10, 'data: {"é":1}\n\n'],
        [20, {"base64": "ZGF0YTog4g=="}],
        [30, {"base64": "gqwKCg=="}],
    ]
    assert 'data: {\\"é\\":1}' in written.read_text()


def test_no_secret_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    echo = replace(STREAM, parts=(Part(1, b'{"error":"bad key sk-echoed\\/1"}'),))
    recording.write(path, Recording({}, (echo,)), Redactor(["sk-echoed/1"]))
    text = path.read_text()
    assert "sk-secret-1" not in text
    assert "sk-echoed" not in text
    assert recording.read(path).exchanges[0].body == b'{"error":"bad key [redacted]"}'


def test_every_line_satisfies_the_schema(written: Path) -> None:
    validator = registry.validator("meta/recording")
    for line in written.read_text().split("\n")[:-1]:
        validator.validate(json.loads(line))


def _edit(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def _drop_line(number: int) -> Callable[[str], str]:
    def drop(text: str) -> str:
        lines = text.split("\n")
        del lines[number]
        return "\n".join(lines)

    return drop


@pytest.mark.parametrize(
    ("edit", "line", "words"),
    [
        (_edit('"wiremark":"recording/1"', '"wiremark":"recording/2"'), 1, "has the format 'recording/2'"),
        (_edit('"wiremark":"recording/1"', '"wiremark":"report/1"'), 1, "not a recording"),
        (_edit('"meta":{"contract":"openai"}', '"meta":[]'), 1, "expected type object"),
        (lambda _: "", 1, "the file is empty"),
        (lambda _: "{", 1, "no complete line"),
        (lambda _: "\n", 1, "not JSON: it is blank"),
        (lambda text: text.replace("\n", "\r\n"), 1, "its lines end in CR LF"),
        (lambda text: f"\ufeff{text}", 1, "begins with a byte order mark"),
        (_edit('"probe":"chat.stream"', f'"probe":{"[" * 100_000}'), 2, "nested too deeply"),
        (_edit('"elapsed_ns":40', f'"elapsed_ns":{"9" * 5000}'), 2, "a number of too many digits"),
        (_edit('"lines":["', '"lines":["0'), 4, "/lines/0"),
        (lambda text: re.sub(r'"lines":\["....', '"lines":["0000', text), 1, "edited"),
        (lambda text: re.sub(r'"sha256":"....', '"sha256":"0000', text), 4, "this footer is not its own"),
        (lambda text: f"{text}\n", 5, "not JSON: it is blank"),
        (lambda text: text + text, 8, "removed or added"),
        (lambda _: "[]\n", 1, "not a recording"),
        (lambda _: "GIF89a\n", 1, "not JSON"),
        (lambda text: text[:-30], 4, "cut: its last line"),
        (_drop_line(3), 3, "cut: it has no footer"),
        (lambda text: text.split("\n")[0] + "\n", 1, "cut: it has no footer"),
        (_drop_line(1), 2, "the footer counts 2 exchanges and the file holds 1"),
        (_edit('"reason":"OK"', '"reason":"KO"'), 2, "edited"),
        (_edit('"probe":"second"', '"probe":"third"'), 3, "edited"),
        (_edit('"contract":"openai"', '"contract":"generic"'), 1, "edited"),
        (_edit('"sha256":"', '"sha256":"0'), 4, "sha256"),
        (_edit('"elapsed_ns":40', '"elapsed_ns":"40"'), 2, "/elapsed_ns: expected type integer"),
        (_edit('"framing":"chunked"', '"framing":"none","x":1'), 2, "no key 'x'"),
        (_edit("ZGF0YTog4g==", "ZGF0"), 2, "edited"),
        (_edit("ZGF0YTog4g==", "!"), 2, "a body cannot be read"),
        (_edit('"probe":"chat.stream"', '"probe":'), 2, "not JSON"),
        (_edit('data: {\\"é\\"', "\\ud800"), 2, "a body cannot be read"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(
    written: Path, edit: Callable[[str], str], line: int, words: str
) -> None:
    written.write_text(edit(written.read_text()))
    with pytest.raises(BadRecording) as caught:
        recording.read(written)
    assert str(caught.value).startswith(f"{written}:{line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (gzip.compress, "it is compressed by gzip; unpack it first"),
        (lambda data: data.decode().encode("utf-16"), "it is UTF-16 text"),
        (lambda data: data.replace(b"OK", b"\xe9", 1), "is not UTF-8"),
        (lambda _: b"\0" * 5000, "no complete line"),
    ],
)
def test_bytes_that_are_no_text_are_refused(
    written: Path, change: Callable[[bytes], bytes], words: str
) -> None:
    written.write_bytes(change(written.read_bytes()))
    with pytest.raises(BadRecording, match=rf":[12]: .*{words}"):
        recording.read(written)


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="cannot be read: Is a directory"):
        recording.read(tmp_path)


def _footer(**values: Any) -> Callable[[str], str]:
    """Other values in the last line."""

    def edit(text: str) -> str:
        *lines, footer, _ = text.split("\n")
        return "\n".join([*lines, json.dumps({**json.loads(footer), **values}), ""])

    return edit


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_drop_line(2), ":3: from here on lines were removed or added: the footer counts 2 "),
        (_edit("GIF", "PNG"), ":3: the recording was edited after it was written: "),
        (_footer(sha256="0" * 64), ":4: the recording was edited after it was written: "),
        (_footer(sha256="x"), ":4: /sha256: expected text matching"),
        (_edit('"meta":{}', '"meta":5'), ":1: /meta: expected type object, got 5"),
        (lambda text: text[: text[:-1].rindex("\n")] + "\n{\n", ":4: this line is not JSON: "),
        (
            lambda text: text[: text[:-1].rindex("\n")] + "\n5\n",
            ":4: the recording is cut: it has no footer; ",
        ),
    ],
)
def test_a_file_that_is_not_whole_is_refused_at_its_line(
    tmp_path: Path, edit: Callable[[str], str], said: str
) -> None:
    path = tmp_path / "a.ndjson"
    recording.write(path, Recording({}, (STREAM, replace(STREAM, probe="GIF"))), Redactor(()))
    path.write_text(edit(path.read_text()))
    with pytest.raises(BadRecording) as refusal:
        recording.read(path)
    assert str(refusal.value).startswith(f"{path}{said}")


@pytest.mark.parametrize(("line", "name"), [(0, "meta"), (-1, "count")])
def test_a_head_or_footer_without_a_member_is_refused(written: Path, line: int, name: str) -> None:
    documents = [json.loads(text) for text in written.read_text(encoding="utf-8").splitlines()]
    del documents[line][name]
    written.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
    with pytest.raises(BadRecording, match=rf":{line % len(documents) + 1}: .*{name}"):
        recording.read(written)


def test_what_the_writer_said_is_asked_about(written: Path) -> None:
    asked: list[Any] = []
    found = recording.read(written, asked.append)
    assert asked == [found.meta]


def test_the_footer_holds_the_hash_of_all_lines_before_it(written: Path) -> None:
    *lines, last = written.read_bytes().splitlines(keepends=True)
    assert json.loads(last)["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()


def test_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.ndjson"
    recording.write(path, Recording({}, ()), Redactor(()))
    assert recording.read(path) == Recording({}, ())


def test_what_is_no_json_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        recording.write(tmp_path / "a.ndjson", Recording({"a": float("nan")}, ()), Redactor(()))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_nothing_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        recording.write(tmp_path / "a.ndjson", Recording({}, ()), Redactor(()))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="cannot be read: No such file"):
        recording.read(tmp_path / "none")


def test_writing_leaves_the_old_file_or_the_new_one(written: Path) -> None:
    before = written.read_bytes()
    with pytest.raises(TypeError):
        recording.write(written, Recording({"not JSON": object()}, (STREAM,)), Redactor(()))
    assert written.read_bytes() == before
    written.chmod(0o444)
    recording.write(written, Recording({}, ()), Redactor(()))
    assert recording.read(written) == Recording({}, ())
    assert [path.name for path in written.parent.iterdir()] == [written.name]

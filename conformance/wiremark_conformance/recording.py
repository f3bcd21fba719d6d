"""Exchanges kept in a file, to be judged again without a network.

The file is NDJSON: a header line with free `meta`, one line per exchange, a footer line with the
count, the SHA-256 of every byte before it and the beginning of each line's own, so that an edited line
can be named. Bodies stand as text wherever they are UTF-8, so a recording can be read and compared by
people. The form of each line is `meta/recording.json` in the schemas. Secrets are taken out before
anything is written.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator
from wiremark_schemas.yamlfile import BadFile

from wiremark_conformance.exchange import Exchange, Headers, Part, Request, TransportFailure
from wiremark_conformance.redact import Redactor

FORMAT = "recording/1"

# What other files begin with: bytes → what is to be said of them.
FOREIGN = (
    (b"\x1f\x8b", "it is compressed by gzip; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by zstd; unpack it first"),
    (b"PK\x03\x04", "it is a ZIP archive; unpack it first"),
    (b"\xff\xfe", "it is UTF-16 text, and must be UTF-8"),
    (b"\xfe\xff", "it is UTF-16 text, and must be UTF-8"),
)
_MARK = (b"\xef\xbb\xbf", "it begins with a byte order mark, which an editor has added")

# Fields of an Exchange that JSON holds as they are.
_PLAIN = ("probe", "status", "reason", "http_version", "framing", "started", "elapsed_ns", "cut", "origin")


class BadRecording(BadFile):
    """A file is not a whole recording of this version; the text names file, line and reason."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An exchange that was made again for a requirement of a model in a mood; `number` counts from 2."""

    requirement: str
    number: int
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds. `meta` is whatever its writer says about the run."""

    meta: Mapping[str, Any]
    exchanges: tuple[Exchange, ...]
    samples: tuple[Sample, ...] = ()


def write(path: Path, recording: Recording, redactor: Redactor) -> None:
    """Write a recording, or nothing at all: the file appears whole or not, its folder is made.

    redactor: knows the keys that may have been echoed in bodies; credentials in headers go in any case
    Raises OSError when the place cannot be written to.
    """
    documents = [{"wiremark": FORMAT, "meta": dict(recording.meta)}]
    documents += [_to_json(redactor.exchange(exchange)) for exchange in recording.exchanges]
    documents += [_sample_to_json(sample, redactor) for sample in recording.samples]
    lines = [_line(document) for document in documents]
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_whole(path, b"".join(lines) + _line(_footer(lines)))


def read(path: Path, check_meta: Callable[[Mapping[str, Any]], None] = lambda _: None) -> Recording:
    """Read a recording.

    check_meta: is given what the writer said before anything else is looked at, and may raise BadRecording

    Raises BadRecording when the file is missing, cut, edited, of another version, or not one at all.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadRecording(f"{path}: the recording cannot be read: {error.strerror}") from None
    for beginning, reason in (*FOREIGN, _MARK):
        if data.startswith(beginning):
            raise BadRecording(f"{path}:1: this is not a recording: {reason}")
    lines = data.split(b"\n")
    rest = lines.pop()
    if not lines:
        held = "it holds no complete line" if data else "the file is empty"
        raise BadRecording(f"{path}:1: this is not a recording: {held}")
    header = _document(path, 1, lines[0])
    _check_version(path, header)
    _check(path, 1, header, "header")
    check_meta(header["meta"])
    if lines[0].endswith(b"\r"):
        raise BadRecording(
            f"{path}:1: the recording was edited: its lines end in CR LF, and were written with LF"
        )
    if rest:
        raise BadRecording(f"{path}:{len(lines) + 1}: the recording is cut: its last line is not complete")
    footer = _document(path, len(lines), lines[-1])
    if not isinstance(footer, dict) or "sha256" not in footer:
        raise BadRecording(f"{path}:{len(lines)}: the recording is cut: it has no footer; record again")
    _check(path, len(lines), footer, "footer")
    count = len(lines) - 2
    if footer["count"] != count:
        number = _edited_line(lines[:-1], footer["lines"])
        raise BadRecording(
            f"{path}:{number}: from here on lines were removed or added: the footer counts "
            f"{footer['count']} exchanges and the file holds {count}"
        )
    found = [_exchange(path, number, line) for number, line in enumerate(lines[1:-1], start=2)]
    if _footer([line + b"\n" for line in lines[:-1]]) != footer:
        number = _edited_line(lines[:-1], footer["lines"])
        raise BadRecording(
            f"{path}:{number}: the recording was edited after it was written: this line is not the one "
            "whose SHA-256 the footer holds"
            if number < len(lines)
            else f"{path}:{number}: the recording was edited after it was written: this footer is not its own"
        )
    return Recording(
        header["meta"],
        tuple(entry for entry in found if isinstance(entry, Exchange)),
        tuple(entry for entry in found if isinstance(entry, Sample)),
    )


# -- lines -----------------------------------------------------------------------------------------


def _line(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8") + b"\n"


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:16]


def _edited_line(lines: list[bytes], digests: list[str]) -> int:
    """The number of the first line that is not the one written; the footer's own when all of them are."""
    found = zip(lines, digests, strict=False)
    return next(
        (n for n, (line, digest) in enumerate(found, 1) if _digest(line + b"\n") != digest), len(lines) + 1
    )


def _footer(lines: Sequence[bytes]) -> dict[str, Any]:
    """The last line, over those before it."""
    return {
        "count": len(lines) - 1,
        "sha256": hashlib.sha256(b"".join(lines)).hexdigest(),
        "lines": [_digest(line) for line in lines],
    }


def _document(path: Path, number: int, line: bytes) -> Any:
    try:
        return json.loads(line)
    except RecursionError:
        reason = "it is nested too deeply"
    except UnicodeDecodeError as error:
        reason = f"its byte {error.start + 1} is not UTF-8"
    except json.JSONDecodeError as error:
        reason = f"{error.msg} (column {error.colno})" if line.strip() else "it is blank"
    except ValueError:
        reason = "it holds a number of too many digits"
    raise BadRecording(f"{path}:{number}: this line is not JSON: {reason}")


def _check_version(path: Path, header: Any) -> None:
    found = header.get("wiremark") if isinstance(header, dict) else None
    if not isinstance(found, str) or not found.startswith("recording/"):
        raise BadRecording(f'{path}:1: this is not a recording: its first line lacks "wiremark":"{FORMAT}"')
    if found != FORMAT:
        raise BadRecording(
            f"{path}:1: this recording has the format {found!r}; this version of wiremark reads {FORMAT!r}"
        )


def _check(path: Path, number: int, document: Any, kind: str) -> None:
    found = violations(validator("meta/recording", kind), document)
    if found:
        raise BadRecording(f"{path}:{number}: {found[0]}")


def _exchange(path: Path, number: int, line: bytes) -> Exchange | Sample:
    document = _document(path, number, line)
    _check(path, number, document, "exchange")
    try:
        exchange = _from_json(document)
    except ValueError as error:  # bad base64, or a lone surrogate where UTF-8 must be
        raise BadRecording(f"{path}:{number}: a body cannot be read: {error}") from None
    mark = document.get("sample")
    return exchange if mark is None else Sample(mark["requirement"], mark["number"], exchange)


def _write_whole(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


# -- values ----------------------------------------------------------------------------------------


def _to_json(exchange: Exchange) -> dict[str, Any]:
    document = {name: getattr(exchange, name) for name in _PLAIN}
    request, failure = exchange.request, exchange.failure
    return document | {
        "request": {
            "method": request.method,
            "target": request.target,
            "headers": _pairs(request.headers),
            "body": _body(request.body),
        },
        "headers": _pairs(exchange.headers),
        "notes": list(exchange.notes),
        "interim": list(exchange.interim),
        "trailers": _pairs(exchange.trailers),
        "parts": [[part.at_ns, _body(part.data)] for part in exchange.parts],
        "failure": None if failure is None else {"kind": failure.kind, "message": failure.message},
    }


def _sample_to_json(sample: Sample, redactor: Redactor) -> dict[str, Any]:
    mark = {"requirement": sample.requirement, "number": sample.number}
    return {"sample": mark, **_to_json(redactor.exchange(sample.exchange))}


def _from_json(document: Mapping[str, Any]) -> Exchange:
    request, failure = document["request"], document["failure"]
    return Exchange(
        **{name: document[name] for name in _PLAIN},
        notes=tuple(document["notes"]),
        interim=tuple(document["interim"]),
        request=Request(
            request["method"], request["target"], _headers(request["headers"]), _bytes(request["body"])
        ),
        headers=_headers(document["headers"]),
        trailers=_headers(document["trailers"]),
        parts=tuple(Part(at_ns, _bytes(body)) for at_ns, body in document["parts"]),
        failure=None if failure is None else TransportFailure(failure["kind"], failure["message"]),
    )


def _pairs(headers: Headers) -> list[list[str]]:
    return [list(header) for header in headers]


def _headers(pairs: Iterable[list[str]]) -> Headers:
    return tuple((name, value) for name, value in pairs)


def _body(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _bytes(body: str | Mapping[str, str]) -> bytes:
    return body.encode("utf-8") if isinstance(body, str) else base64.b64decode(body["base64"], validate=True)

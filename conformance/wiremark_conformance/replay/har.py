"""HAR files read: HTTP Archive 1.2, as browsers and proxies write it (http://www.softwareishard.com/blog/har-12-spec/).

A HAR holds bodies with every coding removed, no framing, and the times of messages, not of their parts;
an exchange made from it says no more than that.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from wiremark_schemas.explain import violations
from wiremark_schemas.jsonplace import line_of
from wiremark_schemas.registry import validator
from wiremark_schemas.yamlfile import BadFile

from wiremark_conformance.content import ContentError, decode
from wiremark_conformance.exchange import Exchange, Headers, Part, Request
from wiremark_conformance.recording import FOREIGN

_NS_PER_MS = 1_000_000
_LONG_NUMBER = re.compile(r"\d{4000}")
_USUAL_PORTS = {"http": ":80", "https": ":443"}
_KIND, _STREAM = "content-type", "text/event-stream"
_NO_RESPONSE: Mapping[str, Any] = {"status": 0, "headers": [], "content": {}}
# Of a body that stands in the file decoded, these say something else than the file does.
_OF_THE_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange of a HAR.

    number: from 1, in the order of the file
    unread: why it cannot be judged, or ""
    """

    number: int
    url: str
    exchange: Exchange
    unread: str = ""

    @property
    def label(self) -> str:
        return f"entry {self.number}"


def read(path: Path) -> tuple[Entry, ...]:
    """The entries of a HAR, in its order. Raises BadFile with the line and the reason."""
    text = _text(path)
    document = _document(path, text)
    if found := violations(validator("meta/har"), document):
        raise BadFile(f"{path}:{line_of(text, found[0].pointer)}: this is no HAR 1.2: {found[0]}")
    entries = document["log"]["entries"]
    return tuple(_entry(path, text, position, entry) for position, entry in enumerate(entries))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path}: the HAR cannot be read: {error.strerror}") from None
    for beginning, reason in FOREIGN:
        if data.startswith(beginning):
            raise BadFile(f"{path}:1: this is no HAR: {reason}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile(f"{path}:{line}: the HAR is not UTF-8 text (byte {error.start})") from None


def _document(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = "; it seems to be cut" if _is_cut(text, error) else ""
        raise BadFile(f"{path}:{error.lineno}: this is not JSON: {error.msg}{cut}") from None
    except ValueError:
        found = _LONG_NUMBER.search(text)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        raise BadFile(f"{path}:{line}: this is not JSON: it holds a number of too many digits") from None
    except RecursionError:
        raise BadFile(f"{path}:1: this is nested too deeply to be a HAR") from None


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Whether reading went wrong at the end, or within a text that has none."""
    return not text[error.pos :].strip() or error.msg.startswith("Unterminated string")


def _entry(path: Path, text: str, position: int, entry: Mapping[str, Any]) -> Entry:
    try:
        return _read_entry(position + 1, entry)
    except ValueError as error:  # a URL or base64 that is none
        line = line_of(text, f"/log/entries/{position}")
        raise BadFile(f"{path}:{line}: entry {position + 1} cannot be read: {error}") from None


def _read_entry(number: int, entry: Mapping[str, Any]) -> Entry:
    asked, said = entry["request"], entry.get("response") or _NO_RESPONSE
    url = urlsplit(asked["url"])
    posted, content = asked.get("postData") or {}, said.get("content") or {}
    request = Request(
        asked["method"].upper(),
        (url.path or "/") + (f"?{url.query}" if url.query else ""),
        _headers(asked["headers"]),
        _decoded(posted.get("text") or "", posted.get("encoding"), "request"),
    )
    headers = _headers(said["headers"])
    data, coded = _uncoded(_decoded(content.get("text") or "", content.get("encoding"), "answer"), headers)
    took = round(_milliseconds(entry.get("time")) * _NS_PER_MS)
    exchange = Exchange(
        probe=f"entry {number}",
        request=request,
        status=said["status"] if said["status"] > 0 else None,
        reason=said.get("statusText") or "",
        http_version=(said.get("httpVersion") or "").lower().removeprefix("http/"),
        headers=tuple(pair for pair in headers if pair[0].lower() not in _OF_THE_TRANSFER),
        parts=(Part(took, data),) if data else (),
        started=entry.get("startedDateTime", ""),
        elapsed_ns=took,
        origin=_origin(url),
    )
    return Entry(number, asked["url"], exchange, _unread(entry, exchange, content.get("text")) or coded)


def _milliseconds(time: float | None) -> float:
    """Of an entry; 0 where the file does not know, which is written in many ways."""
    return max(time, 0) if time is not None and math.isfinite(time) else 0


def _origin(url: SplitResult) -> str:
    """As it is the same however it is written: in small letters, without its usual port or a user."""
    host = url.netloc.rpartition("@")[2].lower()
    return f"{url.scheme}://{host.removesuffix(_USUAL_PORTS.get(url.scheme, ':'))}"


def _unread(entry: Mapping[str, Any], exchange: Exchange, body: str | None) -> str:
    asked, said = entry["request"], entry.get("response") or _NO_RESPONSE
    if exchange.status is None or said.get("_error") or entry.get("_error") or said.get("_failureText"):
        return "it did not complete"
    if not exchange.headers:
        return "the file has no headers of the answer"
    if body is None or (not body and _was_lost(said)):
        return "the file has no body of the answer; save the HAR with its content"
    if asked["method"].upper() == "POST" and not exchange.request.body:
        return "the file has no body of the request"
    return ""


def _was_lost(said: Mapping[str, Any]) -> bool:
    """Whether an empty body stands for one that was not kept, as browsers do with streams read as events."""
    content = said.get("content") or {}
    kinds = [content.get("mimeType") or "", *(v for n, v in _headers(said["headers"]) if n.lower() == _KIND)]
    size, sent = content.get("size") or 0, said.get("bodySize") or 0
    return size != 0 or sent > 0 or any(kind.lower().startswith(_STREAM) for kind in kinds)


def _decoded(text: str, encoding: str | None, of: str) -> bytes:
    if (encoding or "").lower() == "base64":
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except binascii.Error as error:
            raise ValueError(f"the body of the {of} is not base64: {error}") from None
    return text.encode("utf-8", "replace")


def _uncoded(data: bytes, headers: Headers) -> tuple[bytes, str]:
    """A body without the coding that some proxies leave on it, and why it cannot be read, or ""."""
    coding = next((value for name, value in headers if name.lower() == "content-encoding"), "")
    try:
        data.decode()
    except UnicodeDecodeError:
        if coding:
            try:
                return decode(data, coding), ""
            except ContentError:
                return b"", f"its body stands in the file in the coding {coding!r}"
    return data, ""


def _headers(pairs: list[Mapping[str, str | None]]) -> Headers:
    """Without the pseudo-headers of HTTP/2."""
    return tuple((p["name"] or "", p["value"] or "") for p in pairs if not (p["name"] or "").startswith(":"))

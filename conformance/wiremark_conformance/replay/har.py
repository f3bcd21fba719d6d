"""HAR files read: HTTP Archive 1.2, as browsers and proxies write it (http://www.softwareishard.com/blog/har-12-spec/).

A HAR holds bodies with every coding removed, no framing, and the times of messages, not of their parts;
an exchange made from it says no more than that.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wiremark_schemas.explain import violations
from wiremark_schemas.jsonplace import line_of
from wiremark_schemas.registry import validator
from wiremark_schemas.yamlfile import BadFile

from wiremark_conformance.exchange import Exchange, Headers, Part, Request

_NS_PER_MS = 1_000_000
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
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"{path}: the HAR is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise BadFile(f"{path}: the HAR cannot be read: {error.strerror}") from None
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        cut = "; it seems to be cut" if not text[error.pos :].strip() else ""
        raise BadFile(f"{path}:{error.lineno}: this is not JSON: {error.msg}{cut}") from None
    except RecursionError:
        raise BadFile(f"{path}:1: this is nested too deeply to be a HAR") from None
    if found := violations(validator("meta/har"), document):
        raise BadFile(f"{path}:{line_of(text, found[0].pointer)}: this is no HAR 1.2: {found[0]}")
    entries = document["log"]["entries"]
    return tuple(_entry(path, text, position, entry) for position, entry in enumerate(entries))


def _entry(path: Path, text: str, position: int, entry: Mapping[str, Any]) -> Entry:
    try:
        return _read_entry(position + 1, entry)
    except ValueError as error:  # a URL or base64 that is none
        line = line_of(text, f"/log/entries/{position}")
        raise BadFile(f"{path}:{line}: entry {position + 1} cannot be read: {error}") from None


def _read_entry(number: int, entry: Mapping[str, Any]) -> Entry:
    asked, said = entry["request"], entry["response"]
    url = urlsplit(asked["url"])
    posted = asked.get("postData") or {}
    body = said["content"].get("text")
    request = Request(
        asked["method"],
        (url.path or "/") + (f"?{url.query}" if url.query else ""),
        _headers(asked["headers"]),
        (posted.get("text") or "").encode("utf-8", "replace"),
    )
    data = _decoded(body or "", said["content"].get("encoding"))
    took = round(max(entry.get("time") or 0, 0) * _NS_PER_MS)
    exchange = Exchange(
        probe=f"entry {number}",
        request=request,
        status=said["status"] if said["status"] > 0 else None,
        reason=said.get("statusText") or "",
        http_version=(said.get("httpVersion") or "").lower().removeprefix("http/"),
        headers=tuple(pair for pair in _headers(said["headers"]) if pair[0].lower() not in _OF_THE_TRANSFER),
        parts=(Part(took, data),) if data else (),
        started=entry.get("startedDateTime", ""),
        elapsed_ns=took,
        origin=f"{url.scheme}://{url.netloc.rpartition('@')[2]}",
    )
    return Entry(number, asked["url"], exchange, _unread(entry, exchange, body))


def _unread(entry: Mapping[str, Any], exchange: Exchange, body: str | None) -> str:
    asked, said = entry["request"], entry["response"]
    if exchange.status is None or said.get("_error") or entry.get("_error"):
        return "it did not complete"
    # Of a stream that was read as events, browsers keep neither text nor size.
    if body is None or (not body and (said["content"].get("size") or 0) > 0):
        return "the file has no body of the answer; save the HAR with its content"
    if asked["method"] == "POST" and not exchange.request.body:
        return "the file has no body of the request"
    return ""


def _decoded(text: str, encoding: str | None) -> bytes:
    if encoding == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError(f"the body of the answer is not base64: {error}") from None
    return text.encode("utf-8", "replace")


def _headers(pairs: list[Mapping[str, str]]) -> Headers:
    """Without the pseudo-headers of HTTP/2."""
    return tuple((pair["name"], pair["value"]) for pair in pairs if not pair["name"].startswith(":"))

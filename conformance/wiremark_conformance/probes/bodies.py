"""Probes of odd requests: bodies at the edge of JSON, unusual headers and queries.

Each is a good request but for one thing. What must be refused, what may be either refused or
answered, and what must be answered is said by the requirements.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

from wiremark_conformance.exchange import Headers
from wiremark_conformance.probes.chat import AT_ONCE, HELLO, WITH_CHARSET
from wiremark_conformance.probes.models import UNKNOWN_MODEL
from wiremark_conformance.probes.table import Draft, Key, Probe, ProbeContext, chat, path

DEPTH = 5000  # levels; far beyond any use, and beyond what a recursive parser survives
WORDS_AFTER_NUL = 40
_FILLER = ("x-wiremark-filler", "x" * 80 * 1024)  # more than any server in use takes
_PLACE = "HERE"


def _good(context: ProbeContext, text: str = "Say hello.") -> bytes:
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": context.target.model, "messages": messages, "max_tokens": 16}).encode()


def _post(context: ProbeContext, body: bytes, *headers: tuple[str, str], **how: Any) -> Draft:
    return Draft("POST", path(context, "chat.create"), body, headers=headers, **how)


def _with(member: bytes) -> Any:
    """A good body with one more member, written as it stands."""
    return lambda context: _post(context, _good(context)[:-1] + b", " + member + b"}")


def _saying(text: bytes) -> Any:
    """A good body whose user says these bytes of JSON text."""

    def draft(context: ProbeContext) -> Draft:
        return _post(context, _good(context, _PLACE).replace(_PLACE.encode(), text))

    return draft


def _gzip(context: ProbeContext) -> Draft:
    return _post(context, gzip.compress(_good(context), mtime=0), ("content-encoding", "gzip"))


def _models(query: str = "", method: str = "GET", headers: Headers = (), key: Key = "role") -> Any:
    return lambda context: Draft(method, path(context, "models.list") + query, headers=headers, key=key)


TABLE = (
    Probe("bodies.invalid-utf8", _saying(b"Say \xff\xfe hello."), capability="errors"),
    Probe("bodies.bom", lambda c: _post(c, b"\xef\xbb\xbf" + _good(c)), capability="errors"),
    Probe("bodies.duplicate", _with(b'"max_tokens": 8'), capability="errors"),
    Probe("bodies.deep", _with(b'"wiremark": ' + b"[" * DEPTH + b"]" * DEPTH), capability="errors"),
    Probe("bodies.huge-number", _with(b'"temperature": 1e400'), capability="errors"),
    Probe("bodies.nan", _with(b'"temperature": NaN'), capability="errors"),
    Probe("bodies.nul", _saying(b"Say hello.\\u0000" + b" hello" * WORDS_AFTER_NUL), capability="errors"),
    Probe("bodies.nul.without", _saying(b"Say hello."), capability="errors"),
    Probe("bodies.surrogate", _saying(b"Repeat after me: \\ud800."), capability="errors"),
    Probe("bodies.gzip", _gzip, capability="errors"),
    Probe(
        "bodies.charset",
        lambda c: _post(c, _good(c), WITH_CHARSET),
        capability="chat",
        within=AT_ONCE,
    ),
    Probe("bodies.expect", lambda c: _post(c, _good(c), ("expect", "100-continue")), capability="chat"),
    Probe("http.query", _models("?beta=true&include%5B%5D=a&include%5B%5D=b"), capability="models"),
    Probe("http.head", _models(method="HEAD"), capability="models"),
    Probe(
        "http.large-header",
        _models(headers=(_FILLER,)),
        capability="models",
    ),
    Probe(
        "auth.no-key.malformed",
        lambda c: _post(c, _good(c)[:-20], key="none"),
        capability="auth",
    ),
    Probe(
        "auth.no-key.unknown-model",
        lambda c: chat(c, {"model": UNKNOWN_MODEL, "messages": HELLO}, key="none"),
        capability="auth",
    ),
    Probe(
        "auth.no-key.models", lambda c: Draft("GET", path(c, "models.list"), key="none"), capability="auth"
    ),
)

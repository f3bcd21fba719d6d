"""Requests as the bytes that go out; no sockets."""

from __future__ import annotations

import re

from wiremark_conformance.endpoint import Endpoint
from wiremark_conformance.exchange import Headers, Request

CHUNK_SIZE = 64 * 1024
_BREAKS = re.compile(r"[\r\n\0]")
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def complete(request: Request, base: Endpoint, *, keep: bool = False) -> Request:
    """`request` with the headers that HTTP/1.1 asks of every client, and the wish that nothing follows."""
    given = {name.lower() for name, _ in request.headers}
    for text in (request.method, request.target, *(piece for header in request.headers for piece in header)):
        if _BREAKS.search(text):
            raise ValueError("a request's method, target or header holds a line break or a NUL")
    if not request.target.startswith(("/", "*")) or " " in request.target:
        raise ValueError("a request's target begins with a slash and holds no space")
    first: Headers = () if "host" in given else (("host", base.host_header),)
    last: Headers = ()
    has_body = bool(request.body) or request.method in _METHODS_WITH_BODY
    if has_body and not given & {"content-length", "transfer-encoding"}:
        last += (("content-length", str(len(request.body))),)
    if "connection" not in given and not keep:
        last += (("connection", "close"),)
    return Request(request.method, request.target, first + request.headers + last, request.body)


def wire(request: Request) -> bytes:
    """The bytes of a request. Raises ValueError for what cannot be written as HTTP/1.1."""
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    try:
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("a request's target or header holds a character outside Latin-1") from None
    chunked = any(
        name.lower() == "transfer-encoding" and value.lower() == "chunked" for name, value in request.headers
    )
    return head + (_chunks(request.body) if chunked else request.body)


def _chunks(body: bytes) -> bytes:
    pieces = [body[start : start + CHUNK_SIZE] for start in range(0, len(body), CHUNK_SIZE)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

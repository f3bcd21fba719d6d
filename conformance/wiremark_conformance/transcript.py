"""An exchange as text for people, and as a curl line. Knows nothing of secrets: `redact.py` calls it.

Control characters are shown as escapes, so that a hostile body cannot command a terminal.
"""

from __future__ import annotations

import re
import shlex

from wiremark_conformance.content import ContentError
from wiremark_conformance.exchange import Exchange, Headers, Request

SHOWN = 4 * 1024  # bytes of a body that a transcript shows

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOT_FOR_SHELL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_MADE_BY_CURL = frozenset({"host", "content-length", "connection"})
_ADDED_BY_CURL = ("accept", "user-agent", "content-type")  # unless taken away by an empty -H


def request(request: Request) -> str:
    """A request as text, its body cut to SHOWN bytes."""
    first = f"{request.method} {request.target} HTTP/1.1"
    return _message(first, request.headers, _body(request.body, _media_type(request.headers)))


def response(exchange: Exchange) -> str:
    """What came back as text: head, body cut to SHOWN bytes, and remarks in brackets."""
    remarks = [f"[note: {note}]" for note in exchange.notes]
    if exchange.failure is not None:
        remarks.append(f"[{exchange.failure.kind}: {exchange.failure.message}]")
    if exchange.cut:
        remarks.append("[closed on purpose by the probe]")
    tail = _visible("\n".join(remarks))
    if exchange.status is None:
        return f"[no response]\n{tail}".rstrip("\n")
    first = f"HTTP/{exchange.http_version} {exchange.status} {exchange.reason}".rstrip()
    try:
        content = exchange.content
    except ContentError as error:
        content, tail = exchange.body, f"[{error}]\n{tail}"
    text = _message(first, exchange.headers, _body(content, _media_type(exchange.headers)))
    return f"{text}\n{tail}".rstrip("\n") if tail else text


def curl(exchange: Exchange, mark: str, others: frozenset[str] = frozenset()) -> str:
    """A curl command for a POSIX shell that repeats the request.

    mark:   stands in the request wherever a secret was; it becomes `$API_KEY`
    others: names (lower case) of headers whose mark becomes `$OTHER_API_KEY`

    A body that is long or not text is not in the line: it then reads `body.bin`, and a comment
    below says what that file must hold.
    """
    request = exchange.request
    host = next((value for name, value in request.headers if name.lower() == "host"), "")
    url = (exchange.origin or f"http://{host}") + request.target
    words = ["curl", "-sS", "-i", "-N", "--http1.1"]
    if re.search(r"[\[\]{}]", url):
        words.append("--globoff")
    if "/." in request.target:
        words.append("--path-as-is")
    words += ["--head"] if request.method == "HEAD" else ["-X", _word(request.method, mark)]
    words.append(_word(url, mark))
    given = {name.lower() for name, _ in request.headers}
    for name, value in request.headers:
        if name.lower() not in _MADE_BY_CURL or (name.lower() == "host" and not _same_host(exchange, value)):
            variable = "OTHER_API_KEY" if name.lower() in others else "API_KEY"
            words += ["-H", _word(f"{name}: {value}" if value else f"{name};", mark, variable)]
    words += [piece for name in _ADDED_BY_CURL if name not in given for piece in ("-H", f"{name}:")]
    comment = ""
    if request.body or "content-length" in given:
        if len(request.body) <= SHOWN and _is_text(request.body) and not _NOT_FOR_SHELL.search(request.body):
            words += ["--data-raw", _word(request.body.decode(), mark)]
        else:
            words += ["--data-binary", "@body.bin"]
            start = request.body[:32]
            comment = f"\n# body.bin: the request body, {len(request.body)} bytes that begin with {start!r}"
    return " ".join(words) + comment


def _same_host(exchange: Exchange, host: str) -> bool:
    return not exchange.origin or exchange.origin.partition("://")[2] == host


def _word(text: str, mark: str, variable: str = "API_KEY") -> str:
    """One shell word; each mark becomes a variable, in the double quotes that keep it one word."""
    pieces = [shlex.quote(piece) if piece else "" for piece in text.split(mark)]
    return f'"${variable}"'.join(pieces) or "''"


def _message(first: str, headers: Headers, body: str) -> str:
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    return _visible("\n".join(lines)) + (f"\n\n{body}" if body else "")


def _media_type(headers: Headers) -> str:
    values = [value for name, value in headers if name.lower() == "content-type"]
    return values[0].partition(";")[0].strip() if values else ""


def _body(body: bytes, media_type: str) -> str:
    if not body:
        return ""
    if not _is_text(body):
        return f"[{len(body)} bytes of {media_type or 'no media type'}, not text]"
    shown = body[:SHOWN].decode("utf-8", "ignore")  # the cut may split a character
    rest = len(body) - len(shown.encode())
    return _visible(shown) + (f"\n[… and {rest} more bytes]" if rest else "")


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in body


def _visible(text: str) -> str:
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)

"""Secrets taken out of everything that is printed or kept.

A known secret is found in any spelling a server may echo it in: as it is, JSON-escaped,
percent-encoded or as HTML entities, character by character. Headers that carry credentials lose
their value even when it is not known. What this cannot see: a secret that a server took apart, or
coded in another way (base64 outside of an authorization header).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from wiremark_reports.record import Evidence

from wiremark_conformance import transcript
from wiremark_conformance.content import ContentError
from wiremark_conformance.exchange import Exchange, Headers, Part, Request

MARK = "[redacted]"

# Shorter keys are the placeholders people give to servers without authentication ("x", "no"):
# taking them out of every word would only make the evidence unreadable.
MIN_SECRET = 4

_CREDENTIAL_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "set-cookie"}
)
_CREDENTIAL_QUERY = re.compile(r"(?i)([?&](?:key|api[-_]?key|access_token)=)[^&#\s]+")
_SCHEME_AND_VALUE = re.compile(r"(?i)(bearer|basic)( +)(.*)")
_HTML = {"&": b"&amp;", "<": b"&lt;", ">": b"&gt;", '"': b"&quot;", "'": b"&apos;"}


def _spellings(character: str) -> bytes:
    """A pattern for one character in every spelling it may be echoed in."""
    utf8 = character.encode("utf-8", "surrogatepass")
    utf16 = character.encode("utf-16-be", "surrogatepass")
    units = [utf16[i : i + 2].hex() for i in range(0, len(utf16), 2)]
    forms = [
        re.escape(utf8),
        b"(?i:" + "".join(rf"\\u{unit}" for unit in units).encode() + b")",
        b"(?i:" + "".join(f"%{byte:02x}" for byte in utf8).encode() + b")",
        b"(?i:&#0*%d;|&#x0*%x;)" % (ord(character), ord(character)),
    ]
    if character in '"\\/':
        forms.append(re.escape(b"\\" + utf8))
    if character in _HTML:
        forms.append(_HTML[character])
    if character == " ":
        forms.append(rb"\+")
    # The escaped forms first: of `\/` the backslash belongs to the secret's spelling.
    return b"(?:" + b"|".join(reversed(forms)) + b")"


def _pattern(secrets: Collection[str]) -> re.Pattern[bytes] | None:
    known = sorted({secret for secret in secrets if len(secret) >= MIN_SECRET}, key=len, reverse=True)
    if not known:
        return None
    return re.compile(b"|".join(b"".join(_spellings(c) for c in secret) for secret in known))


class Redactor:
    """Takes a set of secrets out of text, bytes, headers and exchanges; its repr shows none."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._pattern = _pattern(secrets)

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of each secret in `data`."""
        return (match.span() for match in self._pattern.finditer(data)) if self._pattern else iter(())

    def data(self, data: bytes) -> bytes:
        """`data` with each secret replaced by MARK."""
        return self._pattern.sub(MARK.encode(), data) if self._pattern else data

    def text(self, text: str) -> str:
        """`text` with each secret replaced by MARK."""
        if self._pattern is None:
            return text
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def target(self, target: str) -> str:
        """A path with query, without the keys in it."""
        return _CREDENTIAL_QUERY.sub(rf"\g<1>{MARK}", self.text(target))

    def header(self, name: str, value: str) -> str:
        """The value of a header, without the credential in it."""
        if name.lower() not in _CREDENTIAL_HEADERS:
            return self.target(value)
        scheme = _SCHEME_AND_VALUE.fullmatch(value)
        if scheme is not None:
            return f"{scheme[1]}{scheme[2]}{MARK if scheme[3] else ''}"
        return MARK if value else ""

    def headers(self, headers: Headers) -> Headers:
        return tuple((self.text(name), self.header(name, value)) for name, value in headers)

    def request(self, request: Request) -> Request:
        return Request(
            self.text(request.method),
            self.target(request.target),
            self.headers(request.headers),
            self.data(request.body),
        )

    def parts(self, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """Parts without secrets, also those that arrived in pieces; MARK stands where one began."""
        spans = list(self.spans(b"".join(part.data for part in parts)))
        if not spans:
            return parts
        kept: list[Part] = []
        start = 0
        for part in parts:
            end = start + len(part.data)
            data, position = b"", start
            for first, last in spans:
                if last <= start or first >= end:
                    continue
                data += part.data[position - start : max(first, start) - start]
                data += MARK.encode() if first >= start else b""
                position = min(last, end)
            data += part.data[position - start :]
            if data:
                kept.append(Part(part.at_ns, data))
            start = end
        return tuple(kept)

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange as it may be kept: equal to itself but for the secrets."""
        failure = exchange.failure
        return replace(
            exchange,
            request=self.request(exchange.request),
            reason=self.text(exchange.reason),
            headers=self.headers(exchange.headers),
            trailers=self.headers(exchange.trailers),
            notes=tuple(self.text(note) for note in exchange.notes),
            failure=failure and replace(failure, message=self.text(failure.message)),
            parts=self._hidden_parts(exchange) or self.parts(exchange.parts),
        )

    def _hidden_parts(self, exchange: Exchange) -> tuple[Part, ...]:
        """Of a compressed body that holds a secret nothing can be kept."""
        if exchange.header("content-encoding") is None or not exchange.parts:
            return ()
        try:
            found = next(self.spans(exchange.content), None)
        except ContentError:
            return ()
        return (Part(exchange.parts[0].at_ns, MARK.encode()),) if found else ()


def evidence(exchange: Exchange, secrets: Collection[str]) -> Evidence:
    """An exchange as text for a report: request, response, and a curl line that repeats the request.

    In the curl line a known secret is `$API_KEY`, any other credential `$OTHER_API_KEY`.
    """
    redactor = Redactor(secrets)
    clean = redactor.exchange(exchange)
    return Evidence(
        probe=exchange.probe,
        request=transcript.request(clean.request),
        response=transcript.response(clean),
        curl=transcript.curl(clean, MARK, others=_foreign_credentials(exchange.request, redactor)),
    )


def _foreign_credentials(request: Request, redactor: Redactor) -> frozenset[str]:
    """Names of credential headers whose value is none of the known secrets, such as a made-up key."""
    return frozenset(
        name.lower()
        for name, value in request.headers
        if name.lower() in _CREDENTIAL_HEADERS and MARK not in value and redactor.text(value) == value
    )

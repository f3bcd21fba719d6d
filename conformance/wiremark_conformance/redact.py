"""Secrets taken out of everything that is printed or kept.

A known secret is found in any spelling a server may echo it in: as it is, JSON-escaped,
percent-encoded or as HTML entities, character by character. Headers that carry credentials lose
their value even when it is not known. What this cannot see: a secret that a server took apart, or
coded in another way (base64 outside of an authorization header).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
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
_CREDENTIAL_QUERY = re.compile(r"(?i)([?&](?:key|api[-_]?key|access_token)=)([^&#\s]+)")
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


def _pattern(secrets: Collection[str], spelled: Callable[[str], bytes]) -> re.Pattern[bytes] | None:
    """Finds each of the secrets, those first that come first; the number of the group says which."""
    if not secrets:
        return None
    return re.compile(b"|".join(b"(%b)" % b"".join(spelled(c) for c in secret) for secret in secrets))


def _plain(character: str) -> bytes:
    return rb"[ +]" if character == " " else re.escape(character.encode("utf-8", "surrogatepass"))


# Without one of these bytes in a text, a secret can only stand in it as it is: much faster to look for.
_ESCAPES = (b"\\", b"%", b"&")


def credentials_in(requests: Iterable[Request]) -> tuple[str, ...]:
    """The keys that requests carry in their headers and queries, each once, in order of appearance."""
    found: dict[str, None] = {}
    for request in requests:
        for name, value in request.headers:
            if name.lower() in _CREDENTIAL_HEADERS and name.lower() != "cookie":
                scheme = _SCHEME_AND_VALUE.fullmatch(value)
                found[scheme[3] if scheme else value] = None
        found |= {match[2]: None for match in _CREDENTIAL_QUERY.finditer(request.target)}
    return tuple(key for key in found if key)


class Redactor:
    """Takes a set of secrets out of text, bytes, headers and exchanges; its repr shows none.

    marks: what stands in the place of each secret instead of MARK
    other: what stands in the place of a credential that is none of the secrets
    """

    def __init__(
        self, secrets: Collection[str], marks: Mapping[str, str] | None = None, other: str = MARK
    ) -> None:
        marks = marks or {}
        known = sorted({secret for secret in secrets if len(secret) >= MIN_SECRET}, key=len, reverse=True)
        self._plain = _pattern(known, _plain)
        self._spelled = _pattern(known, _spellings)
        self._marks = tuple(marks.get(secret, MARK).encode() for secret in known)
        self._given = marks
        self._other = other

    def spans(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Start and end of each secret in `data`, and what is to stand there."""
        pattern = self._pattern(data)
        found = pattern.finditer(data) if pattern else iter(())
        return ((*match.span(), self._mark(match)) for match in found)

    def _pattern(self, data: bytes) -> re.Pattern[bytes] | None:
        """What to look for in `data`; None when there are no secrets."""
        return self._spelled if any(escape in data for escape in _ESCAPES) else self._plain

    def _mark(self, match: re.Match[bytes]) -> bytes:
        return self._marks[(match.lastindex or 1) - 1]

    def data(self, data: bytes) -> bytes:
        """`data` with each secret replaced by its mark."""
        pattern = self._pattern(data)
        return pattern.sub(self._mark, data) if pattern else data

    def text(self, text: str) -> str:
        """`text` with each secret replaced by its mark."""
        if self._plain is None:
            return text
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def target(self, target: str) -> str:
        """A path with query, without the keys in it."""
        return _CREDENTIAL_QUERY.sub(lambda found: found[1] + self._credential(found[2]), self.text(target))

    def _credential(self, value: str) -> str:
        """What stands in the place of a whole credential."""
        marks = self._given.values()
        marked = value if value in marks else self._given.get(value) or self.text(value)
        return marked if marked in marks else self._other

    def header(self, name: str, value: str) -> str:
        """The value of a header, without the credential in it."""
        if name.lower() not in _CREDENTIAL_HEADERS:
            return self.target(value)
        scheme = _SCHEME_AND_VALUE.fullmatch(value)
        if scheme is not None:
            return f"{scheme[1]}{scheme[2]}{self._credential(scheme[3]) if scheme[3] else ''}"
        return self._credential(value) if value else ""

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
        """Parts without secrets, also those that arrived in pieces; the mark stands where one began."""
        spans = list(self.spans(b"".join(part.data for part in parts)))
        if not spans:
            return parts
        kept: list[Part] = []
        start = 0
        for part in parts:
            end = start + len(part.data)
            data, position = b"", start
            for first, last, mark in spans:
                if last <= start or first >= end:
                    continue
                data += part.data[position - start : max(first, start) - start]
                data += mark if first >= start else b""
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
        """Of a compressed body that holds a secret nothing is kept but the first mark."""
        if exchange.header("content-encoding") is None or not exchange.parts:
            return ()
        try:
            found = next(self.spans(exchange.content), None)
        except ContentError:
            return ()
        return (Part(exchange.parts[0].at_ns, found[2]),) if found else ()


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

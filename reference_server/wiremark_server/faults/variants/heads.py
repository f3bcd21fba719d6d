"""Response heads: names, values and companions that HTTP leaves to the server."""

from __future__ import annotations

from wiremark_server.faults.change import CHAT, with_header, without_header
from wiremark_server.faults.edit import Head, Headers, On
from wiremark_server.faults.variants.writing import HTTP, named

_variant = named("head")
_ALL, _STREAMS, _REFUSALS = On(), On(CHAT, "stream"), On(form="refusal")
_TYPE = b"content-type"


def _added(on: On, *more: tuple[bytes, bytes]) -> Head:
    def change(status: int, headers: Headers) -> int:
        headers.extend(more)
        return status

    return Head(on, change)


def _renamed(status: int, headers: Headers) -> int:
    headers[:] = [(b"-".join(w.capitalize() for w in name.split(b"-")), value) for name, value in headers]
    return status


def _reversed(status: int, headers: Headers) -> int:
    headers.reverse()
    return status


def _as_uuid(value: bytes) -> bytes:
    return b"%b-%b-4000-8000-%b" % (value[4:12], value[12:16], value[16:28])


def _charset(value: bytes) -> bytes:
    return value if b";" in value else value + b"; charset=utf-8"


TABLE = (
    _variant("charset", "The media type has a charset.", HTTP, with_header(_ALL, _TYPE, _charset)),
    _variant(
        "charset-odd",
        "The charset of the media type is in capitals and without a space.",
        HTTP,
        with_header(_ALL, _TYPE, lambda value: value if b";" in value else value + b";charset=UTF-8"),
    ),
    _variant(
        "type-capitals",
        "The media type is written with capitals.",
        "RFC 9110, section 8.3.1: media types are compared without case.",
        with_header(_ALL, _TYPE, lambda value: value.replace(b"application/json", b"Application/JSON")),
    ),
    _variant(
        "proxy",
        "There are the headers of a proxy.",
        HTTP,
        _added(_ALL, (b"via", b"1.1 example"), (b"server", b"example"), (b"cf-ray", b"8a1b2c3d-FRA")),
    ),
    _variant(
        "cookies",
        "Two cookies are set.",
        HTTP,
        _added(_ALL, (b"set-cookie", b"__a=1; HttpOnly; Secure"), (b"set-cookie", b"b=2; Path=/")),
    ),
    _variant(
        "security",
        "There are headers about security that are for browsers.",
        HTTP,
        _added(
            _ALL,
            (b"strict-transport-security", b"max-age=31536000"),
            (b"x-content-type-options", b"nosniff"),
            (b"alt-svc", b'h3=":443"; ma=86400'),
        ),
    ),
    _variant(
        "vary",
        "There are two `Vary` headers.",
        HTTP,
        _added(_ALL, (b"vary", b"Origin"), (b"vary", b"Accept")),
    ),
    _variant(
        "keep-alive",
        "Streams tell that the connection is kept.",
        HTTP,
        _added(_STREAMS, (b"keep-alive", b"timeout=5")),
    ),
    _variant(
        "connection-close",
        "No connection is kept, and every answer says so.",
        HTTP,
        with_header(_ALL, b"connection", b"close"),
        socket=True,
    ),
    _variant(
        "cache-control-many",
        "Streams must not be kept, not be changed, and are private.",
        HTTP,
        with_header(_STREAMS, b"cache-control", b"no-cache, no-transform, private"),
    ),
    _variant(
        "challenge-realm",
        "The challenge of a 401 has a realm and an error.",
        "RFC 6750, section 3.",
        with_header(
            On(form="refusal", status=401),
            b"www-authenticate",
            b'Bearer realm="api", error="invalid_token"',
        ),
    ),
    _variant(
        "allow-more",
        "A 405 allows more methods than are used.",
        "RFC 9110, section 10.2.1.",
        with_header(On(form="refusal", status=405), b"allow", lambda value: value + b", OPTIONS"),
    ),
    _variant(
        "no-processing-time",
        "Answers do not say how long they took.",
        "The header is not promised.",
        without_header(_ALL, b"openai-processing-ms"),
    ),
    _variant(
        "request-id-uuid",
        "Refusals have a UUID as their request id.",
        "The id is opaque.",
        with_header(
            _REFUSALS,
            b"x-request-id",
            _as_uuid,
        ),
    ),
    _variant(
        "reversed", "The headers are in another order.", "RFC 9110, section 5.3.", Head(_ALL, _reversed)
    ),
    _variant(
        "names-capitals",
        "The names of headers are written with capitals.",
        "RFC 9110, section 5.1: names are compared without case.",
        Head(_ALL, _renamed),
    ),
)

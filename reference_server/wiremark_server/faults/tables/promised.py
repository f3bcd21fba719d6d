"""Promises that no bundled contract makes: web pages, and messages for keys with a monthly cap."""

from __future__ import annotations

from wiremark_server.faults.change import body, put, refuse, status, with_header, without_header
from wiremark_server.faults.edit import On
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.tables.messages.words import MESSAGES

_cors = named("cors", "browsers")
_capped = named("messages.limits", "capped")
_PREFLIGHT = On("", where=lambda ask: ask.method == "OPTIONS")
_ORIGIN = b"access-control-allow-origin"
_SPENT = On(MESSAGES, "refusal", status=402)

TABLE: tuple[Fault, ...] = (
    _cors(
        "preflight-refused",
        "policy",
        "A preflight without a key is refused.",
        refuse(_PREFLIGHT, 401, "Give a key.", "invalid_api_key"),
        catches=("cors.preflight",),
        allows=("cors.*",),
    ),
    _cors(
        "headers-any",
        "headers",
        "A preflight allows any header, which leaves `Authorization` out.",
        with_header(_PREFLIGHT, b"access-control-allow-headers", b"*"),
        catches=("cors.allow-headers",),
    ),
    _cors(
        "headers-few",
        "headers",
        "A preflight does not allow the headers that an SDK adds.",
        with_header(_PREFLIGHT, b"access-control-allow-headers", b"authorization, content-type"),
        catches=("cors.allow-headers",),
    ),
    _cors(
        "methods-get",
        "headers",
        "A preflight allows GET alone.",
        with_header(_PREFLIGHT, b"access-control-allow-methods", b"GET"),
        catches=("cors.allow-methods",),
    ),
    _cors(
        "refusals-hidden",
        "headers",
        "A page cannot read refusals.",
        without_header(On(None, "refusal"), _ORIGIN),
        catches=("cors.answers",),
    ),
    _cors(
        "answers-hidden",
        "headers",
        "A page cannot read answers.",
        without_header(On(None, "answer"), _ORIGIN),
        catches=("cors.answers",),
        allows=("cors.*",),
    ),
    _capped(
        "cap-forbidden",
        "policy",
        "A key that has reached its monthly cap is refused with 403.",
        status(_SPENT, 403),
        catches=("messages.limits.cap", "contract.messages.monthly-cap"),
        allows=("messages.*", "contract.messages.*"),
    ),
    _capped(
        "cap-type",
        "errors",
        "A key that has reached its monthly cap is refused with another type than promised.",
        body(put("/error/type", "api_error"), MESSAGES, "refusal"),
        catches=("contract.messages.monthly-cap",),
        allows=("messages.*", "contract.messages.*"),
    ),
)

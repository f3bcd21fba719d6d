"""Keys, browsers, request ids, limits: policies and the headers that tell of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec

from wiremark_server.dialects.format import RequestHead
from wiremark_server.domain.problem import ProblemError
from wiremark_server.edge.handler import new_request_id
from wiremark_server.faults.change import (
    CHAT,
    answer,
    body,
    put,
    refuse,
    with_document,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import (
    Ask,
    Document,
    Head,
    Headers,
    Inside,
    Instead,
    On,
    Promise,
    Question,
    Reply,
)
from wiremark_server.faults.fault import Fault, named
from wiremark_server.keys import Key, KeyStore
from wiremark_server.policy.call import Services

_fault = named("")
_ALL = On()
_ANSWERS = On(form="answer")
_STREAMS = On(form="stream")
_REFUSALS = On(form="refusal")
_REQUESTS = b"x-ratelimit-remaining-requests"


def _status_is(*statuses: int, change: Callable[[int, Headers], int]) -> Head:
    """Change the heads of refusals with one of these statuses."""
    return Head(_REFUSALS, lambda found, headers: change(found, headers) if found in statuses else found)


def _set(name: bytes, value: bytes | None) -> Callable[[int, Headers], int]:
    def change(found: int, headers: Headers) -> int:
        headers[:] = [(n, v) for n, v in headers if n != name]
        if value is not None:
            headers.append((name, value))
        return found

    return change


def _becomes(value: int) -> Callable[[int, Headers], int]:
    return lambda _found, _headers: value


def _keys(decide: Callable[[Key], Key]) -> Inside:
    """Keys are known for what `decide` makes of them."""

    def change(services: Services, _: KeyStore) -> Services:
        original = services.authenticate
        return dataclasses.replace(services, authenticate=lambda head: decide(original(head)))

    return Inside(change)


def _let_in(when: Callable[[RequestHead], bool]) -> Inside:
    """Credentials that are refused get in as the owner of the first key."""

    def change(services: Services, keys: KeyStore) -> Services:
        original = services.authenticate

        def authenticate(head: RequestHead) -> Key:
            try:
                return original(head)
            except ProblemError:
                if not when(head):
                    raise
                return keys.all()[0]

        return dataclasses.replace(services, authenticate=authenticate)

    return Inside(change)


def _has_key(head: RequestHead) -> bool:
    return head("authorization") is not None


def _is_wrong_key(head: RequestHead) -> bool:
    return "wrong-key" in (head("authorization") or "")


def _of_role(role: str, **changes: Any) -> Inside:
    return _keys(lambda key: dataclasses.replace(key, **changes) if key.role_hint == role else key)


def _promise(change: Callable[[Document], None]) -> tuple[Promise]:
    return (Promise(change),)


def _cors_allowed(document: Document) -> None:
    document["cors"] = "allow"


def _echo(ask: Ask) -> Reply:
    """A 401 like any other, with the whole key in its message."""
    key = ask.header(b"authorization").removeprefix(b"Bearer ").decode("latin-1")
    error = {
        "message": f"Incorrect API key provided: {key}.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
    headers = [
        (b"x-request-id", new_request_id().encode()),
        (b"content-type", b"application/json"),
        (b"www-authenticate", b"Bearer"),
    ]
    return Reply(401, headers, msgspec.json.encode({"error": error}))


_SMALL = {"model": "hermes-text-only", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}


def _large_in_chunks(ask: Ask) -> bool:
    return bool(ask.header(b"transfer-encoding")) and len(ask.body) > 100_000


def _lower_scheme(ask: Ask) -> bool:
    return ask.header(b"authorization").startswith(b"bearer ")


def _stainless(ask: Ask) -> bool:
    return bool(ask.header(b"x-stainless-timeout"))


def _is_preflight(ask: Ask) -> bool:
    return ask.method == "OPTIONS"


def _is_rate(status_: int, headers: Headers) -> bool:
    return status_ == 429 and any(name == b"retry-after" for name, _ in headers)


def _is_cap(status_: int, headers: Headers) -> bool:
    return status_ == 429 and not _is_rate(status_, headers)


TABLE: tuple[Fault, ...] = (
    # -- keys -----------------------------------------------------------------------------------
    _fault(
        "auth.key-unneeded",
        "policy",
        "Requests without a key are answered.",
        _let_in(lambda header: not _has_key(header)),
        catches=("auth.missing-key", "contract.errors.missing-key"),
    ),
    _fault(
        "auth.any-key",
        "policy",
        "Any key is good.",
        _let_in(_is_wrong_key),
        catches=("auth.wrong-key", "contract.errors.wrong-key"),
        allows=("auth.wrong-key-code",),
    ),
    _fault(
        "auth.revoked-key-lives",
        "policy",
        "A revoked key goes on to work.",
        _let_in(lambda header: _has_key(header) and not _is_wrong_key(header)),
        catches=("auth.revoked-key", "contract.errors.revoked-key"),
    ),
    _fault(
        "auth.forbidden",
        "errors",
        "A missing key is answered with 403.",
        Head(
            On(form="refusal", where=lambda ask: not ask.header(b"authorization")),
            lambda found, _: 403 if found == 401 else found,
        ),
        catches=("auth.missing-key", "contract.errors.missing-key"),
    ),
    _fault(
        "auth.bad-request",
        "errors",
        "A wrong key is answered with 400.",
        Head(
            On(form="refusal", where=lambda ask: b"wrong-key" in ask.header(b"authorization")),
            lambda found, _: 400 if found == 401 else found,
        ),
        catches=("auth.wrong-key", "contract.errors.wrong-key"),
    ),
    _fault(
        "auth.code-other",
        "errors",
        "The code for a wrong key is `unauthorized`.",
        body(
            put("/error/code", lambda code: "unauthorized" if code == "invalid_api_key" else code),
            None,
            "refusal",
        ),
        catches=("auth.wrong-key-code", "contract.errors.wrong-key", "contract.errors.revoked-key"),
    ),
    _fault(
        "auth.challenge-absent",
        "headers",
        "A 401 does not say how to authenticate.",
        without_header(_REFUSALS, b"www-authenticate"),
        catches=("auth.challenge",),
    ),
    _fault(
        "auth.scheme-case",
        "policy",
        "Only `Bearer` with a capital letter is understood.",
        refuse(On(where=_lower_scheme), 401, "Invalid scheme."),
        catches=("auth.scheme-case",),
        allows=("models.get.accepted",),
        bug="auth-scheme-unsupported",
    ),
    _fault(
        "auth.key-echoed",
        "errors",
        "The error for a wrong key repeats it.",
        Instead(On(CHAT, where=lambda ask: b"wrong-key" in ask.header(b"authorization")), _echo),
        catches=("auth.no-echo",),
    ),
    _fault(
        "auth.restricted-free",
        "policy",
        "The allowlist of a key is not looked at.",
        _of_role("restricted", allowed_models=None),
        catches=("auth.restricted-model", "contract.errors.model-not-allowed"),
    ),
    # -- browsers -------------------------------------------------------------------------------
    _fault(
        "cors.allowed",
        "policy",
        "Pages of every origin may use the key.",
        *_promise(_cors_allowed),
        catches=("cors.preflight-denied", "cors.answers-denied"),
    ),
    _fault(
        "cors.any-with-credentials",
        "policy",
        "Every origin is allowed by name, with credentials.",
        with_header(On(where=_is_preflight), b"access-control-allow-origin", b"https://wiremark.invalid"),
        with_header(On(where=_is_preflight), b"access-control-allow-credentials", b"true"),
        catches=("cors.no-credentials", "cors.preflight-denied"),
    ),
    # -- HTTP -----------------------------------------------------------------------------------
    _fault(
        "http.sdk-headers-parsed",
        "headers",
        "A header of an SDK is parsed, and refused.",
        refuse(On(where=_stainless), 400, "x-stainless-timeout is not a number."),
        catches=("http.unknown-headers",),
        allows=("models.get.accepted",),
    ),
    _fault(
        "http.redirect",
        "headers",
        "Requests to chat are redirected.",
        answer(On(CHAT), 302, {}, (b"location", b"/v2/chat/completions")),
        catches=("http.no-redirect",),
        allows=("*.accepted", "chat.*", "errors.*", "contract.*", "limits.*", "auth.*"),
    ),
    # -- request ids ----------------------------------------------------------------------------
    _fault(
        "ids.absent",
        "headers",
        "No answer has a request id.",
        without_header(_ALL, b"x-request-id"),
        catches=("ids.success", "ids.errors", "ids.streams"),
    ),
    _fault(
        "ids.absent-answers",
        "headers",
        "Whole answers have no request id.",
        without_header(_ANSWERS, b"x-request-id"),
        catches=("ids.success",),
    ),
    _fault(
        "ids.absent-errors",
        "headers",
        "Errors have no request id.",
        without_header(_REFUSALS, b"x-request-id"),
        catches=("ids.errors",),
    ),
    _fault(
        "ids.absent-streams",
        "headers",
        "Streams have no request id.",
        without_header(_STREAMS, b"x-request-id"),
        catches=("ids.streams",),
    ),
    _fault(
        "ids.empty",
        "headers",
        "The request id is empty.",
        with_header(_ALL, b"x-request-id", b""),
        catches=("ids.success", "ids.errors", "ids.streams"),
    ),
    _fault(
        "ids.same",
        "headers",
        "Every request has the same id.",
        with_header(_ALL, b"x-request-id", b"req_0"),
        catches=("ids.unique",),
        allows=("billing.*",),
        bug="response-id-not-unique",
    ),
    # -- limits ---------------------------------------------------------------------------------
    _fault(
        "limits.body-unlimited",
        "policy",
        "Bodies over the limit are read.",
        *_promise(lambda d: d["limits"].update(body_bytes=None)),
        catches=("limits.body.length", "limits.body.chunked", "contract.errors.body-too-large"),
    ),
    _fault(
        "limits.body-chunked-unlimited",
        "policy",
        "Bodies without a content-length are not measured.",
        Question(On(CHAT, where=_large_in_chunks), lambda ask: with_document(ask, _SMALL)),
        catches=("limits.body.chunked",),
    ),
    _fault(
        "limits.body-400",
        "errors",
        "Bodies over the limit are answered with 400.",
        _status_is(413, change=_becomes(400)),
        catches=("limits.body.length", "limits.body.chunked", "contract.errors.body-too-large"),
        bug="body-limit-too-small",
    ),
    _fault(
        "limits.headers-absent",
        "headers",
        "No answer has rate-limit headers.",
        *_promise(lambda d: d["headers"].update(rate_limit=None)),
        catches=("limits.headers.present", "limits.rate.headers"),
    ),
    _fault(
        "limits.remaining-above",
        "headers",
        "More requests remain than the limit allows.",
        with_header(_ALL, _REQUESTS, lambda v: b"%d" % (int(v) + 10**12)),
        catches=("limits.headers.within", "limits.rate.headers"),
    ),
    _fault(
        "limits.remaining-constant",
        "headers",
        "The remaining number of requests never changes.",
        with_header(_ALL, _REQUESTS, b"59"),
        catches=("limits.headers.counting", "limits.rate.headers"),
    ),
    _fault(
        "limits.remaining-text",
        "headers",
        "The remaining number of requests is `unlimited`.",
        with_header(_ALL, _REQUESTS, b"unlimited"),
        catches=("limits.headers.integers", "limits.rate.headers"),
        allows=("limits.headers.counting",),
    ),
    _fault(
        "limits.limit-list",
        "headers",
        "The limit header lists its windows.",
        with_header(_ALL, b"x-ratelimit-limit-requests", b"60, 60;w=60"),
        catches=("limits.headers.integers",),
        allows=("limits.rate.promised",),
    ),
    _fault(
        "limits.limit-other",
        "policy",
        "A refused client is told of a higher limit than the contract promises.",
        with_header(On(form="refusal", status=429), b"x-ratelimit-limit-requests", b"6000"),
        catches=("limits.rate.promised",),
    ),
    _fault(
        "limits.reset-epoch",
        "headers",
        "The reset header is a moment, not a duration.",
        with_header(_ALL, b"x-ratelimit-reset-requests", b"1764547260"),
        catches=("limits.headers.durations",),
        bug="ratelimit-reset-format",
    ),
    _fault(
        "limits.reset-date",
        "headers",
        "The reset header is a date.",
        with_header(_ALL, b"x-ratelimit-reset-requests", b"2026-01-01T00:00:00Z"),
        catches=("limits.headers.durations",),
        bug="ratelimit-reset-format",
    ),
    _fault(
        "limits.rate-unlimited",
        "policy",
        "The rate of a key is not limited.",
        _of_role("throttled", limits=None),
        catches=("limits.rate.status", "contract.errors.rate-limited"),
    ),
    _fault(
        "limits.rate-503",
        "errors",
        "A key over its rate is answered with 503.",
        Head(On(form="refusal"), lambda found, headers: 503 if _is_rate(found, headers) else found),
        catches=("limits.rate.status", "contract.errors.rate-limited"),
    ),
    _fault(
        "limits.retry-after-absent",
        "headers",
        "The 429 of a rate has no `Retry-After`.",
        without_header(_REFUSALS, b"retry-after"),
        catches=("limits.rate.retry-after",),
    ),
    _fault(
        "limits.retry-after-zero",
        "headers",
        "`Retry-After` is 0.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"0"),
        catches=("limits.rate.retry-after",),
    ),
    _fault(
        "limits.retry-after-fraction",
        "headers",
        "`Retry-After` is a fraction of seconds.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"1.5"),
        catches=("limits.rate.retry-after",),
    ),
    _fault(
        "limits.retry-after-date",
        "headers",
        "`Retry-After` is a date.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"Wed, 21 Oct 2026 07:28:00 GMT"),
        catches=("limits.rate.retry-after",),
    ),
    _fault(
        "limits.retry-after-unit",
        "headers",
        "`Retry-After` has a unit.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"20s"),
        catches=("limits.rate.retry-after",),
    ),
    _fault(
        "limits.retry-after-long",
        "headers",
        "`Retry-After` is an hour.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"3600"),
        catches=("limits.rate.retry-soon",),
    ),
    _fault(
        "limits.remaining-of-429",
        "headers",
        "The 429 of a rate says that requests remain.",
        with_header(_REFUSALS, _REQUESTS, lambda v: b"1" if v == b"0" else v),
        catches=("limits.rate.headers",),
    ),
    _fault(
        "limits.credits-ignored",
        "policy",
        "A key without balance is answered.",
        _of_role("exhausted", account_id="role-default"),
        catches=("limits.credits.refused", "contract.errors.insufficient-credits"),
    ),
    _fault(
        "limits.credits-403",
        "errors",
        "Want of balance is answered with 403.",
        _status_is(402, change=_becomes(403)),
        catches=("limits.credits.refused", "contract.errors.insufficient-credits"),
    ),
    _fault(
        "limits.credits-retry",
        "headers",
        "Want of balance asks to come back in a second.",
        _status_is(402, change=_set(b"retry-after", b"1")),
        catches=("limits.credits.no-retry",),
    ),
    _fault(
        "limits.cap-ignored",
        "policy",
        "The monthly cap of a key is not looked at.",
        _of_role("capped", monthly_cap=None),
        catches=("limits.cap.refused", "contract.errors.monthly-cap"),
    ),
    _fault(
        "limits.cap-403",
        "errors",
        "A key at its monthly cap is answered with 403.",
        Head(On(form="refusal"), lambda found, headers: 403 if _is_cap(found, headers) else found),
        catches=("limits.cap.refused", "contract.errors.monthly-cap"),
    ),
    _fault(
        "limits.cap-retry",
        "headers",
        "A key at its monthly cap is asked to come back in five seconds.",
        Head(
            On(form="refusal"),
            lambda found, headers: (
                _set(b"retry-after", b"5")(found, headers) if _is_cap(found, headers) else found
            ),
        ),
        catches=("limits.cap.no-retry",),
    ),
)

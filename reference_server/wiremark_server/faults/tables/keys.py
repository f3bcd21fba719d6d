"""Keys, and what browsers may see."""

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
    body,
    put,
    refuse,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import (
    Ask,
    Document,
    Head,
    Inside,
    Instead,
    On,
    Promise,
    Reply,
)
from wiremark_server.faults.fault import Fault, named
from wiremark_server.keys import Key, KeyStore
from wiremark_server.policy.call import Services

_fault = named("")
_REFUSALS = On(form="refusal")


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


def _lower_scheme(ask: Ask) -> bool:
    return ask.header(b"authorization").startswith(b"bearer ")


def _is_preflight(ask: Ask) -> bool:
    return ask.method == "OPTIONS"


TABLE: tuple[Fault, ...] = (
    # -- keys --------------------------------------------------------------------------------------
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
    # -- browsers ----------------------------------------------------------------------------------
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
)

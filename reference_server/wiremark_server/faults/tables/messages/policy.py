"""Keys, request ids, limits, versions."""

from __future__ import annotations

import msgspec

from wiremark_server.edge.handler import new_request_id
from wiremark_server.faults.change import (
    with_header,
    without_header,
)
from wiremark_server.faults.edit import (
    Ask,
    Head,
    Headers,
    Instead,
    On,
    Promise,
    Reply,
)
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.messages.words import (
    MESSAGES,
    NEAR,
    REFUSALS,
    answer,
    becomes,
    fault,
    of_status,
    refusal,
)

_ANSWERS = On(MESSAGES, "answer")
_VERSION = b"anthropic-version"
_RATE = b"anthropic-ratelimit-requests-"
_json = msgspec.json.Encoder().encode


def _schemes(*schemes: str) -> Promise:
    return Promise(lambda document: document["auth"].update(schemes=list(schemes)))


def _both_headers(ask: Ask) -> bool:
    return bool(ask.header(b"x-api-key") and ask.header(b"authorization"))


def _echoing(ask: Ask) -> Reply:
    """The refusal of a key repeats it."""
    request_id = new_request_id()
    key = (ask.header(b"x-api-key") or ask.header(b"authorization")).decode()
    error = {"type": "authentication_error", "message": f"The key {key} is not known."}
    headers = [(b"request-id", request_id.encode()), (b"content-type", b"application/json")]
    return Reply(401, headers, _json({"type": "error", "error": error, "request_id": request_id}))


def _same_id(found: int, headers: Headers) -> int:
    headers[:] = [(n, b"req_same" if n == b"request-id" else v) for n, v in headers]
    return found


TABLE: tuple[Fault, ...] = (
    fault(
        "auth.x-api-key-ignored",
        "policy",
        "Only Bearer keys are looked at.",
        _schemes("bearer"),
        catches=("messages.auth.x-api-key",),
        allows=("*",),
    ),
    fault(
        "auth.bearer-ignored",
        "policy",
        "Only `x-api-key` is looked at.",
        _schemes("x-api-key"),
        catches=("messages.auth.bearer",),
        allows=NEAR,
    ),
    fault(
        "auth.key-403",
        "policy",
        "Keys that are no good are answered with 403.",
        of_status(401, becomes(403)),
        catches=("messages.auth.no-key", "messages.auth.wrong-key", "messages.auth.revoked-key"),
        allows=NEAR,
    ),
    fault(
        "auth.one-header",
        "policy",
        "A key in one header and a token in the other are refused.",
        answer(On(MESSAGES, where=_both_headers), 401, refusal("authentication_error")),
        catches=("messages.auth.both", "messages.auth.stray-bearer"),
        allows=(),
    ),
    fault(
        "auth.echoed",
        "policy",
        "The refusal of a key repeats it.",
        Instead(On(MESSAGES, where=lambda ask: b"wrong-key" in ask.header(b"x-api-key")), _echoing),
        catches=("messages.auth.no-echo",),
        allows=(),
    ),
    fault(
        "auth.model-400",
        "policy",
        "A model that the key may not use is answered with 400.",
        of_status(403, becomes(400)),
        catches=("messages.auth.restricted-model",),
        allows=NEAR,
    ),
    fault(
        "request-id.answers",
        "headers",
        "Answers have no request id.",
        without_header(_ANSWERS, b"request-id"),
        catches=("messages.request-id.success",),
        allows=("billing.*", "ids.*"),
    ),
    fault(
        "request-id.errors",
        "headers",
        "Errors have no request id.",
        without_header(REFUSALS, b"request-id"),
        catches=("messages.request-id.errors",),
        allows=("billing.*", "ids.*"),
    ),
    fault(
        "request-id.same",
        "headers",
        "Every message has the same request id.",
        Head(On(MESSAGES), _same_id),
        catches=("messages.request-id.unique",),
        allows=("billing.*", "ids.*", "messages.errors.request-id"),
    ),
    fault(
        "limits.headers-absent",
        "headers",
        "Answers do not tell what remains.",
        without_header(On(MESSAGES), _RATE + b"remaining"),
        catches=("messages.limits.headers",),
        allows=("messages.limits.*",),
    ),
    fault(
        "limits.headers-words",
        "headers",
        "The limit is no number.",
        with_header(On(MESSAGES), _RATE + b"limit", b"many"),
        catches=("messages.limits.integers",),
        allows=(),
    ),
    fault(
        "limits.headers-beyond",
        "headers",
        "More remains than the limit.",
        with_header(On(MESSAGES), _RATE + b"limit", b"1"),
        catches=("messages.limits.within",),
        allows=(),
    ),
    fault(
        "limits.reset-seconds",
        "headers",
        "The reset is a number of seconds.",
        with_header(On(MESSAGES), _RATE + b"reset", b"60"),
        catches=("messages.limits.resets",),
        allows=(),
    ),
    fault(
        "limits.rate-503",
        "policy",
        "A key over its rate is answered with 503.",
        of_status(429, becomes(503)),
        catches=("messages.limits.rate",),
        allows=NEAR,
    ),
    fault(
        "limits.no-retry-after",
        "headers",
        "A 429 does not say when to come back.",
        without_header(REFUSALS, b"retry-after"),
        catches=("messages.limits.retry-after",),
        allows=(),
    ),
    fault(
        "limits.retry-late",
        "headers",
        "A 429 says to come back in an hour.",
        with_header(On(MESSAGES, "refusal", status=429), b"retry-after", b"3600"),
        catches=("messages.limits.retry-soon",),
        allows=(),
    ),
    fault(
        "limits.credits-403",
        "policy",
        "An account without credit is answered with 403.",
        of_status(402, becomes(403)),
        catches=("messages.limits.credits",),
        allows=NEAR,
    ),
    fault(
        "limits.credits-retry",
        "headers",
        "An account without credit is told to come back soon.",
        with_header(On(MESSAGES, "refusal", status=402), b"retry-after", b"5"),
        catches=("messages.limits.no-retry",),
        allows=(),
    ),
    fault(
        "limits.body-400",
        "policy",
        "A body that is too large is answered with 400.",
        of_status(413, becomes(400)),
        catches=("messages.limits.body",),
        allows=NEAR,
    ),
    fault(
        "versions.missing-401",
        "policy",
        "A request without a version is answered with 401.",
        Head(On(MESSAGES, where=lambda ask: not ask.header(_VERSION)), becomes(401)),
        catches=("messages.versions.missing",),
        allows=NEAR,
    ),
)

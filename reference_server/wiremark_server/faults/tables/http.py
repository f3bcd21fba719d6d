"""What HTTP asks of every answer, and request ids."""

from __future__ import annotations

from wiremark_server.faults.change import (
    CHAT,
    answer,
    refuse,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import (
    Ask,
    On,
)
from wiremark_server.faults.fault import Fault, named

_fault = named("")
_ALL = On()
_ANSWERS = On(form="answer")
_STREAMS = On(form="stream")
_REFUSALS = On(form="refusal")


def _stainless(ask: Ask) -> bool:
    return bool(ask.header(b"x-stainless-timeout"))


TABLE: tuple[Fault, ...] = (
    # -- HTTP --------------------------------------------------------------------------------------
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
    # -- request ids -------------------------------------------------------------------------------
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
)

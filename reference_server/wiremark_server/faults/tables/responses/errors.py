"""How refusals look, and what must not be answered at all."""

from __future__ import annotations

from wiremark_server.faults.change import Change, put, status, take
from wiremark_server.faults.derived.surfaces.responses import CONTRACT, CREATE
from wiremark_server.faults.edit import Body, Edit, On
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables import books
from wiremark_server.faults.tables.responses.words import REFUSALS, fault

_UNKNOWN_MODEL = "no-such-model"


def _error(name: str, text: str, *edits: Edit, catches: tuple[str, ...], bug: str | None = None) -> Fault:
    near = ("responses.*", "models.get.unknown*", "errors.*")
    return fault(f"errors.{name}", "errors", text, *edits, catches=catches, allows=near, bug=bug)


def _envelope(change: Change) -> Body:
    return Body(REFUSALS, change)


TABLE: tuple[Fault, ...] = (
    _error(
        "text",
        "Errors are a text.",
        _envelope(lambda d: {"error": d["error"]["message"]}),
        catches=("responses.errors.envelope",),
        bug="error-envelope-shape",
    ),
    _error(
        "message-null",
        "Errors do not say what is wrong.",
        _envelope(put("/error/message", None)),
        catches=("responses.errors.message",),
    ),
    _error(
        "type-absent",
        "Errors have no type.",
        _envelope(take("/error/type")),
        catches=("responses.errors.type", "responses.open.error-types"),
    ),
    _error(
        "type-foreign",
        "Errors have a type that Open Responses does not have.",
        _envelope(put("/error/type", "invalid_request_error")),
        catches=("responses.open.error-types",),
    ),
    _error(
        "code-number",
        "The code of an error is its status.",
        _envelope(put("/error/code", 400)),
        catches=("responses.errors.code",),
    ),
    _error(
        "key-403",
        "Keys that are no good are answered with 403.",
        status(On(CREATE, "refusal", status=401), 403),
        catches=("responses.errors.key-status",),
    ),
    _error(
        "bad-404",
        "Bad requests are answered with 404.",
        status(On(CREATE, "refusal", status=400), 404),
        catches=("responses.errors.invalid-status",),
    ),
    _error(
        "stream-200",
        "An error before a stream begins has the status 200.",
        status(On(CREATE, "refusal", lambda ask: bool(ask.document.get("stream"))), 200),
        catches=("responses.errors.before-stream",),
        bug="http-200-with-error",
    ),
    fault(
        "errors.charged",
        "ledger",
        "What is refused is charged.",
        *books.charged(
            On(
                CREATE,
                "refusal",
                lambda ask: (
                    _UNKNOWN_MODEL in str(ask.document.get("model")) and not ask.document.get("stream")
                ),
            )
        ),
        catches=("billing.responses.refused-free",),
    ),
    fault(
        "count.charged",
        "ledger",
        "To count tokens is charged.",
        *books.charged(On("responses.input_tokens", "answer")),
        catches=("billing.responses.count-free",),
    ),
    *books.of_format("responses", CONTRACT),
)

"""How refusals look, and which one it is."""

from __future__ import annotations

from wiremark_server.edge.handler import new_request_id
from wiremark_server.faults.change import (
    Change,
    has,
    put,
    take,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import (
    Ask,
    Body,
    Edit,
    Head,
    Instead,
    On,
    Reply,
)
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.messages.words import (
    MESSAGES,
    REFUSALS,
    becomes,
    fault,
    of_status,
)


def _error(name: str, text: str, *edits: Edit, catches: tuple[str, ...]) -> Fault:
    allows = ("messages.*", "contract.messages.*", "billing.*")
    return fault(f"errors.{name}", "errors", text, *edits, catches=catches, allows=allows)


def _envelope(change: Change) -> Body:
    return Body(REFUSALS, change)


def _html(_: Ask) -> Reply:
    headers = [(b"request-id", new_request_id().encode()), (b"content-type", b"text/html")]
    return Reply(404, headers, b"<html><body>Not Found</body></html>")


_TRACE = 'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in main'

TABLE: tuple[Fault, ...] = (
    _error(
        "foreign",
        "Errors have another format's envelope.",
        _envelope(take("/type")),
        catches=("messages.errors.envelope",),
    ),
    _error(
        "type-renamed",
        "Errors are called after the server's own classes.",
        _envelope(put("/error/type", "BadRequestError")),
        catches=("messages.errors.type",),
    ),
    _error(
        "message-list",
        "The message of an error is a list.",
        _envelope(put("/error/message", ["no"])),
        catches=("messages.errors.message",),
    ),
    _error(
        "details-text",
        "The details of an error are a text.",
        _envelope(put("/error/details", "none")),
        catches=("messages.errors.details",),
    ),
    _error(
        "request-id-absent",
        "Errors do not name their request.",
        _envelope(take("/request_id")),
        catches=("messages.errors.request-id",),
    ),
    _error(
        "request-id-other",
        "Errors name another request than the header.",
        _envelope(put("/request_id", "req_other")),
        catches=("messages.errors.request-id",),
    ),
    _error(
        "as-text",
        "Errors are announced as text.",
        with_header(REFUSALS, b"content-type", b"text/plain"),
        catches=("messages.errors.content-type",),
    ),
    _error(
        "stack-trace",
        "Errors show a stack trace.",
        _envelope(put("/error/message", _TRACE)),
        catches=("messages.errors.no-internals",),
    ),
    _error(
        "crash",
        "Mistakes of the caller are answered with 500.",
        of_status(400, becomes(500)),
        catches=("messages.errors.no-server-error", "messages.rare-parameters", "messages.tools.server-tool"),
    ),
    _error(
        "422",
        "Bad bodies are answered with 422.",
        of_status(400, becomes(422)),
        catches=(
            "messages.errors.validation-status",
            "messages.tools.unknown-choice",
            "messages.thinking.over-budget",
            "messages.thinking.under-budget",
            "messages.thinking.forced",
            "messages.versions.new-sampling",
            "messages.versions.unknown",
        ),
    ),
    _error(
        "not-found-400",
        "What is not there is answered with 400.",
        of_status(404, becomes(400)),
        catches=(
            "messages.errors.unknown-model",
            "messages.errors.unknown-route",
            "messages.count.unknown-model",
            "messages.models.get.unknown",
        ),
    ),
    _error(
        "stream-200",
        "An error before a stream begins has the status 200.",
        Head(On(MESSAGES, "refusal", has("stream")), becomes(200)),
        catches=("messages.errors.unknown-model.stream",),
    ),
    _error(
        "route-html",
        "An unknown route is answered with a page.",
        Instead(On("", where=lambda ask: ask.method == "GET"), _html),
        catches=("messages.errors.envelope",),
    ),
    _error(
        "method-404",
        "A wrong method is answered with 404.",
        of_status(405, becomes(404)),
        catches=("messages.errors.method",),
    ),
    _error(
        "method-no-allow",
        "A 405 does not name the methods.",
        without_header(REFUSALS, b"allow"),
        catches=("messages.errors.method-allow",),
    ),
)

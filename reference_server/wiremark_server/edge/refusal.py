"""Answers that the connection gives itself, where no application can: it is no request, or it never came."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

HEAD_BYTES = 128 * 1024
HEAD_FIELDS = 1024

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}
_SENTENCES = {
    400: ("This is not an HTTP/1.1 request.", "malformed_http"),
    408: ("The request did not arrive in time. Send it at once.", "request_timeout"),
    431: (
        f"The head of the request is too large: it may have {HEAD_BYTES} bytes in {HEAD_FIELDS} fields.",
        "headers_too_large",
    ),
    500: ("The server failed before it could answer.", "server_error"),
}


def status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def refusal(status: int) -> bytes:
    """A whole answer, after which the connection is closed; clients of OpenAI and Anthropic can read it."""
    message, code = _SENTENCES[status]
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    body = msgspec.json.encode({"type": "error", "error": error})
    head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    return status_line(status) + head % len(body) + body

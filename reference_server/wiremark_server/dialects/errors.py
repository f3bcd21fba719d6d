"""Problems as they look on the wire: the one table from situation to status, type and code.

The contract decides, for each dialect that it serves; where it is silent, the dialect's reference does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract, Dialect

from wiremark_server.domain.asked import Framing
from wiremark_server.domain.problem import Problem


def _openai(problem: Problem, answer: contracts.Problem, request_id: str) -> Mapping[str, Any]:  # noqa: ARG001
    """`{"error": {message, type, param, code}}`, all four keys always."""
    return {
        "error": {
            "message": problem.message,
            "type": answer.type,
            "param": problem.param,
            "code": answer.code,
        }
    }


def _anthropic(problem: Problem, answer: contracts.Problem, request_id: str) -> Mapping[str, Any]:
    return {
        "type": "error",
        "error": {"type": answer.type, "message": problem.message},
        "request_id": request_id,
    }


_DETAIL = "type.googleapis.com/google.rpc."
_QUOTAS = {
    "@type": f"{_DETAIL}Help",
    "links": [{"description": "Rate limits", "url": "https://ai.google.dev/gemini-api/docs/rate-limits"}],
}


def _gemini(problem: Problem, answer: contracts.Problem, request_id: str) -> Mapping[str, Any]:
    """google.rpc.Status: the type is its canonical status, the code the reason in its details."""
    details: list[Mapping[str, Any]] = [{"@type": f"{_DETAIL}RequestInfo", "requestId": request_id}]
    if answer.code is not None:
        domain = {"reason": answer.code, "domain": "googleapis.com"}
        details.append({"@type": f"{_DETAIL}ErrorInfo", **domain})
    if problem.param is not None and answer.status == 400:
        violation = {"field": problem.param, "description": problem.message}
        details.append({"@type": f"{_DETAIL}BadRequest", "fieldViolations": [violation]})
    if answer.status == 429:
        violation = {"subject": problem.situation, "description": problem.message}
        details += [{"@type": f"{_DETAIL}QuotaFailure", "violations": [violation]}, _QUOTAS]
    if problem.retry_after is not None:
        details.append({"@type": f"{_DETAIL}RetryInfo", "retryDelay": f"{max(1, problem.retry_after)}s"})
    return {
        "error": {
            "code": answer.status,
            "message": problem.message,
            "status": answer.type,
            "details": details,
        }
    }


# Envelope, and what stands before its data when it ends a stream.
_FORMS: Mapping[Dialect, tuple[Callable[[Problem, contracts.Problem, str], Mapping[str, Any]], bytes]] = {
    "openai": (_openai, b""),
    "anthropic": (_anthropic, b"event: error\n"),
    "gemini": (_gemini, b""),
}


class ErrorTable:
    """Answers to problems in one dialect of a contract."""

    def __init__(self, contract: Contract, dialect: Dialect) -> None:
        self._answers = contract.answers(dialect)
        self._form, self._event = _FORMS[dialect]

    def status(self, problem: Problem) -> int:
        return self._answers[problem.situation].status

    def document(self, problem: Problem, request_id: str) -> Mapping[str, Any]:
        """The refusal as a JSON value."""
        return self._form(problem, self._answers[problem.situation], request_id)

    def envelope(self, problem: Problem, request_id: str) -> bytes:
        """The body of the refusal."""
        return msgspec.json.encode(self.document(problem, request_id))

    def frame(self, problem: Problem, request_id: str, framing: Framing = "events") -> bytes:
        """The same inside of a stream that has already begun."""
        if framing == "array":
            return b",\r\n" + self.envelope(problem, request_id) + b"]"
        return self._event + b"data: " + self.envelope(problem, request_id) + b"\n\n"

    def headers(self, problem: Problem) -> tuple[tuple[str, str], ...]:
        """Headers that belong to the refusal, content type first."""
        headers = [("content-type", "application/json"), *problem.headers]
        if self.status(problem) == 401:
            headers.append(("www-authenticate", "Bearer"))
        if problem.allow:
            headers.append(("allow", ", ".join(problem.allow)))
        if problem.retry_after is not None:
            headers.append(("retry-after", str(max(1, problem.retry_after))))
        if problem.final:
            headers.append(("x-should-retry", "false"))
        return tuple(headers)

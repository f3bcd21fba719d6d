"""Problems as they look on the wire: the one table from situation to status, type and code.

The contract's `errors` decide; where a contract is silent, the OpenAI reference does.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract

from wiremark_server.domain.problem import Problem

_REFERENCE = "openai"


class ErrorTable:
    """Answers to problems under one contract."""

    def __init__(self, contract: Contract) -> None:
        self._answers: Mapping[str, contracts.Problem] = {
            **contracts.load(_REFERENCE).problems,
            **contract.problems,
        }

    def status(self, problem: Problem) -> int:
        return self._answers[problem.situation].status

    def envelope(self, problem: Problem) -> bytes:
        """`{"error": {message, type, param, code}}`, all four keys always."""
        answer = self._answers[problem.situation]
        return msgspec.json.encode(
            {
                "error": {
                    "message": problem.message,
                    "type": answer.type,
                    "param": problem.param,
                    "code": answer.code,
                }
            }
        )

    def frame(self, problem: Problem) -> bytes:
        """The same inside of an event stream that has already begun."""
        return b"data: " + self.envelope(problem) + b"\n\n"

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

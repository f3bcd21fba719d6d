"""What browsers from other origins are told, by the contract's word: deny, allow or unspecified."""

from __future__ import annotations

from collections.abc import Sequence

from wiremark_server.domain import problem
from wiremark_server.edge.message import RawHeaders, Request, Response

_ORIGIN = (b"access-control-allow-origin", b"*")
_EXPOSED = (
    b"access-control-expose-headers",
    b"x-request-id, request-id, retry-after, x-should-retry, openai-processing-ms",
)
_DEFAULT_REQUEST_HEADERS = "authorization, content-type"


class Cors:
    """deny: preflights fail and no header lets a page read an answer; unspecified: OPTIONS without CORS."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._headers: RawHeaders = (_ORIGIN, _EXPOSED) if rule == "allow" else ()

    def headers(self, request: Request) -> RawHeaders:
        """Headers for every answer to `request`, preflights and refusals included."""
        return self._headers if self._headers and request.header("origin") else ()

    def options(self, request: Request, allowed: Sequence[str]) -> Response:
        """Answer OPTIONS on a path with these methods. Raises ProblemError (405) under `deny`."""
        if self._rule == "deny":
            raise problem.method_not_allowed(
                "OPTIONS", request.path, [method for method in allowed if method != "OPTIONS"]
            )
        headers: list[tuple[str, str]] = [("allow", ", ".join(allowed))]
        if self._rule == "allow" and request.header("access-control-request-method"):
            wanted = request.header("access-control-request-headers") or _DEFAULT_REQUEST_HEADERS
            headers += [
                ("access-control-allow-methods", ", ".join(allowed)),
                ("access-control-allow-headers", wanted),
                ("access-control-max-age", "600"),
            ]
        return Response(204, b"", tuple(headers))

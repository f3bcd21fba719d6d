"""`/metrics`, `/health` and `/ready`, for those who look after the server; nobody needs a key for them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from wiremark_server.edge.message import Receive, Request, Response, Scope, Send
from wiremark_server.metrics.registry import Registry

_JSON = ("content-type", "application/json")
_NEVER_KEPT = ("cache-control", "no-store")


class Watch:
    """ready: an empty text, or why the server should get no requests now"""

    def __init__(self, registry: Registry, ready: Callable[[], str]) -> None:
        self._registry = registry
        self._ready = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(Request(scope, receive))
        headers = [
            *answer.headers,
            _NEVER_KEPT,
            ("content-length", str(len(answer.body))),
        ]
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        await send({"type": "http.response.body", "body": answer.body})

    def _answer(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return _told(405, "only GET is served here", ("allow", "GET, HEAD"))
        if request.path == "/metrics":
            # The library is for those who scrape; who does not need not wait for it to be imported.
            from wiremark_server.metrics.exposition import CONTENT_TYPE, expose

            return Response(200, expose(self._registry), (("content-type", CONTENT_TYPE),))
        if request.path == "/health":
            return _told(200, "ok")
        if request.path == "/ready":
            reason = self._ready()
            return _told(503, reason, ("retry-after", "1")) if reason else _told(200, "ok")
        return _told(404, "there is no such page")


def _told(status: int, said: str, *headers: tuple[str, str]) -> Response:
    return Response(status, msgspec.json.encode({"status": said}), (_JSON, *headers))

"""`/metrics`, `/health` and `/ready`, for those who look after the server; nobody needs a key for them."""

from __future__ import annotations

from collections.abc import Callable

from wiremark_server.edge import plain
from wiremark_server.edge.message import Receive, Request, Scope, Send
from wiremark_server.metrics.registry import Registry


class Watch:
    """ready: an empty text, or why the server should get no requests now"""

    def __init__(self, registry: Registry, ready: Callable[[], str]) -> None:
        self._registry = registry
        self._ready = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method not in plain.READING:
            await plain.refuse_method(send)
        elif request.path == "/metrics":
            # The library is for those who scrape; who does not need not wait for it to be imported.
            from wiremark_server.metrics.exposition import CONTENT_TYPE, expose

            await plain.send_whole(send, 200, expose(self._registry), (("content-type", CONTENT_TYPE),))
        elif request.path == "/health":
            await plain.tell(send, 200, "ok")
        elif request.path == "/ready":
            reason = self._ready()
            if reason:
                await plain.tell(send, 503, reason, ("retry-after", "1"))
            else:
                await plain.tell(send, 200, "ok")
        else:
            await plain.tell(send, 404, "there is no such page")

"""Several gateways on one port: each below its own name, and at its own base path as far as that is free."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from wiremark_server.edge.message import Receive, Scope, Send
from wiremark_server.policy.call import Services


class Mounted(Protocol):
    """What is mounted: a gateway, or one that misbehaves."""

    @property
    def services(self) -> Services: ...
    async def drained(self) -> None: ...
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Mounts:
    """`/NAME/…` goes to the gateway of that name. Any other path goes to the first gateway whose base path
    it begins with, else to the first of all, which then refuses it.
    """

    def __init__(self, gateways: Mapping[str, Mounted]) -> None:
        """gateways: by `/NAME`"""
        self._gateways = gateways
        self._first = next(iter(gateways.values()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw: bytes = scope.get("raw_path") or scope.get("path", "").encode()
        name, _, rest = raw[1:].partition(b"/")
        gateway = self._gateways.get("/" + name.decode("latin-1"))
        if gateway is not None:
            below = b"/" + rest
            scope = {**scope, "path": below.decode("latin-1"), "raw_path": below}
        await (gateway or self._by_base_path(raw))(scope, receive, send)

    def _by_base_path(self, raw: bytes) -> Mounted:
        path = raw.decode("latin-1") + "/"
        for gateway in self._gateways.values():
            if path.startswith(gateway.services.contract.base_path + "/"):
                return gateway
        return self._first

    async def drained(self) -> None:
        """Return when no request is being answered."""
        await asyncio.gather(*(gateway.drained() for gateway in self._gateways.values()))

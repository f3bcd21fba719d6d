"""What is served beside the contracts, each below a first segment of the path: `/admin`, `/dashboard`."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from wiremark_server.edge.message import Receive, Scope, Send


class Site(Protocol):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Application(Site, Protocol):
    async def drained(self) -> None: ...


class Front:
    """Hands a request to the site whose segment its path begins with, every other one to the contracts."""

    def __init__(self, contracts: Application, sites: Mapping[bytes, Site]) -> None:
        """sites: by `/segment`"""
        self._contracts = contracts
        self._sites = sites
        self.draining = False
        """The contracts refuse what comes from now on; what is beside them is still there."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        path: bytes = scope.get("raw_path", b"")
        if self.draining:
            scope = {**scope, "state": {**scope.get("state", {}), "draining": True}}
        end = path.find(b"/", 1)
        site = self._sites.get(path if end < 0 else path[:end], self._contracts)
        return site(scope, receive, send)

    async def drained(self) -> None:
        """Return when no request to a contract is being answered."""
        await self._contracts.drained()

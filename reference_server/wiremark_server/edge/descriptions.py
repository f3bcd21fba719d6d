"""`/openapi`: the OpenAPI documents of every contract that is served, and of the routes beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from wiremark_server.edge import plain
from wiremark_server.edge.message import Receive, Request, Scope, Send

PREFIX = "/openapi"
SERVER = "server"
"""The name of the document of the routes beside the contracts."""


class Descriptions:
    """contracts: encoded documents, by the contract's name"""

    def __init__(self, contracts: Mapping[str, Callable[[], bytes]]) -> None:
        documents: dict[str, Callable[[], bytes]] = {**contracts, SERVER: lambda: _encoded()}
        self._documents = {f"{PREFIX}/{name}.json": document for name, document in documents.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        document = self._documents.get(request.path)
        if request.method not in plain.READING:
            await plain.refuse_method(send)
        elif request.path == PREFIX:
            listed = {path.removeprefix(f"{PREFIX}/").removesuffix(".json"): path for path in self._documents}
            await plain.send_json(send, 200, msgspec.json.encode(listed))
        elif document is None:
            await plain.tell(send, 404, "there is no such document")
        else:
            await plain.send_json(send, 200, document())


@cache
def own() -> dict[str, Any]:
    """The document of the routes beside the contracts."""
    document: dict[str, Any] = yaml.safe_load((files(__package__) / "beside.yaml").read_text("utf-8"))
    return document


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(own())

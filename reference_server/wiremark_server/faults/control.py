"""The control port: faults switched on and off while a server runs, for one key or for some requests.

    GET    /catalogue   every fault and variant
    GET    /rules       what is switched on
    POST   /rules       {"faults": ["chat.stream.done-missing"], "key": "…", "requests": 1}
    DELETE /rules/ID    one rule less
    DELETE /rules       none is left

It is for the person who runs the server: it listens on the loopback address only and asks for no key. Rules
live as long as the server. Those with a number of requests count the requests that can show them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from wiremark_server.edge.message import Receive, Scope, Send
from wiremark_server.embedded import EmbeddedServer
from wiremark_server.faults import catalogue
from wiremark_server.faults.gate import whole
from wiremark_server.faults.rules import BadRuleError, Rules
from wiremark_server.faults.together import NeverShowsError

_json = msgspec.json.Encoder().encode
_ROUTES = "there are GET /catalogue; GET, POST and DELETE /rules; DELETE /rules/ID"
_EXAMPLE = '{"faults": ["chat.stream.cut"], "requests": 1}'
_MAX_BODY = 64 * 1024


@contextlib.asynccontextmanager
async def control_port(rules: Rules | None, bound: socket.socket | None) -> AsyncIterator[None]:
    """The control port on a bound socket for a while; nothing when there is none."""
    if rules is None or bound is None:
        yield
        return
    bound.listen()  # at once: who has been told of the port must not come too soon
    server = EmbeddedServer(Control(rules))
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class Control:
    """An ASGI application over the rules of a server."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await whole(receive)
        status, answer = self._answer(scope["method"], scope["path"].strip("/").split("/"), body)
        data = _json(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": data})

    def _answer(self, method: str, path: list[str], body: bytes) -> tuple[int, Any]:
        match method, path:
            case "GET", ["catalogue"]:
                return 200, catalogue.document()
            case "GET", ["rules"]:
                return 200, {"rules": [rule.told() for rule in self._rules]}
            case "POST", ["rules"]:
                return self._added(body)
            case "DELETE", ["rules"]:
                self._rules.clear()
                return 200, {"rules": []}
            case "DELETE", ["rules", rule_id]:
                if self._rules.remove(rule_id):
                    return 200, {"rules": [rule.told() for rule in self._rules]}
                return 404, {"error": f"there is no rule {rule_id!r}"}
            case _, ["catalogue"] | ["rules"] | ["rules", _]:
                return 405, {"error": f"{method} is not for this path; {_ROUTES}"}
            case _:
                return 404, {"error": f"nothing is here; {_ROUTES}"}

    def _added(self, body: bytes) -> tuple[int, Any]:
        if len(body) > _MAX_BODY:
            return 413, {"error": f"a rule has at most {_MAX_BODY} bytes"}
        try:
            wanted = msgspec.json.decode(body, type=dict[str, Any])
            return 201, self._rules.add(wanted).told()
        except RecursionError:
            return 400, {"error": "this is nested too deeply to be a rule"}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return 400, {"error": f"a rule is a JSON object such as {_EXAMPLE}: {error}"}
        except (BadRuleError, catalogue.UnknownNameError, NeverShowsError) as problem:
            return 400, {"error": str(problem)}

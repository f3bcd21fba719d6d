"""Short answers for those who look after the server: no dialect, no key."""

from __future__ import annotations

import msgspec

from wiremark_server.edge.message import JSON, Headers, Send

READING = ("GET", "HEAD")
_NEVER_KEPT = ("cache-control", "no-store")


async def tell(send: Send, status: int, said: str, *headers: tuple[str, str]) -> None:
    """`{"status": said}`."""
    await send_json(send, status, msgspec.json.encode({"status": said}), *headers)


async def refuse_method(send: Send) -> None:
    await tell(send, 405, "only GET is served here", ("allow", ", ".join(READING)))


async def send_json(send: Send, status: int, body: bytes, *headers: tuple[str, str]) -> None:
    await send_whole(send, status, body, (JSON, *headers))


async def send_whole(send: Send, status: int, body: bytes, headers: Headers) -> None:
    given = [*headers, _NEVER_KEPT, ("content-length", str(len(body)))]
    encoded = [(name.encode(), value.encode()) for name, value in given]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})

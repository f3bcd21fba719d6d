"""An event stream out to the client, and what to do when it breaks half-way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wiremark_server.domain.asked import Framing
from wiremark_server.edge.message import ClientGoneError, Headers, Send, Stream

_AT_ONCE = (("cache-control", "no-cache"), ("x-accel-buffering", "no"))
HEADERS: Mapping[Framing, Headers] = {
    "events": (("content-type", "text/event-stream; charset=utf-8"), *_AT_ONCE),
    "array": (("content-type", "application/json; charset=utf-8"), *_AT_ONCE),
}


async def send_stream(
    stream: Stream, headers: list[tuple[bytes, bytes]], send: Send, failure: Callable[[Exception], bytes]
) -> None:
    """Send every frame, then end the body cleanly.

    The status is out, so a failure becomes the frame that `failure` makes of it, and nothing after it.
    """
    last = b""
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": stream.first, "more_body": True})
        async for frame in stream.events:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
    except ClientGoneError:
        pass
    except Exception as error:  # noqa: BLE001 - the one boundary for a response that has begun
        last = failure(error)
    finally:
        await stream.events.aclose()
    await send({"type": "http.response.body", "body": last, "more_body": False})

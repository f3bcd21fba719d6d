"""The floor: the least that Python does for a chat completion, on uvicorn with uvloop and httptools.

    python benchmarks/server/floor.py PORT

It reads the body, compares the key, parses the JSON, and answers 443 bytes that were made before, or 100
server-sent events, each sent alone. No limits, no engine, no ledger.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import uvicorn

KEY = b"Bearer sk-bench"
EVENTS = 100
_ANSWER = msgspec.json.encode(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "floor",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "The quick brown fox jumps over the lazy dog. " * 4,
                },
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52},
    }
).ljust(443)
_EVENT = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"floor",'
    b'"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n'
)


class Request(msgspec.Struct):
    model: str
    messages: msgspec.Raw
    stream: bool = False


_decode = msgspec.json.Decoder(Request).decode


async def app(scope: Any, receive: Any, send: Any) -> None:
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    if dict(scope["headers"]).get(b"authorization") != KEY:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    if not _decode(body).stream:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"443")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _ANSWER})
        return
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(EVENTS):
        await send({"type": "http.response.body", "body": _EVENT % b"%d" % number, "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="error", access_log=False
    )

"""Many streams at once at a real pace: how long they take against the ideal, and what a chunk costs."""

from __future__ import annotations

import asyncio
import json
import os
import time
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import uvloop
from measure import Subject

_STEP = 0.020  # of the profile `fixed`, between two tokens
_TOKEN = b'"delta":{"content":'


class _Stream(asyncio.Protocol):
    """Sends a request and looks at the clock when tokens come. A client that read lines would be the slower
    side."""

    def __init__(self, request: bytes) -> None:
        self.tokens, self.first, self.last = 0, 0.0, 0.0
        self.ended = asyncio.get_running_loop().create_future()
        self._request = request
        self._rest = b""  # of a chunk's name that came in two parts

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        self._rest = data[1 - len(_TOKEN) :]
        tokens = data.count(_TOKEN)
        if tokens:
            self.last = time.monotonic()
            self.first = self.first or self.last
            self.tokens += tokens
        if b"data: [DONE]" in data:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self.ended.done():
            self.ended.set_result((self.last - self.first, self.tokens))


async def _stream(host: str, port: int, request: bytes) -> tuple[float, int]:
    """Seconds from the first token to the last, and how many there were."""
    _, stream = await asyncio.get_running_loop().create_connection(lambda: _Stream(request), host, port)
    told: tuple[float, int] = await stream.ended
    return told


async def _all(subject: Subject, streams: int, tokens: int) -> list[tuple[float, int]]:
    address = urlsplit(subject.base_url)
    body = json.dumps(
        {
            "model": subject.model,
            "messages": [{"role": "user", "content": "Tell me a very long story about foxes."}],
            "max_tokens": tokens,
            "stream": True,
        }
    ).encode()
    head = (
        f"POST {address.path}/chat/completions HTTP/1.1\r\nhost: {address.netloc}\r\n"
        f"authorization: Bearer {subject.key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    host, port = address.hostname or "", address.port or 80
    return await asyncio.gather(*(_stream(host, port, request) for _ in range(streams)))


def run(subject: Subject, streams: int, tokens: int) -> dict[str, float]:
    """ratio: median time of a stream over the ideal; cpu_us_per_chunk: of the server, everything included."""
    os.sched_setaffinity(0, {1})
    try:
        before = subject.cpu()
        told = uvloop.run(_all(subject, streams, tokens))
        cpu = subject.cpu() - before
    finally:
        os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))
    ratios = sorted(seconds / ((count - 1) * _STEP) for seconds, count in told if count > 1)
    chunks = sum(count for _, count in told)
    return {
        "streams": streams,
        "chunks": chunks,
        "ratio": round(median(ratios), 4),
        "ratio_p99": round(ratios[len(ratios) * 99 // 100], 4),
        "cpu_us_per_chunk": round(1e6 * cpu / chunks, 2),
    }

"""Many streams at once at a real pace: how long they take against the ideal, and what a chunk costs."""

from __future__ import annotations

import asyncio
import json
import os
import time
from statistics import median
from urllib.parse import urlsplit

from measure import Subject

_STEP = 0.020  # of the profile `fixed`, between two tokens


async def _stream(host: str, port: int, request: bytes) -> tuple[float, int]:
    """Seconds from the first token to the last, and how many there were."""
    reading, writing = await asyncio.open_connection(host, port)
    writing.write(request)
    tokens, first, last = 0, 0.0, 0.0
    async for line in reading:
        if line.startswith(b"data: {") and b'"content":"' in line:
            last = time.monotonic()
            first = first or last
            tokens += 1
        elif line.startswith(b"data: [DONE]"):
            break
    writing.close()
    return last - first, tokens


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
        told = asyncio.run(_all(subject, streams, tokens))
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

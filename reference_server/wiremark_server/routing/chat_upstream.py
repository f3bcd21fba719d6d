"""A provider that is a real OpenAI-compatible server, reached by URL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from wiremark_server.domain import problem
from wiremark_server.domain.generation import (
    Delta,
    ReasoningDelta,
    TextDelta,
    ToolArgumentsDelta,
    Usage,
)
from wiremark_server.engine import tokens
from wiremark_server.engine.protocol import EngineRun
from wiremark_server.routing import chat_wire
from wiremark_server.routing.upstream import UpstreamError, Work

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=64)
# Statuses that say something about the request, which another provider would say, too.
_REFUSALS = frozenset({400, 413, 422})
_SENTENCE = 500  # characters of a provider's error message that are passed on


class ChatUpstream:
    """`POST {base_url}/chat/completions`, streamed."""

    def __init__(
        self, base_url: str, key: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """transport: in place of a socket"""
        headers = {"accept": "text/event-stream", "user-agent": "wiremark"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/") + "/",
            headers=headers,
            timeout=_TIMEOUT,
            limits=_LIMITS,
            trust_env=False,
            transport=transport,
        )

    def run(self, work: Work) -> EngineRun:
        return _Run(self._client, work)

    async def close(self) -> None:
        await self._client.aclose()


class _Run:
    """One streamed answer. What it says of tokens is the provider's word, else counted here."""

    def __init__(self, client: httpx.AsyncClient, work: Work) -> None:
        self._work = work
        self._chunks = chat_wire.Chunks()
        self._counted = 0
        self._ended = False
        self._steps: asyncio.Queue[list[Delta] | Exception | None] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read_all(client))

    @property
    def usage(self) -> Usage:
        return self._chunks.usage or Usage(self._work.prompt_tokens, self._counted)

    def __aiter__(self) -> _Run:
        return self

    async def __anext__(self) -> list[Delta]:
        step = None if self._ended else await self._steps.get()
        if step is None or self._ended:
            self._ended = True
            raise StopAsyncIteration
        if isinstance(step, Exception):
            self._ended = True
            raise step
        return step

    async def _read_all(self, client: httpx.AsyncClient) -> None:
        """Reads on its own, so that a cancellation interrupts the reading and nothing else."""
        try:
            async for deltas in self._read(client):
                self._steps.put_nowait(deltas)
            self._steps.put_nowait(None)
        except httpx.HTTPError as error:
            self._steps.put_nowait(UpstreamError(type(error).__name__))
        except Exception as error:  # noqa: BLE001 - raised where the answer is waited for
            self._steps.put_nowait(error)

    async def _read(self, client: httpx.AsyncClient) -> AsyncIterator[list[Delta]]:
        asked = chat_wire.request(self._work)
        async with client.stream("POST", "chat/completions", json=asked) as response:
            if response.status_code != httpx.codes.OK:
                raise _refusal(response.status_code, await response.aread())
            async for line in response.aiter_lines():
                data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
                if data.startswith("[DONE]"):
                    break
                deltas = self._chunks.read(_chunk(data)) if data else []
                if deltas:
                    self._counted += sum(_tokens(delta) for delta in deltas)
                    yield deltas
            if not self._chunks.finished:
                raise UpstreamError("the stream ended before the answer did")

    async def cancel(self) -> None:
        """Hang up: a server that notices stops working."""
        self._ended = True
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._steps.put_nowait(None)  # wakes whoever waits


def _chunk(data: str) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except ValueError:
        raise UpstreamError("an event is not JSON") from None
    if not isinstance(chunk, dict):
        raise UpstreamError("an event is not a JSON object")
    return chunk


def _tokens(delta: Delta) -> int:
    match delta:
        case TextDelta() | ReasoningDelta():
            return tokens.count(delta.text)
        case ToolArgumentsDelta():
            return tokens.count(delta.fragment)
        case _:
            return 0


def _refusal(status: int, body: bytes) -> Exception:
    """What the client is told, or why another provider is asked."""
    if status not in _REFUSALS:
        return UpstreamError(f"answered {status}")
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = "it gave no reason"
    return problem.invalid_request(f"The provider refused the request: {str(message)[:_SENTENCE]}")

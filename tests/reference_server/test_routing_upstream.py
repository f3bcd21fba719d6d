"""A real server behind a provider: what it is sent, how its answer is read, what becomes of its failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from wiremark_server.dialects.openai_chat import request
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    Generation,
    ReasoningDelta,
    TextDelta,
    Tool,
    ToolArgumentsDelta,
    ToolCallStart,
    ToolChoice,
    Turn,
    Usage,
)
from wiremark_server.domain.problem import ProblemError
from wiremark_server.routing import chat_wire
from wiremark_server.routing.chat_upstream import ChatUpstream
from wiremark_server.routing.upstream import UpstreamError, Work

PLAIN = Generation("req_1", "ours", (Turn("user", "Hello"),), max_tokens=9)
ROLE = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {
    "choices": [],
    "usage": {
        "prompt_tokens": 11,
        "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
}


def _text(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


def _work(generation: Generation = PLAIN, document: dict[str, Any] | None = None) -> Work:
    return Work(generation, "theirs", 5, document)


def _stream(*chunks: Any, done: bool = True) -> httpx.Response:
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"] * done
    return httpx.Response(200, text="".join(events), headers={"content-type": "text/event-stream"})


async def _read(run: Any) -> list[Delta]:
    return [delta async for deltas in run for delta in deltas]


def _answered(
    reply: Callable[[httpx.Request], httpx.Response] | httpx.Response, work: Work | None = None
) -> tuple[list[Delta], Usage]:
    """The deltas and the usage of an answer."""

    async def ask() -> tuple[list[Delta], Usage]:
        answer = reply if callable(reply) else lambda _: reply
        upstream = ChatUpstream("http://up.invalid/v1", "secret", httpx.MockTransport(answer))
        run = upstream.run(work or _work())
        deltas = await _read(run)
        await upstream.close()
        return deltas, run.usage

    return asyncio.run(ask())


def test_what_is_sent() -> None:
    seen: list[httpx.Request] = []

    def answer(asked: httpx.Request) -> httpx.Response:
        seen.append(asked)
        return _stream(_text("Hi"), END, USAGE)

    document = {"model": "ours", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.2}
    generation = request.decode({**document, "max_tokens": 9, "stop": "x", "seed": 3}, "req_1").generation
    _answered(answer, _work(generation, {**document, "provider": "p", "user": "me"}))
    (asked,) = seen
    assert (str(asked.url), asked.headers["authorization"]) == (
        "http://up.invalid/v1/chat/completions",
        "Bearer secret",
    )
    assert json.loads(asked.content) == {
        "model": "theirs",
        "messages": document["messages"],
        "temperature": 0.2,
        "max_tokens": 9,
        "stop": ["x"],
        "seed": 3,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_request_of_another_format_is_written_anew() -> None:
    tool = Tool("f", "does", {"type": "object"})
    generation = Generation(
        "req_1", "ours", PLAIN.turns, tools=(tool,), tool_choice=ToolChoice("required", ("f",)), n=2
    )
    assert chat_wire.request(_work(generation)) == {
        "model": "theirs",
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "description": "does", "parameters": {"type": "object"}},
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "n": 2,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_text_thoughts_and_usage_are_read() -> None:
    thought = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]}
    deltas, usage = _answered(_stream(ROLE, thought, _text("Hi"), _text(" you"), END, USAGE))
    assert deltas == [
        ReasoningDelta(0, "Hm."),
        TextDelta(0, "Hi"),
        TextDelta(0, " you"),
        Finish(0, "stop"),
    ]
    assert usage == Usage(11, 3, cached=4, reasoning=1)


def test_tool_calls_are_read_and_numbered_from_0() -> None:
    def call(**piece: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]}

    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    deltas, _ = _answered(
        _stream(
            call(index=1, id="call_1", function={"name": "f", "arguments": ""}),
            call(index=1, function={"arguments": "{}"}),
            end,
        )
    )
    assert deltas == [
        ToolCallStart(0, 0, "call_1", "f"),
        ToolArgumentsDelta(0, 0, "{}"),
        Finish(0, "tool_calls"),
    ]


def test_tokens_are_counted_here_when_the_server_does_not_tell() -> None:
    _, usage = _answered(_stream(_text("Hi"), _text(" you"), END))
    assert (usage.prompt, usage.completion > 0) == (5, True)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
def test_what_another_provider_may_do_better_is_an_upstream_error(status: int) -> None:
    with pytest.raises(UpstreamError):
        _answered(httpx.Response(status, json={"error": {"message": "no"}}))


@pytest.mark.parametrize(
    ("body", "said"),
    [(b'{"error": {"message": "n is too large"}}', "n is too large"), (b"<html>", "it gave no reason")],
)
def test_a_refusal_of_the_request_reaches_the_client(body: bytes, said: str) -> None:
    with pytest.raises(ProblemError) as raised:
        _answered(httpx.Response(400, content=body))
    assert said in raised.value.problem.message


@pytest.mark.parametrize(
    "reply",
    [
        _stream(_text("Hi"), done=False),
        _stream(_text("Hi")),
        _stream({"error": {"message": "out of memory"}}),
        _stream({"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]}),
        _stream({"choices": "none"}),
        _stream([]),
        httpx.Response(200, text="data: {oops\n\n"),
        httpx.Response(200, text=""),
    ],
)
def test_a_broken_stream_is_an_upstream_error(reply: httpx.Response) -> None:
    with pytest.raises(UpstreamError):
        _answered(reply)


def test_no_connection_is_an_upstream_error() -> None:
    def refuse(asked: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=asked)

    with pytest.raises(UpstreamError):
        _answered(refuse)


class _Endless(httpx.AsyncByteStream):
    """A stream that never ends, and knows whether it was hung up."""

    def __init__(self) -> None:
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield f"data: {json.dumps(_text('Hi'))}\n\n".encode()
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed = True


def test_cancelling_hangs_up_and_ends_the_answer() -> None:
    endless = _Endless()

    async def ask() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=endless))
        run = ChatUpstream("http://up.invalid/v1", None, transport).run(_work())
        assert await anext(run) == [TextDelta(0, "Hi")]
        waiting = asyncio.ensure_future(anext(run))
        await asyncio.sleep(0)
        await run.cancel()
        with pytest.raises(StopAsyncIteration):
            await waiting
        assert run.usage.completion > 0

    asyncio.run(ask())
    assert endless.closed

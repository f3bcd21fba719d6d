"""Messages in every legal form raise no alarm."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.judging import good_messages as good

Change = Callable[[Any], object]
PLAIN, STREAM, CALLS = "messages.plain", "messages.stream", "messages.tools.stream"
PING = {"type": "ping"}


def _ours(world: Any) -> list[Any]:
    """The answers that are streams of messages."""
    named = ((name, answer) for name, answer in world.answers.items() if answer.chunks is not None)
    return [answer for name, answer in named if good.is_ours(name)]


def _messages(change: Callable[[dict[str, Any]], object]) -> Change:
    """The change on every whole message, and on the one that each stream begins with."""

    def apply(world: Any) -> None:
        for name, answer in world.answers.items():
            if good.is_ours(name) and isinstance(answer.body, dict) and "stop_reason" in answer.body:
                change(answer.body)
        for answer in _ours(world):
            change(answer.chunks[0]["message"])

    return apply


def _events(change: Callable[[dict[str, Any]], object]) -> Change:
    """The change on every event of every stream."""
    return lambda w: [change(event) for answer in _ours(w) for event in answer.chunks]


def _ends(change: Callable[[dict[str, Any]], object]) -> Change:
    """The change on every message_delta."""
    return _events(lambda event: change(event) if event["type"] == "message_delta" else None)


def _streams(change: Callable[[list[Any]], object]) -> Change:
    """The change on the events of every stream."""
    return lambda w: [change(answer.chunks) for answer in _ours(w)]


def _reframed(how: Callable[[bytes], bytes]) -> Change:
    """Every stream's bytes turned into other bytes that mean the same."""

    def apply(world: Any) -> None:
        for answer in _ours(world):
            answer.chunks = [how(answer.wire)]

    return apply


def _split(step: int) -> Change:
    def apply(world: Any) -> None:
        for answer in _ours(world):
            answer.step = step

    return apply


def _pinged(chunks: list[Any]) -> None:
    chunks[:] = [event for chunk in chunks for event in (chunk, PING)]


def _one_piece(world: Any) -> None:
    """A call whose input comes in one piece."""
    chunks = world.chunks(CALLS)
    pieces = [c for c in chunks if c["type"] == "content_block_delta"]
    pieces[0]["delta"]["partial_json"] = '{"city": "Paris"}'
    for piece in pieces[1:]:
        chunks.remove(piece)


def _counted_again(delta: dict[str, Any]) -> None:
    delta["usage"].update(input_tokens=20, cache_read_input_tokens=None, server_tool_use=None)


def _counted_twice(chunks: list[Any]) -> None:
    """Two message_deltas, the first with what there is so far."""
    early = json.loads(json.dumps(chunks[-2]))
    early["usage"]["output_tokens"] = 2
    chunks.insert(-2, early)


def _unknown_block(chunks: list[Any]) -> None:
    index = 1 + max(chunk.get("index", -1) for chunk in chunks)
    chunks[-2:-2] = good.block(index, {"type": "a_new_block", "x": 1}, good.delta(index, "a_new_delta", y=2))


def _thought_first(world: Any) -> None:
    world.chunks(STREAM)[2:-2] = [*good.thinking(), *good.text(1)]


def _unsigned_placeholder(world: Any) -> None:
    """The signature key may be missing from the start of a block; its delta brings it."""
    world.chunks("messages.thinking.stream")[2]["content_block"].pop("signature")


def _overloaded(world: Any) -> None:
    """An honest failure is no finding, whatever is missing after it."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    world.chunks(STREAM)[4:] = [error]


def _cached(message: dict[str, Any]) -> None:
    message["usage"].update(
        input_tokens=message["usage"]["input_tokens"] - 5,
        cache_read_input_tokens=5,
        cache_creation_input_tokens=0,
        cache_creation={"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        service_tier="standard",
        server_tool_use=None,
    )


def _refused(probe: str, status: int, kind: str) -> Change:
    def apply(world: Any) -> None:
        world[probe].status = status
        world[probe].body["error"]["type"] = kind

    return apply


def _answered(probe: str) -> Change:
    def apply(world: Any) -> None:
        world[probe].status, world[probe].body = 200, good.message(good.SAID)

    return apply


def _set(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body.update(values)


def _header(probe: str, **values: str) -> Change:
    return lambda w: w[probe].headers.update({k.replace("_", "-"): v for k, v in values.items()})


LEGAL: dict[str, Change] = {
    "nothing changed": lambda _: None,
    "a ping after every event": _streams(_pinged),
    "no ping at all": _streams(lambda chunks: chunks.remove(PING)),
    "comments between events": _reframed(
        lambda body: b": connected\n\n" + body.replace(b"\n\n", b"\n\n: keep-alive\n\n")
    ),
    "CRLF": _reframed(lambda body: body.replace(b"\n", b"\r\n")),
    "CR alone": _reframed(lambda body: body.replace(b"\n", b"\r")),
    "extra blank lines": _reframed(lambda body: body.replace(b"\n\n", b"\n\n\n")),
    "data before the name": _reframed(
        lambda body: b"".join(
            b"\n".join(reversed(block.split(b"\n"))) + b"\n\n" for block in body.split(b"\n\n")[:-1]
        )
    ),
    "event ids": _reframed(lambda body: body.replace(b"event: ", b"id: 7\nevent: ")),
    "spaces in the JSON": _reframed(lambda body: body.replace(b'": ', b'" :  ')),
    "single bytes": _split(1),
    "pieces of seven bytes": _split(7),
    "raw UTF-8": _reframed(lambda body: body.replace(b"there", "☃ 😀".encode())),
    "another id prefix": _messages(
        lambda message: message.update(id=message["id"].replace("msg_", "chatcmpl-"))
    ),
    "unknown keys in messages": _messages(lambda message: message.update(context_management=None, x=1)),
    "container and stop_details": _messages(lambda m: m.update(container=None, stop_details=None)),
    "no stop_sequence key": _messages(lambda m: m["stop_sequence"] is None and m.pop("stop_sequence")),
    "unknown keys in events": _events(lambda event: event.update(p="abcdef")),
    "usage with a cache": _messages(_cached),
    "counts of the prompt at the end too": _ends(_counted_again),
    "a count on the way": _streams(_counted_twice),
    "a null stop_sequence left out": _ends(
        lambda d: d["delta"]["stop_sequence"] is None and d["delta"].pop("stop_sequence")
    ),
    "no input tokens but cached ones": lambda w: w.chunks(STREAM)[0]["message"]["usage"].update(
        input_tokens=0, cache_read_input_tokens=20
    ),
    "a new type of event": _streams(lambda chunks: chunks.insert(2, {"type": "a_new_event", "x": 1})),
    "a new type of block": lambda w: _unknown_block(w.chunks(STREAM)),
    "a new type of block, whole": lambda w: w[PLAIN].body["content"].append({"type": "a_new_block"}),
    "thinking that nobody asked for": _thought_first,
    "a block that starts without a signature": _unsigned_placeholder,
    "redacted thinking": lambda w: w["messages.thinking"].body.update(
        content=[{"type": "redacted_thinking", "data": "EmwKAhgB"}, good.SAID]
    ),
    "a call in one piece": _one_piece,
    "text before a call": lambda w: w["messages.tools.forced"].body["content"].insert(0, dict(good.SAID)),
    "citations on text": lambda w: w[PLAIN].body["content"][0].update(citations=None),
    "one call although two were asked": lambda w: w.chunks("messages.tools.parallel").__delitem__(
        slice(-7, -2)
    ),
    "an answer that its budget was enough for": lambda w: w["messages.max-tokens"].body.update(
        stop_reason="end_turn", usage={"input_tokens": 20, "output_tokens": 3}
    ),
    "a stop sequence that was not reached": lambda w: w["messages.stop"].body.update(
        content=[{"type": "text", "text": "One, two, three"}], stop_reason="max_tokens", stop_sequence=None
    ),
    "an honest failure in the stream": _overloaded,
    "no body beside the size": _refused("messages.limits.body", 413, "request_too_large"),
    "credit told with 400": _refused("messages.keys.exhausted", 400, "invalid_request_error"),
    "credit told with 429": _refused("messages.keys.exhausted", 429, "rate_limit_error"),
    "a model that nobody sees told with 404": _refused("messages.keys.restricted", 404, "not_found_error"),
    "details in an error": lambda w: w["messages.errors.role"].body["error"].update(details=None),
    "a default for the version": _answered("messages.versions.missing"),
    "parameters that are ignored": _answered("messages.rare"),
    "a server tool that runs": _answered("messages.tools.server-tool"),
    "tokens counted apart": _header(
        PLAIN,
        anthropic_ratelimit_input_tokens_limit="80000",
        anthropic_ratelimit_input_tokens_remaining="79000",
        anthropic_ratelimit_input_tokens_reset="2026-01-01T00:00:00.5+00:00",
    ),
    "an empty page after the last": _set("messages.models.next", **good.page()),
    "one page only": _set("messages.models.page", has_more=False),
    "capabilities of a model": lambda w: w["messages.models.get"].body.update(
        capabilities=None, max_input_tokens=200000, max_tokens=64000
    ),
    "a date with an offset": lambda w: w["messages.models.get"].body.update(
        created_at="2025-12-01T01:00:00.123+01:00"
    ),
}


@pytest.mark.parametrize("change", LEGAL.values(), ids=LEGAL)
def test_legal_variants_raise_no_alarm(world: Any, change: Change) -> None:
    change(world)
    assert world.findings("messages") == {}

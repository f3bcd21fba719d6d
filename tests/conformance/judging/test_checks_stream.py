"""Each requirement on streams, spoilt in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_reports.record import Verdict

Change = Callable[[Any], object]
STREAM = "chat.stream"
USAGE = "chat.stream.usage"


def _wire(change: Callable[[bytes], bytes], probe: str = STREAM) -> Change:
    """Other bytes for a stream."""

    def apply(world: Any) -> None:
        world[probe].chunks = [change(world[probe].wire)]

    return apply


def _insert(position: int, *events: Any, probe: str = STREAM) -> Change:
    """More events before the one at `position`; -1 is before the terminator."""

    def apply(world: Any) -> None:
        chunks = world.chunks(probe)
        at = position if position >= 0 else len(chunks) + position
        chunks[at:at] = events

    return apply


def _append(*events: Any) -> Change:
    return lambda w: w.chunks(STREAM).extend(events)


def _chunk(position: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[position].update(values)


def _choice(position: int, **values: Any) -> Change:
    return lambda w: w.chunks(STREAM)[position]["choices"][0].update(values)


def _delta(position: int, **values: Any) -> Change:
    return lambda w: w[STREAM].delta(position).update(values)


def _deltas(**values: Any) -> Change:
    return lambda w: [w[STREAM].delta(i).update(values) for i in range(4)]


def _usage(**values: Any) -> Change:
    return lambda w: w.chunks(USAGE)[-2]["usage"].update(values)


def _answer(probe: str, status: int, body: Any, content_type: str = "application/json") -> Change:
    def apply(world: Any) -> None:
        answer = world[probe]
        answer.status, answer.body, answer.chunks = status, body, None
        answer.headers["content-type"] = content_type

    return apply


def _chunks_of_both(world: Any) -> list[Any]:
    """The chunks of two streams."""
    both = [*world.chunks(STREAM), *world.chunks(USAGE)]
    return [one for one in both if isinstance(one, dict)]


def _cumulative(world: Any) -> None:
    for position, text in enumerate(("Hel", "Hello ", "Hello there", "Hello there."), start=1):
        if position > 3:
            world.chunks(STREAM).insert(
                4, {**world.chunks(STREAM)[3], "choices": [{"index": 0, "delta": {}, "finish_reason": None}]}
            )
        world[STREAM].delta(position)["content"] = text


def _twice(world: Any) -> None:
    """The text in pieces, then the whole of it."""
    _cumulative(world)
    for position, text in enumerate(("Hel", "lo ", "there", "Hello there"), start=1):
        world[STREAM].delta(position)["content"] = text


def _usage_before_finish(world: Any) -> None:
    chunks = world.chunks(USAGE)
    chunks.insert(-3, chunks.pop(-2))


def _usage_with_choices(world: Any) -> None:
    chunks = world.chunks(USAGE)
    chunks[-3]["usage"] = chunks.pop(-2)["usage"]


ERROR = {"error": {"message": "out of memory", "type": "server_error", "param": None, "code": None}}
REFUSAL = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}
TAIL = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1764547200,
    "model": "deepseek-v4-flash",
    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
}

SPOILT: list[tuple[str, Change]] = [
    ("chat.stream.accepted", _answer(STREAM, 400, REFUSAL)),
    ("chat.stream.accepted", _answer(STREAM, 406, REFUSAL)),
    ("chat.stream.events", _answer(STREAM, 200, {"object": "chat.completion"})),
    ("chat.stream.events", _answer(STREAM, 200, ERROR)),
    ("chat.stream.events", _answer(STREAM, 200, b'{"id": 1}\n{"id": 2}\n', "text/event-stream")),
    ("chat.stream.events", _answer(STREAM, 200, b"")),
    ("chat.stream.content-type", lambda w: w[STREAM].headers.update({"content-type": "application/json"})),
    ("chat.stream.content-type", lambda w: w["chat.tools.stream"].headers.pop("content-type")),
    ("chat.stream.cache-control", lambda w: w[STREAM].headers.pop("cache-control")),
    ("chat.stream.complete", lambda w: w[STREAM].fail("truncated")),
    ("chat.stream.complete", lambda w: w[STREAM].fail("protocol")),
    ("chat.stream.data-json", _insert(2, "{'id': 1}")),
    ("chat.stream.data-json", _insert(2, '{"logprob": NaN}')),
    ("chat.stream.data-json", _insert(2, "[1]")),
    ("chat.stream.no-empty-events", _insert(2, b"event: ping\n\n")),
    ("chat.stream.no-empty-events", _insert(2, b"data:\n\n")),
    ("chat.stream.no-empty-events", _insert(2, b"retry: 100\n\n")),
    ("chat.stream.last-event-ended", _wire(lambda body: body.removesuffix(b"\n"))),
    ("chat.stream.last-event-ended", _wire(lambda body: body.removesuffix(b"\n\n"))),
    ("chat.stream.no-bom", _wire(lambda body: b"\xef\xbb\xbf" + body)),
    ("chat.stream.utf8", _wire(lambda body: body.replace(b"Hel", b"\xe2\x98"))),
    ("chat.stream.space", _wire(lambda body: body.replace(b"data: ", b"data:"))),
    ("chat.stream.single-line", _wire(lambda body: body.replace(b', "model"', b',\ndata: "model"'))),
    ("chat.stream.no-id", _wire(lambda body: body.replace(b"data: {", b"id: 1\ndata: {"))),
    ("chat.stream.done", lambda w: w.chunks(STREAM).pop()),
    ("chat.stream.done", _append("[DONE]")),
    ("chat.stream.done", lambda w: w.chunks(USAGE).pop()),
    ("chat.stream.done-exact", _wire(lambda body: body.replace(b"[DONE]", b"[DONE] "))),
    ("chat.stream.done-exact", _wire(lambda body: body.replace(b"[DONE]", b"DONE"))),
    ("chat.stream.done-exact", _wire(lambda body: body.replace(b"[DONE]", b"[done]"))),
    ("chat.stream.done-last", _append(TAIL)),
    ("chat.stream.done-last", _append("bye")),
    ("chat.stream.error-frames", _insert(2, {"object": "error", "message": "out of memory"})),
    ("chat.stream.error-frames", _insert(2, b'event: error\ndata: {"message": "out of memory"}\n\n')),
    ("chat.stream.error-frames", _insert(2, {"error": "out of memory"})),
    ("chat.stream.error-frames", _insert(2, {"error": {"code": 500}})),
    ("chat.stream.error-frames", _insert(2, {"message": "out of memory", "code": 500})),
    ("chat.stream.error-ends", _insert(4, ERROR)),
    ("chat.stream.no-error-key", _chunk(2, error={"message": "slow"})),
    ("chat.stream.chunk-object", _chunk(2, object="chat.completion")),
    ("chat.stream.chunk-object", lambda w: w.chunks(STREAM)[2].pop("object")),
    ("chat.stream.chunk-fields", _chunk(1, id="")),
    ("chat.stream.chunk-fields", lambda w: w.chunks(USAGE)[-2].pop("id")),
    ("chat.stream.chunk-fields", _chunk(1, created="now")),
    ("chat.stream.chunk-fields", _chunk(1, model=None)),
    ("chat.stream.chunk-types", _chunk(1, system_fingerprint=7)),
    ("chat.stream.chunk-types", _delta(2, content=["lo "])),
    ("chat.stream.id-constant", _chunk(2, id="chatcmpl-2")),
    ("chat.stream.created-constant", _chunk(2, created=1764547201)),
    ("chat.stream.model-constant", _chunk(2, model="another")),
    ("chat.stream.choices-array", _chunk(2, choices=None)),
    ("chat.stream.choices-array", lambda w: w.chunks(USAGE)[-2].pop("choices")),
    ("chat.stream.choice-fields", _choice(2, index=None)),
    ("chat.stream.choice-fields", _choice(4, delta=None)),
    ("chat.stream.choice-fields", lambda w: w.chunks(STREAM)[4]["choices"][0].pop("delta")),
    ("chat.stream.index-zero", _choice(0, index=1)),
    ("chat.stream.leading-choices", _insert(0, {**TAIL, "choices": []})),
    ("chat.stream.role", lambda w: w[STREAM].delta(0).pop("role")),
    (
        "chat.stream.role",
        lambda w: [w[STREAM].delta(0).pop("role"), w[STREAM].delta(3).update(role="assistant")],
    ),
    ("chat.stream.role", _delta(0, role="model")),
    ("chat.stream.role-once", _deltas(role="assistant")),
    ("chat.stream.role-once", _delta(4, role="assistant")),
    ("chat.stream.text", _deltas(content="")),
    ("chat.stream.fragments", _cumulative),
    ("chat.stream.fragments", _twice),
    ("chat.stream.whole-characters", _delta(1, content="caf\ufffd")),
    ("chat.stream.constant-strings", _deltas(provider="x")),
    ("chat.stream.lists-indexed", _deltas(annotations=[{"kind": "url"}])),
    ("chat.stream.finish", _choice(4, finish_reason=None)),
    ("chat.stream.finish", _choice(4, finish_reason="")),
    ("chat.stream.finish-once", _choice(3, finish_reason="stop")),
    ("chat.stream.finish-enum", _choice(4, finish_reason="eos_token")),
    ("chat.stream.finish-enum", _choice(2, finish_reason="")),
    ("chat.stream.finish-with-calls", _choice(4, finish_reason="tool_calls")),
    ("chat.stream.created-seconds", _chunk(0, created=1764547200000)),
    ("chat.stream.id-unique", lambda w: [one.update(id="chatcmpl-1") for one in _chunks_of_both(w)]),
    ("chat.stream.no-control-tokens", _delta(3, content="there.<|im_end|>")),
    ("chat.stream.no-control-tokens", _delta(3, content="there.</s>")),
    ("chat.stream.usage.once", lambda w: w.chunks(USAGE).insert(-1, w.chunks(USAGE)[-2])),
    ("chat.stream.after-finish", _choice(2, finish_reason="stop")),
    ("chat.stream.usage-unasked", _insert(-1, {**TAIL, "choices": [], "usage": {"total_tokens": 1}})),
    ("chat.stream.usage.accepted", _answer(USAGE, 400, REFUSAL)),
    ("chat.stream.usage.present", lambda w: w.chunks(USAGE).pop(-2)),
    ("chat.stream.usage.last", _usage_before_finish),
    ("chat.stream.usage.empty-choices", _usage_with_choices),
    ("chat.stream.usage.integers", _usage(prompt_tokens="20")),
    ("chat.stream.usage.total", _usage(total_tokens=20)),
    ("chat.stream.usage.prompt-agrees", _usage(prompt_tokens=21)),
]


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{i}-{r}" for i, (r, _) in enumerate(SPOILT)]
)
def test_what_is_wrong_is_found(world: Any, requirement: str, change: Change) -> None:
    assert world.judge(requirement).verdict is Verdict.PASS
    change(world)
    judged = world.judge(requirement)
    finding = Verdict.FAIL if judged.requirement.level == "MUST" else Verdict.WARN
    assert (judged.verdict, bool(judged.message)) == (finding, True), judged.message

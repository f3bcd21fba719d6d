"""Each requirement on whole chat answers, spoilt in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_reports.record import Verdict

Change = Callable[[Any], object]


def _refuse(probe: str) -> Change:
    """An honest refusal of what the contract claims."""
    error = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}

    def apply(world: Any) -> None:
        answer = world[probe]
        answer.status, answer.body, answer.chunks = 400, error, None

    return apply


def _body(**values: Any) -> Change:
    return lambda w: w["chat.plain"].body.update(values)


def _message(probe: str = "chat.plain", **values: Any) -> Change:
    return lambda w: w[probe].message.update(values)


def _choice(probe: str = "chat.plain", **values: Any) -> Change:
    return lambda w: w[probe].choice.update(values)


def _usage(probe: str = "chat.plain", **values: Any) -> Change:
    return lambda w: w[probe].body["usage"].update(values)


def _entry(**values: Any) -> Change:
    return lambda w: w["chat.logprobs"].choice["logprobs"]["content"][0].update(values)


SPOILT: list[tuple[str, Change]] = [
    ("answer.usage-fields", lambda w: w["chat.plain"].body["usage"].update(prompt_characters=37)),
    ("answer.usage-fields", lambda w: w["chat.plain"].body["usage"].update(response_characters=0)),
    ("answer.usage-fields", lambda w: w["chat.plain"].body["usage"].update(cost=0.5)),
    ("answer.usage-fields", lambda w: w["chat.tools.forced"].body["usage"].update(latency_ms="12")),
    ("answer.usage-fields", lambda w: w.chunks("chat.stream.usage")[-2]["usage"].pop("cost")),
    ("chat.minimal", lambda w: setattr(w["chat.minimal"], "status", 400)),
    ("chat.accepted", _refuse("chat.plain")),
    ("chat.accepted", lambda w: w["chat.plain"].fail("truncated")),
    ("chat.accepted", lambda w: w["chat.plain"].fail("protocol")),
    ("chat.id", lambda w: w["chat.plain"].body.pop("id")),
    ("chat.id", _body(id="")),
    ("chat.id", _body(id=7)),
    ("chat.object", _body(object="text_completion")),
    ("chat.created", _body(created="2025-12-01")),
    ("chat.created", _body(created=1764547200.5)),
    ("chat.created", _body(created=True)),
    ("chat.created-seconds", _body(created=1764547200000)),
    ("chat.created-seconds", _body(created=0)),
    ("chat.model", _body(model=None)),
    ("chat.choices", _body(choices=[])),
    ("chat.choices", _body(choices=None)),
    ("chat.choices", _body(choices={"0": {}})),
    ("chat.choice.index", _choice(index=None)),
    ("chat.choice.index", _choice(index=1)),
    ("chat.message.object", lambda w: w["chat.plain"].choice.update(message="Hello.")),
    ("chat.message.role", _message(role="model")),
    ("chat.message.content", _message(content=[{"type": "text", "text": "Hello."}])),
    ("chat.message.content", _message("chat.tools.forced", content=[])),
    ("chat.message.not-empty", _message(content="")),
    ("chat.whole-characters", _message(content="caf\ufffd")),
    ("chat.no-control-tokens", _message(content="Hello.<|im_end|>")),
    ("chat.finish-with-calls", _choice(finish_reason="tool_calls")),
    ("chat.finish-reason", _choice(finish_reason=None)),
    ("chat.finish-reason", _choice(finish_reason="eos")),
    ("chat.finish-reason", lambda w: w["chat.plain"].choice.pop("finish_reason")),
    ("chat.schema", lambda w: w["chat.plain"].message.pop("refusal")),
    ("chat.schema", lambda w: w["chat.tools.forced"].choice.pop("logprobs")),
    ("chat.types", _body(system_fingerprint=5)),
    ("chat.types", _message(refusal=False)),
    ("chat.types", _message(reasoning_content=["Hm."])),
    ("chat.logprobs-unasked", _choice(logprobs={"content": [{"token": "x", "logprob": -1}]})),
    ("chat.no-error", _body(error={"message": "out of memory"})),
    ("chat.usage.present", lambda w: w["chat.plain"].body.pop("usage")),
    ("chat.usage.integers", _usage(prompt_tokens="20")),
    ("chat.usage.integers", _usage(completion_tokens=None)),
    ("chat.usage.integers", _usage(total_tokens=-1)),
    ("chat.usage.total", _usage(total_tokens=6)),
    ("chat.usage.total", _usage("chat.tools.forced", total_tokens=27)),
    ("chat.usage.positive", _usage(prompt_tokens=0)),
    ("chat.usage.positive", _usage(completion_tokens=0)),
    ("chat.usage.details", _usage(prompt_tokens_details={"cached_tokens": 21})),
    ("chat.usage.details", _usage(completion_tokens_details={"reasoning_tokens": 7})),
    ("chat.echo-back", _refuse("chat.echo-back")),
    ("chat.content-parts", _refuse("chat.content-parts")),
    ("chat.developer-role", _refuse("chat.developer")),
    ("chat.null-parameters", _refuse("chat.nulls")),
    # chat-options
    ("chat.max-tokens.accepted", _refuse("chat.max-tokens")),
    ("chat.max-tokens.honoured", _usage("chat.max-tokens", completion_tokens=9)),
    ("chat.max-tokens.honoured", _message("chat.max-tokens", content="1 2 3 " * 50)),
    (
        "chat.max-tokens.finish-reason",
        lambda w: [
            _usage("chat.max-tokens", completion_tokens=8)(w),
            _choice("chat.max-tokens", finish_reason="stop")(w),
        ],
    ),
    ("chat.max-completion-tokens.accepted", _refuse("chat.max-completion-tokens")),
    (
        "chat.max-completion-tokens.honoured",
        lambda w: w["chat.max-completion-tokens"].delta(1).update(content="1 2 3 " * 50),
    ),
    (
        "chat.max-completion-tokens.finish-reason",
        lambda w: w["chat.max-completion-tokens"].chunks[-2]["choices"][0].update(finish_reason="tool_calls"),
    ),
    ("chat.stop.accepted", _refuse("chat.stop")),
    ("chat.stop.absent", _message("chat.stop", content="5 6 7")),
    ("chat.stop.finish-reason", _choice("chat.stop", finish_reason="tool_calls")),
    ("chat.n.accepted", _refuse("chat.n")),
    ("chat.n.count", lambda w: w["chat.n"].body["choices"].pop()),
    ("chat.n.indexes", lambda w: w["chat.n"].body["choices"][1].update(index=0)),
    ("chat.n.stream.accepted", _refuse("chat.n.stream")),
    ("chat.n.stream.count", lambda w: w.chunks("chat.n.stream").__delitem__(slice(1, -1, 2))),
    ("chat.n.stream.order", lambda w: w.chunks("chat.n.stream").insert(0, w.chunks("chat.n.stream").pop(1))),
    ("chat.n.stream.finish", lambda w: w.chunks("chat.n.stream").pop(-2)),
    ("chat.n.stream.finish", lambda w: w.chunks("chat.n.stream").insert(0, w.chunks("chat.n.stream")[-2])),
    ("chat.n.stream.role", lambda w: w["chat.n.stream"].delta(1).pop("role")),
    ("chat.n.stream.role", lambda w: w["chat.n.stream"].delta(3).update(role="assistant")),
    ("chat.logprobs.accepted", _refuse("chat.logprobs")),
    ("chat.logprobs.present", _choice("chat.logprobs", logprobs=None)),
    ("chat.logprobs.present", _choice("chat.logprobs", logprobs={"content": []})),
    ("chat.logprobs.entries", _entry(logprob=0.5)),
    ("chat.logprobs.entries", _entry(logprob=None)),
    ("chat.logprobs.entries", _entry(token=5)),
    ("chat.logprobs.bytes", lambda w: w["chat.logprobs"].choice["logprobs"]["content"][0].pop("bytes")),
    ("chat.logprobs.bytes", _entry(bytes="SGVsbG8=")),
    ("chat.logprobs.top", _entry(top_logprobs=None)),
    ("chat.logprobs.top", _entry(top_logprobs=[{"token": "a", "logprob": -1}] * 3)),
    ("chat.logprobs.top", _entry(top_logprobs=[{"a": -1}])),
    (
        "chat.logprobs.top-own",
        lambda w: [
            e.update(top_logprobs=[{"token": "a", "logprob": -1}])
            for e in w["chat.logprobs"].choice["logprobs"]["content"]
        ],
    ),
    ("chat.logprobs.text", _entry(token="Bye")),
    # chat-structured
    ("chat.json.accepted", _refuse("chat.json")),
    ("chat.json.object", _message("chat.json", content="The answer is 42.")),
    ("chat.json.object", _message("chat.json", content='```json\n{"answer": 42}\n```')),
    ("chat.json.object", _message("chat.json", content="")),
    ("chat.json.object", _message("chat.json", content="[42]")),
    ("chat.json-schema.accepted", _refuse("chat.json-schema")),
    (
        "chat.json-schema.document",
        _message("chat.json-schema", content='{"city": "Paris", "sunny": true} Enjoy!'),
    ),
    ("chat.json-schema.valid", _message("chat.json-schema", content='{"city": "Rome", "sunny": true}')),
    ("chat.json-schema.valid", _message("chat.json-schema", content='{"city": "Oslo"}')),
    ("chat.vision.accepted", _refuse("chat.vision")),
    ("chat.vision.remote-refused", lambda w: w.answers.update({"chat.vision.remote": w["chat.plain"]})),
    ("chat.vision.text-only-refused", lambda w: w.answers.update({"chat.vision.text-only": w["chat.plain"]})),
    # chat-reasoning
    ("chat.reasoning.accepted", _refuse("chat.reasoning")),
    ("chat.reasoning.field", _message("chat.reasoning", reasoning_content=None)),
    ("chat.reasoning.field", _message("chat.reasoning", reasoning_content=["A dozen is 12."])),
    ("chat.reasoning.details", lambda w: w["chat.reasoning"].message.pop("reasoning_details")),
    ("chat.reasoning.details", _message("chat.reasoning", reasoning_details={"type": "reasoning.text"})),
    ("chat.reasoning.details", _message("chat.reasoning", reasoning_details=["A dozen is 12."])),
    ("chat.reasoning.details", _message("chat.reasoning", reasoning_details=[{"type": "text", "index": 0}])),
    (
        "chat.reasoning.details",
        _message("chat.reasoning", reasoning_details=[{"type": "reasoning.text", "index": "0"}]),
    ),
    (
        "chat.reasoning.stream-details",
        lambda w: w["chat.reasoning.stream"].delta(2)["reasoning_details"][0].pop("index"),
    ),
    (
        "chat.reasoning.stream-details",
        lambda w: [w["chat.reasoning.stream"].delta(i).pop("reasoning_details") for i in (1, 2)],
    ),
    ("chat.reasoning.unasked", _message("chat.reasoning.unasked", reasoning_content=None)),
    ("chat.reasoning.apart", _message("chat.reasoning", content="<think>12</think>A dozen.")),
    ("chat.reasoning.stream-field", lambda w: w.chunks("chat.reasoning.stream").__delitem__(slice(1, 3))),
    ("chat.reasoning.stream-apart", lambda w: w["chat.reasoning.stream"].delta(3).update(content="</think>")),
    (
        "chat.reasoning.stream-first",
        lambda w: w.chunks("chat.reasoning.stream").insert(4, w.chunks("chat.reasoning.stream").pop(2)),
    ),
    (
        "chat.reasoning.tokens",
        lambda w: w["chat.reasoning"].body["usage"]["completion_tokens_details"].update(reasoning_tokens=0),
    ),
    # answer
    ("answer.id", lambda w: w["chat.plain"].body.update(id="chatcmpl-123456789012")),
    ("answer.id", lambda w: w["chat.plain"].body.update(id="gen-1764547201-VhzEA3LAfGuc")),
    ("answer.id", lambda w: w.chunks("chat.stream")[0].update(id="gen-1764547200-")),
    ("answer.message-fields", lambda w: w["chat.plain"].message.pop("refusal")),
    ("answer.message-fields", _message("chat.plain", reasoning_content="")),
    ("answer.choice-fields", lambda w: w["chat.plain"].choice.pop("logprobs")),
    ("answer.choice-fields", lambda w: w["chat.n"].body["choices"][1].pop("logprobs")),
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

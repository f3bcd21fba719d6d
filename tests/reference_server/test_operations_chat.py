"""Chat completions through the whole gateway: what is answered, and what it costs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from wiremark_schemas import registry
from wiremark_server.domain.generation import Delta, Finish, Generation, TextDelta, Usage
from wiremark_server.engine.protocol import EngineRefusal, EngineRun
from wiremark_server.engine.tokens import count_prompt
from wiremark_server.ledger import pricing
from wiremark_server.ledger.verify import verify

Make = Callable[..., Any]
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
}


class FailingRun:
    """Gives `steps` tokens, then fails."""

    def __init__(self, steps: int) -> None:
        self._left = steps
        self.usage = Usage(10, 0)

    def __aiter__(self) -> FailingRun:
        return self

    async def __anext__(self) -> list[Delta]:
        if not self._left:
            raise RuntimeError("the GPU fell off the bus")
        self._left -= 1
        self.usage = Usage(10, self.usage.completion + 1)
        return [TextDelta(0, "x")]

    async def cancel(self) -> None:
        self._left = 0


class EndlessRun(FailingRun):
    """Goes on until it is cancelled."""

    def __init__(self) -> None:
        super().__init__(10_000)
        self.cancelled = False

    async def __anext__(self) -> list[Delta]:
        if self.cancelled:
            raise StopAsyncIteration
        await asyncio.sleep(0)  # let others run, as every engine does
        return await super().__anext__()

    async def cancel(self) -> None:
        self.cancelled = True


class FakeEngine:
    """Answers every request with the run that `make` makes, or refuses if that raises."""

    def staffed(self, model: str) -> bool:  # noqa: ARG002
        return True

    def __init__(self, make: Callable[[], EngineRun]) -> None:
        self._make = make

    def count_prompt(self, generation: Generation) -> int:
        return count_prompt(generation)

    def run(self, generation: Generation, prompt_tokens: int | None = None) -> EngineRun:  # noqa: ARG002
        return self._make()

    async def close(self) -> None:
        pass


def _sound(gateway: Any) -> bool:
    return all(result.ok for result in verify(gateway.ledger.name))


def _cost(gateway: Any, model: str, usage: Any) -> int:
    return pricing.charge(
        gateway.contract.model(model).price, usage["prompt_tokens"], usage["completion_tokens"]
    )


def test_a_whole_answer_is_published_shape_and_charged_as_told(in_process: Make) -> None:
    gateway = in_process()
    before = gateway.get("/balance").json["balance_microusd"]
    answer = gateway.chat()
    registry.validator("openai/chat.response.strict").validate(answer.json)
    row = gateway.usage()[0]
    assert row["request_id"] == answer.headers["x-request-id"]
    assert row["amount_microusd"] == _cost(gateway, "wiremark-large", answer.json["usage"]) > 0
    assert (row["state"], row["outcome"], row["cached"]) == ("settled", "ok", False)
    after = gateway.get("/balance").json
    assert after == {"balance_microusd": before - row["amount_microusd"], "held_microusd": 0}
    assert _sound(gateway)


def test_a_stream_says_and_costs_what_the_whole_answer_does(in_process: Make) -> None:
    gateway = in_process()
    whole = gateway.chat(seed=3)
    stream = gateway.chat(seed=3, stream=True, stream_options={"include_usage": True})
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-cache"
    text = "".join(c["delta"].get("content", "") for chunk in stream.chunks for c in chunk["choices"])
    assert text == whole.json["choices"][0]["message"]["content"]
    assert stream.chunks[-1]["usage"] == whole.json["usage"]
    streamed, charged = gateway.usage()
    assert streamed["amount_microusd"] == charged["amount_microusd"]


def test_the_charge_is_durable_before_the_terminator_is_sent(in_process: Make) -> None:
    gateway = in_process()
    settled_when_done: list[bool] = []
    settle = gateway.ledger.settle

    async def watched(*args: Any, **more: Any) -> Any:
        result = await settle(*args, **more)
        settled_when_done.append(True)
        return result

    gateway.ledger.settle = watched
    answer = gateway.chat(stream=True)
    assert settled_when_done == [True]
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_a_stream_cut_by_the_client_is_charged_for_what_was_produced(in_process: Make) -> None:
    run = EndlessRun()
    gateway = in_process(engine=FakeEngine(lambda: run))
    answer = gateway.request(
        "POST",
        "/chat/completions",
        b'{"model": "wiremark-large", "stream": true, "messages": [{"role": "user", "content": "x"}]}',
        headers={"content-type": "application/json"},
        leave_after=5,
    )
    assert run.cancelled
    assert b"[DONE]" not in answer.body
    (row,) = gateway.usage()
    assert (row["state"], row["outcome"], row["completion_tokens"]) == (
        "settled",
        "cut",
        run.usage.completion,
    )
    assert 5 <= row["completion_tokens"] < 100
    assert _sound(gateway)


def test_a_client_that_leaves_before_a_whole_answer_is_charged_too(in_process: Make) -> None:
    run = EndlessRun()
    gateway = in_process(engine=FakeEngine(lambda: run))
    answer = gateway.request(
        "POST",
        "/chat/completions",
        b'{"model": "wiremark-large", "messages": [{"role": "user", "content": "x"}]}',
        headers={"content-type": "application/json"},
        leave_after=0,
    )
    assert answer.frames == ()
    (row,) = gateway.usage()
    assert (row["status"], row["outcome"], row["state"]) == (499, "cut", "settled")


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_before_the_first_token_is_a_status_and_costs_nothing(
    in_process: Make, stream: bool
) -> None:
    gateway = in_process(engine=FakeEngine(lambda: FailingRun(0)))
    answer = gateway.chat(stream=stream)
    assert (answer.status, answer.error["type"]) == (500, "server_error")
    (row,) = gateway.usage()
    assert (row["state"], row["amount_microusd"], row["outcome"]) == ("released", 0, "failed")
    assert _sound(gateway)


def test_a_failure_in_a_stream_is_an_error_event_and_nothing_after_it(in_process: Make) -> None:
    gateway = in_process(engine=FakeEngine(lambda: FailingRun(3)))
    answer = gateway.chat(stream=True)
    assert answer.status == 200
    assert answer.chunks[-1]["error"]["type"] == "server_error"
    assert registry.validator("openai/error").is_valid(answer.chunks[-1])
    assert b"[DONE]" not in answer.body
    assert b"GPU" not in answer.body
    (row,) = gateway.usage()
    assert (row["state"], row["outcome"], row["completion_tokens"]) == ("settled", "failed", 3)


def test_a_refusal_by_the_engine_is_400_and_costs_nothing(in_process: Make) -> None:
    def refuse() -> EngineRun:
        raise EngineRefusal("no document satisfies this schema")

    gateway = in_process(engine=FakeEngine(refuse))
    answer = gateway.chat()
    assert (answer.status, answer.error["message"]) == (400, "no document satisfies this schema")
    assert gateway.usage()[0]["state"] == "released"


def test_several_choices_arrive_interleaved_and_complete(in_process: Make) -> None:
    gateway = in_process()
    assert [choice["index"] for choice in gateway.chat(n=3).json["choices"]] == [0, 1, 2]
    finished = [
        choice["index"]
        for chunk in gateway.chat(n=3, stream=True).chunks
        for choice in chunk["choices"]
        if choice["finish_reason"]
    ]
    assert sorted(finished) == [0, 1, 2]


def test_a_tool_is_called_and_its_result_answered(in_process: Make) -> None:
    gateway = in_process()
    user = {"role": "user", "content": "What is at the door?"}
    first = gateway.chat(messages=[user], tools=[TOOL], tool_choice="required").json["choices"][0]
    assert (first["finish_reason"], first["message"]["content"]) == ("tool_calls", None)
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "a fox"}
        for call in first["message"]["tool_calls"]
    ]
    second = gateway.chat(messages=[user, first["message"], *results], tools=[TOOL]).json["choices"][0]
    assert second["finish_reason"] == "stop"
    assert second["message"]["content"]


CODE = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[A-F]{3}-[0-9]{4}"}}


def test_a_custom_tool_takes_a_text_and_its_result_is_answered(in_process: Make) -> None:
    gateway = in_process()
    user = {"role": "user", "content": "Note that it rains."}
    tool = {"type": "custom", "custom": {"name": "take_note"}}
    chosen = {"type": "custom", "custom": {"name": "take_note"}}
    first = gateway.chat(messages=[user], tools=[TOOL, tool], tool_choice=chosen).json["choices"][0]
    (call,) = first["message"]["tool_calls"]
    assert (first["finish_reason"], call["type"], call["custom"]["name"]) == (
        "tool_calls",
        "custom",
        "take_note",
    )
    assert call["custom"]["input"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "Noted."}
    second = gateway.chat(messages=[user, first["message"], result], tools=[tool]).json["choices"][0]
    assert second["finish_reason"] == "stop"
    assert second["message"]["content"]


def test_a_custom_tool_with_a_grammar_gets_a_text_of_it_in_pieces_too(in_process: Make) -> None:
    gateway = in_process()
    tool = {"type": "custom", "custom": {"name": "set_code", "format": CODE}}
    asked = {"messages": [{"role": "user", "content": "Set it."}], "tools": [tool], "tool_choice": "required"}
    whole = gateway.chat(**asked).json["choices"][0]["message"]["tool_calls"][0]
    assert re.fullmatch("[A-F]{3}-[0-9]{4}", whole["custom"]["input"])
    chunks = gateway.chat(**asked, stream=True).chunks
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    pieces = [piece for delta in deltas for piece in delta.get("tool_calls", ())]
    assert (pieces[0]["type"], pieces[0]["custom"]) == ("custom", {"name": "set_code", "input": ""})
    assert "".join(piece["custom"]["input"] for piece in pieces) == whole["custom"]["input"]
    assert not [piece for piece in pieces[1:] if "id" in piece or "name" in piece["custom"]]


@pytest.mark.parametrize(
    ("role", "status", "kind", "code"),
    [
        ("exhausted", 402, "insufficient_quota", "insufficient_credits"),
        ("restricted", 403, "invalid_request_error", "model_not_allowed"),
        ("capped", 429, "insufficient_quota", "monthly_cap_reached"),
        ("throttled", 429, "requests", "rate_limit_exceeded"),
        ("revoked", 401, "invalid_request_error", "invalid_api_key"),
        (None, 401, "invalid_request_error", None),
    ],
)
def test_each_role_meets_its_refusal(
    in_process: Make, role: str | None, status: int, kind: str, code: str | None
) -> None:
    answer = in_process("hermes-tokens").chat(role)
    assert (answer.status, answer.error["type"], answer.error["code"]) == (status, kind, code)
    if kind == "insufficient_quota":
        assert "retry-after" not in answer.headers
        assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "none"}, 404, "model_not_found"),
        ({"model": "hermes-text-only", "tools": [TOOL]}, 400, "unsupported_parameter"),
        ({"max_tokens": 1_000_000}, 400, None),
        (
            {"model": "hermes-text-only", "messages": [{"role": "user", "content": "word " * 40_000}]},
            400,
            "context_length_exceeded",
        ),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_any_charge(
    in_process: Make, body: dict[str, Any], status: int, code: str | None
) -> None:
    gateway = in_process("hermes-tokens")
    answer = gateway.chat(**body)
    assert (answer.status, answer.error["code"]) == (status, code)
    assert gateway.usage() == []
    if code == "context_length_exceeded":
        assert "maximum context length" in answer.error["message"]


def test_a_repeated_request_is_answered_from_the_cache_for_nothing(in_process: Make) -> None:
    gateway = in_process("hermes-tokens")
    answers = [gateway.chat(), gateway.chat(), gateway.chat(stream=True)]
    assert [answer.headers["x-cache"] for answer in answers] == ["miss", "hit", "hit"]
    first, again, stream = answers
    assert again.json["choices"] == first.json["choices"]
    assert again.json["usage"] == first.json["usage"]
    assert again.json["id"] != first.json["id"]
    text = "".join(c["delta"].get("content", "") for chunk in stream.chunks for c in chunk["choices"])
    assert text == first.json["choices"][0]["message"]["content"]
    rows = gateway.usage()
    assert [(row["cached"], row["amount_microusd"] > 0) for row in rows] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert _sound(gateway)


def test_tools_and_cache_control_bypass_the_cache(in_process: Make) -> None:
    gateway = in_process("hermes-tokens")
    gateway.chat()
    assert gateway.chat(tools=[TOOL]).headers["x-cache"] == "bypass"
    assert gateway.chat(headers={"cache-control": "no-store"}).headers["x-cache"] == "bypass"
    assert gateway.chat().headers["x-cache"] == "hit"
    assert "x-cache" not in in_process("openai").chat().headers


def test_a_failed_answer_is_not_kept(in_process: Make) -> None:
    runs = iter([FailingRun(2), FailingRun(2)])
    gateway = in_process("hermes-tokens", engine=FakeEngine(lambda: next(runs)))
    assert [gateway.chat(stream=True).headers["x-cache"] for _ in range(2)] == ["miss", "miss"]


def test_an_answer_without_tokens_is_still_an_answer(in_process: Make) -> None:
    class Silent(FailingRun):
        async def __anext__(self) -> list[Delta]:
            if not self._left:
                raise StopAsyncIteration
            self._left -= 1
            return [Finish(0, "stop")]

    gateway = in_process(engine=FakeEngine(lambda: Silent(1)))
    assert gateway.chat().json["choices"][0]["message"]["content"] == ""


def test_a_disabled_key_is_told_apart_from_a_wrong_one(in_process: Make) -> None:
    answer = in_process("c0mpute").chat("disabled")
    assert (answer.status, answer.error["code"]) == (401, "api_key_disabled")
    assert "disabled" in answer.error["message"]

"""Legacy completions through the whole gateway: prompts in a batch, echo, log probabilities, streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from wiremark_schemas import registry
from wiremark_server.ledger import pricing

Make = Callable[..., Any]
MODEL = "wiremark-large"


def _complete(gateway: Any, **body: Any) -> Any:
    asked = {"model": MODEL, "prompt": "Count to 5", "max_tokens": 32} | body
    return gateway.post("/completions", json.dumps(asked).encode())


def _texts(answer: Any) -> list[str]:
    return [choice["text"] for choice in answer.json["choices"]]


def _streamed(answer: Any, count: int) -> list[str]:
    texts = [""] * count
    for chunk in answer.chunks:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["text"]
    return texts


def test_an_answer_is_of_published_shape_and_charged_as_told(in_process: Make) -> None:
    gateway = in_process("openai")
    answer = _complete(gateway)
    registry.validator("openai/completions.response", "strict").validate(answer.json)
    assert _texts(answer) == ["1, 2, 3, 4, 5"]
    usage = answer.json["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (3, 9)
    (row,) = gateway.usage()
    assert row["amount_microusd"] == pricing.charge(gateway.contract.model(MODEL).price, 3, 9)


def test_prompts_and_n_multiply_and_count_together(in_process: Make) -> None:
    gateway = in_process("openai")
    answer = _complete(gateway, prompt=["Count to 2", "Count to 3"], n=2)
    assert [choice["index"] for choice in answer.json["choices"]] == [0, 1, 2, 3]
    assert _texts(answer) == ["1, 2", "1, 2", "1, 2, 3", "1, 2, 3"]
    assert answer.json["usage"]["prompt_tokens"] == 6
    assert answer.json["usage"]["completion_tokens"] == 2 * 3 + 2 * 5
    assert gateway.usage()[0]["completion_tokens"] == 16


def test_each_prompt_of_a_batch_is_answered_as_it_would_be_alone(in_process: Make) -> None:
    gateway = in_process("openai")
    prompts = ["Tell me about the sea.", "Tell me about the sky."]
    alone = [_texts(_complete(gateway, prompt=prompt))[0] for prompt in prompts]
    assert _texts(_complete(gateway, prompt=prompts)) == alone


@pytest.mark.parametrize("echo", [False, True])
def test_a_stream_says_and_costs_what_the_whole_answer_does(in_process: Make, echo: bool) -> None:
    gateway = in_process("openai")
    asked: dict[str, Any] = {"prompt": ["Count to 4", "Once upon a time"], "echo": echo}
    whole = _complete(gateway, **asked)
    stream = _complete(gateway, **asked, stream=True, stream_options={"include_usage": True})
    for chunk in stream.chunks:
        registry.validator("openai/completions.chunk", "strict").validate(chunk)
    assert _streamed(stream, 2) == _texts(whole)
    assert stream.body.endswith(b"data: [DONE]\n\n")
    assert stream.chunks[-1]["choices"] == []
    assert stream.chunks[-1]["usage"] == whole.json["usage"]
    finishes = {
        c["index"]: c["finish_reason"] for k in stream.chunks for c in k["choices"] if c["finish_reason"]
    }
    assert finishes == {c["index"]: c["finish_reason"] for c in whole.json["choices"]}
    streamed, plain = gateway.usage()
    assert streamed["amount_microusd"] == plain["amount_microusd"]


def test_echo_repeats_the_prompt_and_is_not_generated(in_process: Make) -> None:
    gateway = in_process("openai")
    answer = _complete(gateway, echo=True, max_tokens=0)
    assert _texts(answer) == ["Count to 5"]
    assert answer.json["usage"]["completion_tokens"] == 0


@pytest.mark.parametrize("stream", [False, True])
def test_log_probabilities_are_four_lists_that_say_the_text(in_process: Make, stream: bool) -> None:
    answer = _complete(in_process("openai"), prompt="Say exactly: one two three", logprobs=2, stream=stream)
    choices = [chunk["choices"][0] for chunk in answer.chunks] if stream else answer.json["choices"]
    found: dict[str, list[Any]] = {}
    for choice in choices:
        for name, values in (choice["logprobs"] or {}).items():
            found.setdefault(name, []).extend(values)
    assert found["tokens"] == ["one", " two", " three"]
    assert found["text_offset"] == [0, 3, 7]
    assert all(token in top for token, top in zip(found["tokens"], found["top_logprobs"], strict=True))
    assert all(value <= 0 for value in found["token_logprobs"])


def test_the_token_itself_is_told_when_no_alternatives_are_asked_for(in_process: Make) -> None:
    (choice,) = _complete(in_process("openai"), prompt="Say exactly: one", logprobs=0).json["choices"]
    assert [list(top) for top in choice["logprobs"]["top_logprobs"]] == [["one"]]


def test_the_default_budget_is_sixteen_and_null_means_the_default(in_process: Make) -> None:
    gateway = in_process("openai")
    for body in ({}, {"max_tokens": None, "n": None, "stop": None, "echo": None, "logprobs": None}):
        answer = gateway.post(
            "/completions", json.dumps({"model": MODEL, "prompt": "Count to 99", **body}).encode()
        )
        assert answer.json["usage"]["completion_tokens"] == 16
        assert answer.json["choices"][0]["finish_reason"] == "length"


def test_a_token_array_is_counted_by_its_tokens_and_no_prompt_is_one(in_process: Make) -> None:
    gateway = in_process("openai")
    assert _complete(gateway, prompt=[1, 2, 3, 4]).json["usage"]["prompt_tokens"] == 4
    assert _complete(gateway, prompt=[[1, 2], [3]]).json["usage"]["prompt_tokens"] == 3
    assert _complete(gateway, prompt="").json["usage"]["prompt_tokens"] == 1
    assert _complete(gateway, prompt=None).json["usage"]["prompt_tokens"] == 1


def test_the_longest_prompt_must_fit_and_not_their_sum(in_process: Make) -> None:
    gateway = in_process("openai")
    long = "word " * 10_000
    fits = _complete(gateway, model="wiremark-small", prompt=[long, long], max_tokens=1)
    assert fits.status == 200
    refused = _complete(gateway, model="wiremark-small", prompt=["a", long * 2], max_tokens=1)
    assert refused.error["code"] == "context_length_exceeded"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no prompt": ({"prompt": []}, "prompt"),
    "an object": ({"prompt": {}}, "prompt"),
    "texts and tokens": ({"prompt": ["a", 1]}, "prompt"),
    "more best_of than n": ({"best_of": 2}, "best_of"),
    "less best_of than n": ({"best_of": 1, "n": 2}, "best_of"),
    "a suffix": ({"suffix": "the end"}, "suffix"),
    "echo with logprobs": ({"echo": True, "logprobs": 1}, "logprobs"),
    "too many alternatives": ({"logprobs": 6}, "logprobs"),
    "logprobs as in chat": ({"logprobs": True}, "logprobs"),
    "too many choices": ({"prompt": ["a"] * 100, "n": 100}, "n"),
    "half a token": ({"max_tokens": 8.0}, "max_tokens"),
    "an empty stop": ({"stop": ""}, "stop"),
    "stream options alone": ({"stream_options": {"include_usage": True}}, "stream_options"),
}


@pytest.mark.parametrize(("body", "param"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused(in_process: Make, body: dict[str, Any], param: str) -> None:
    gateway = in_process("openai")
    answer = _complete(gateway, **body)
    assert (answer.status, answer.error["param"]) == (400, param), answer.error
    assert gateway.usage() == []

"""Embeddings through the whole gateway: vectors, forms, money, refusals."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable
from typing import Any

import pytest
from wiremark_schemas import registry
from wiremark_server.engine.embed import Embedder
from wiremark_server.ledger import pricing

Make = Callable[..., Any]
MODEL = "wiremark/embedding"
CONTEXT = 8192  # tokens, of the contract's model


def _embed(gateway: Any, role: str = "default", **body: Any) -> Any:
    return gateway.post(
        "/embeddings", json.dumps({"model": MODEL, "input": "Hello"} | body).encode(), role=role
    )


def _vectors(answer: Any) -> list[Any]:
    return [entry["embedding"] for entry in answer.json["data"]]


def test_an_answer_is_of_published_shape_and_charged_as_told(in_process: Make) -> None:
    gateway = in_process("openai")
    answer = _embed(gateway, input=["one two three", "four"])
    registry.validator("openai/embeddings.response", "strict").validate(answer.json)
    assert [entry["index"] for entry in answer.json["data"]] == [0, 1]
    assert answer.json["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    (row,) = gateway.usage()
    assert (row["model"], row["prompt_tokens"], row["completion_tokens"]) == (MODEL, 4, 0)
    assert row["amount_microusd"] == pricing.charge(gateway.contract.model(MODEL).price, 4, 0) == 1


def test_both_forms_say_the_same_and_have_length_one(in_process: Make) -> None:
    gateway = in_process("openai")
    (numbers,) = _vectors(_embed(gateway))
    (text,) = _vectors(_embed(gateway, encoding_format="base64"))
    assert list(struct.unpack("<1536f", base64.b64decode(text))) == numbers
    assert math.isclose(math.hypot(*numbers), 1, rel_tol=1e-6)


def test_a_text_has_one_vector_wherever_it_stands(in_process: Make) -> None:
    gateway = in_process("openai")
    first, other, again = _vectors(_embed(gateway, input=["Hello", "Goodbye", "Hello"]))
    assert first == again == _vectors(_embed(gateway))[0] != other


def test_a_shorter_vector_is_the_long_one_cut_off_and_brought_to_length_one(in_process: Make) -> None:
    gateway = in_process("openai")
    (long,), (short,) = _vectors(_embed(gateway)), _vectors(_embed(gateway, dimensions=8))
    length = math.hypot(*long[:8])
    assert short == pytest.approx([number / length for number in long[:8]], rel=1e-5)


def test_tokens_are_counted_one_by_one_and_equal_ones_have_equal_vectors(in_process: Make) -> None:
    gateway = in_process("openai")
    answer = _embed(gateway, input=[[100257, 0, 25, 26], [7], [7]])
    assert answer.json["usage"]["prompt_tokens"] == 6
    first, second, third = _vectors(answer)
    assert first != second == third
    assert len(_vectors(_embed(gateway, input=[100257, 0]))) == 1


def test_seeds_and_models_tell_vectors_apart() -> None:
    one = Embedder(1).vector("m", "Hello", 16)
    assert one == Embedder(1).vector("m", "Hello", 16)
    assert one != Embedder(2).vector("m", "Hello", 16)
    assert one != Embedder(1).vector("n", "Hello", 16)


REFUSED: dict[str, tuple[dict[str, Any], int, str | None]] = {
    "an empty text": ({"input": ""}, 400, "input"),
    "no inputs": ({"input": []}, 400, "input"),
    "an empty text among others": ({"input": ["a", ""]}, 400, "input"),
    "an empty token array": ({"input": [[]]}, 400, "input"),
    "texts and tokens": ({"input": ["a", 1]}, 400, "input"),
    "a token that nobody has": ({"input": [10**15]}, 400, "input[0]"),
    "too many inputs": ({"input": ["a"] * 2049}, 400, "input"),
    "an input that is too long": ({"input": ["a", "word " * CONTEXT]}, 400, "input[1]"),
    "too many tokens together": ({"input": ["word " * 8000] * 40}, 400, "input"),
    "more dimensions than there are": ({"dimensions": 1537}, 400, "dimensions"),
    "no dimensions": ({"dimensions": 0}, 400, "dimensions"),
    "half a dimension": ({"dimensions": 8.0}, 400, "dimensions"),
    "an unknown form": ({"encoding_format": "hex"}, 400, "encoding_format"),
    "an unknown parameter": ({"inputs": "a"}, 400, "inputs"),
    "a model that writes": ({"model": "wiremark-large"}, 400, "model"),
    "an unknown model": ({"model": "none"}, 404, "model"),
    "no credit": ({"role": "exhausted"}, 429, None),
    "a full window": ({"role": "throttled"}, 429, None),
}


@pytest.mark.parametrize(("body", "status", "param"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_and_free(
    in_process: Make, body: dict[str, Any], status: int, param: str | None
) -> None:
    gateway = in_process("openai")
    answer = _embed(gateway, **body)
    assert (answer.status, answer.error["param"]) == (status, param), answer.error
    registry.validator("openai/error").validate(answer.json)
    assert gateway.usage() == []


def test_a_model_for_embeddings_does_not_write(in_process: Make) -> None:
    gateway = in_process("openai")
    for path, body in (("/completions", {"prompt": "x"}), ("/chat/completions", {"messages": [HELLO]})):
        answer = gateway.post(path, json.dumps({"model": MODEL, **body}).encode())
        assert (answer.status, answer.error["param"]) == (400, "model")


HELLO = {"role": "user", "content": "Hello"}


def test_a_failure_gives_the_money_back(in_process: Make, capsys: pytest.CaptureFixture[str]) -> None:
    gateway = in_process("openai")

    async def fall(*_: Any) -> Any:
        raise RuntimeError("the GPU fell off the bus")

    gateway.engine.embed = fall
    assert _embed(gateway).status == 500
    (row,) = gateway.usage()
    assert (row["state"], row["amount_microusd"]) == ("released", 0)
    assert "GPU" not in capsys.readouterr().err


def test_a_contract_that_takes_them_out_does_not_serve_them(in_process: Make) -> None:
    gateway = in_process("hermes-tokens")
    for path in ("/embeddings", "/completions"):
        assert gateway.post(path, b"{}").error["code"] == "unknown_url"

"""The model list: extension fields, live fields, and money as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_server.dialects.openai_models import usd

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("microusd", "text"),
    [
        (0, "0.00"),
        (1, "0.000001"),
        (100_000, "0.10"),
        (150_000, "0.15"),
        (1_234_567, "1.234567"),
        (2_000_000, "2.00"),
    ],
)
def test_dollars_are_exact_text(microusd: int, text: str) -> None:
    assert usd(microusd) == text


def test_the_price_is_told_before_anything_is_sent(in_process: Make) -> None:
    listed = {entry["id"]: entry for entry in in_process("c0mpute").get("/models").json["data"]}
    prices = {name: (e["credits_per_request"], e["usd_per_request"]) for name, e in listed.items()}
    assert prices["c0mpute-pro"] == (10, "0.10")
    assert prices["c0mpute-max"] == (15, "0.15")
    assert prices["c0mpute-max-think"] == (20, "0.20")


def test_a_flat_price_is_charged_whatever_was_said(in_process: Make) -> None:
    gateway = in_process("c0mpute")
    gateway.chat(model="c0mpute-max", max_tokens=1)
    gateway.chat(model="c0mpute-max", messages=[{"role": "user", "content": "Write 300 tokens."}])
    assert [row["amount_microusd"] for row in gateway.usage()] == [150_000, 150_000]


def test_a_model_that_always_reasons_does_so_unasked(in_process: Make) -> None:
    gateway = in_process("c0mpute")
    message = gateway.chat(model="c0mpute-max-think").json["choices"][0]["message"]
    assert message["reasoning_content"]
    assert "reasoning" not in message  # one name is promised
    assert "reasoning_content" not in gateway.chat(model="c0mpute-max").json["choices"][0]["message"]

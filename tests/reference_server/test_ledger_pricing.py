"""Prices: exact, rounded up once, and never above what was held."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wiremark_schemas.contracts import Price
from wiremark_server.ledger import pricing

_RATE = st.integers(0, 10**9)
_TOKENS = st.integers(0, 10**7)
_PRICES = st.builds(Price, _RATE, _RATE, st.integers(0, 10**7))


@pytest.mark.parametrize(
    ("price", "prompt", "completion", "expected"),
    [
        (Price(140_000, 280_000), 0, 0, 0),
        (Price(140_000, 280_000), 1, 0, 1),
        (Price(140_000, 280_000), 10, 5, 3),  # 1.4 + 1.4: rounded once, not twice
        (Price(140_000, 280_000), 1_000_000, 1_000_000, 420_000),
        (Price(per_request=4_000), 7, 7, 4_000),
        (Price(1, 0, 4_000), 1, 0, 4_001),
    ],
)
def test_charge(price: Price, prompt: int, completion: int, expected: int) -> None:
    assert pricing.charge(price, prompt, completion) == expected


@given(_PRICES, _TOKENS, _TOKENS)
def test_a_charge_is_the_exact_price_rounded_up_by_less_than_one(
    price: Price, prompt: int, answer: int
) -> None:
    exact = Fraction(prompt * price.input_per_million + answer * price.output_per_million, 1_000_000)
    assert 0 <= pricing.charge(price, prompt, answer) - price.per_request - exact < 1


@given(_PRICES, _TOKENS, _TOKENS, st.data())
def test_a_hold_covers_every_answer_it_was_made_for(
    price: Price, prompt: int, most: int, data: st.DataObject
) -> None:
    produced = data.draw(st.integers(0, most))
    assert pricing.charge(price, prompt, produced) <= pricing.upper_bound(price, prompt, most)


@pytest.mark.parametrize("counts", [(-1, 0), (0, -1)])
def test_a_negative_count_is_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="never negative"):
        pricing.charge(Price(1, 1, 1), *counts)

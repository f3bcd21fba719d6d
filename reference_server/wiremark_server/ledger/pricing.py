"""What a request costs, in whole µUSD.

A price table is in µUSD per million tokens, so one token costs a fraction of a µUSD. The fractions
are summed exactly and rounded up once per request: never a float, and the sum of the charges a
customer is shown is the sum that was taken.
"""

from __future__ import annotations

from wiremark_schemas.contracts import Price

_PER = 1_000_000


def charge(price: Price, prompt_tokens: int, completion_tokens: int) -> int:
    """µUSD for an answer of that many tokens. Raises ValueError for a negative count."""
    if prompt_tokens < 0 or completion_tokens < 0:
        raise ValueError(
            f"token counts are never negative: {prompt_tokens} prompt, {completion_tokens} completion"
        )
    micro = prompt_tokens * price.input_per_million + completion_tokens * price.output_per_million
    return -(-micro // _PER) + price.per_request


def upper_bound(price: Price, prompt_tokens: int, max_tokens: int) -> int:
    """µUSD that no answer to this prompt can exceed: what is held before any work is done.

    max_tokens: the largest number of completion tokens, over all choices
    """
    return charge(price, prompt_tokens, max_tokens)

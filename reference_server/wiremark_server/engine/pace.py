"""How long things take: named profiles of an engine's speed.

`instant` never waits. `fixed` takes exactly the same times whatever the load, so that a load tester can be
checked against it. All others are models on named GPUs, read from `profiles.yaml`: their times follow from
the load.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """max_output: completion tokens of one choice, the model's own limit."""

    name: str
    max_output: int = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant(Limits):
    """No waiting at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed(Limits):
    """The first token after `ttft` seconds, each further one `itl` seconds later, whatever the load.

    tick: seconds; tokens leave on multiples of it, so that many streams share one timer. A token is never
    early and at most one tick late. 1 ms is also the resolution of the event loop's own timers.
    """

    ttft: float = 0.200
    itl: float = 0.020
    tick: float = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Batched(Limits):
    """A continuous batching engine. All times in seconds.

    A step takes  step + per_prefill_token * prompt tokens + per_sequence * decoding sequences
                  + per_kv_token * tokens those sequences attend to.
    admission: from a request's arrival until the scheduler sees it; occupies no GPU
    max_num_seqs: sequences in one step; max_batched_tokens: tokens in one step
    kv_blocks: blocks of `block_tokens` tokens; watermark: part of them kept free when admitting
    """

    step: float
    per_prefill_token: float
    per_sequence: float
    per_kv_token: float = 0.0
    admission: float = 0.0
    max_num_seqs: int
    max_batched_tokens: int
    kv_blocks: int
    block_tokens: int = 16
    watermark: float = 0.01


Profile = Instant | Fixed | Batched


class UnknownProfile(ValueError):  # noqa: N818 - reads as what it says
    """No profile of that name; the sentence lists those there are."""


def names() -> tuple[str, ...]:
    """Bundled profiles."""
    return ("instant", "fixed", *_gpus())


def profile(name: str, **overrides: Any) -> Profile:
    """A bundled profile, with any of its fields replaced: `profile("fixed", ttft=0.05)`."""
    found: Profile
    if name == "instant":
        found = Instant(name=name)
    elif name == "fixed":
        found = Fixed(name=name)
    else:
        try:
            found = _batched(name, _gpus()[name])
        except KeyError:
            known = ", ".join(names())
            raise UnknownProfile(f"there is no engine profile {name!r}; choose one of {known}") from None
    return replace(found, **overrides)


@cache
def _gpus() -> dict[str, dict[str, Any]]:
    text = (files(__package__) / "profiles.yaml").read_text("utf-8")
    profiles: dict[str, dict[str, Any]] = yaml.safe_load(text)["profiles"]
    return profiles


def _batched(name: str, row: dict[str, Any]) -> Batched:
    """From published numbers to the step model.

    One sequence decodes in `inter_token_ms`, `max_num_seqs` of them in `load_factor` times that. A prompt
    of n tokens on an idle engine is answered after `prefill_overhead_ms` + n * `prefill_ms_per_token`.
    """
    numbers = {key: number["value"] for key, number in row["numbers"].items()}
    alone = numbers["inter_token_ms"] / 1000
    seats = numbers["max_num_seqs"]
    per_sequence = alone * (numbers["load_factor"] - 1) / (seats - 1)
    step = alone - per_sequence
    block = numbers["block_tokens"]
    return Batched(
        name=name,
        step=step,
        per_prefill_token=numbers["prefill_ms_per_token"] / 1000,
        per_sequence=per_sequence,
        admission=max(0.0, numbers["prefill_overhead_ms"] / 1000 - step),
        max_num_seqs=seats,
        max_batched_tokens=numbers["max_batched_tokens"],
        kv_blocks=numbers["kv_tokens"] // block,
        block_tokens=block,
    )

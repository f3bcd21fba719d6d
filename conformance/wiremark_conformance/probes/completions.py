"""Probes of legacy completions: texts to go on with, in every form that a prompt may have."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.probes.embeddings import TOKENS
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, path

PROMPT = "Once upon a time"
PROMPTS = (PROMPT, "The capital of France is")
COUNTING = "COUNT from 1 to 200: 1 2 3 4 5"
BUDGET = 12  # tokens
SMALL_BUDGET = 4
DEFAULT_BUDGET = 16  # what an absent max_tokens means
STOP = "7"
LOGPROBS = 2
N = 2


def complete(context: ProbeContext, body: dict[str, Any]) -> Draft:
    """A request with the target's model, unless the body names another."""
    return Draft("POST", path(context, "completions.create"), {"model": context.target.model, **body})


def plain_body(**more: Any) -> dict[str, Any]:
    return {"prompt": PROMPT, "max_tokens": BUDGET, **more}


def _plain(**more: Any) -> Any:
    return lambda context: complete(context, plain_body(**more))


def _body(**body: Any) -> Any:
    return lambda context: complete(context, body)


_NULLS = dict.fromkeys(
    ("max_tokens", "temperature", "top_p", "n", "stop", "suffix", "logprobs", "echo", "best_of", "seed")
)

TABLE = (
    Probe("completions.plain", _plain(), capability="completions"),
    Probe("completions.default", _body(prompt=COUNTING), capability="completions"),
    Probe(
        "completions.max-tokens", _body(prompt=COUNTING, max_tokens=SMALL_BUDGET), capability="completions"
    ),
    Probe("completions.at-once", _body(prompt=TOKENS, **_NULLS), capability="completions.tokens"),
    Probe(
        "completions.nulls",
        _body(prompt=PROMPT, **_NULLS),
        capability="completions",
        within="completions.at-once",
    ),
    Probe("completions.no-prompt", _body(prompt={"text": PROMPT}), capability="completions"),
    Probe("completions.prompts", _plain(prompt=list(PROMPTS), n=N), capability="completions.n"),
    Probe(
        "completions.stop",
        _body(prompt=COUNTING, max_tokens=64, stop=[STOP]),
        capability="completions.stop",
    ),
    Probe("completions.logprobs", _plain(logprobs=LOGPROBS), capability="completions.logprobs"),
    Probe(
        "completions.echo",
        _plain(prompt=list(PROMPTS), echo=True),
        capability="completions.echo",
    ),
    Probe(
        "completions.tokens",
        _plain(prompt=TOKENS),
        capability="completions.tokens",
        within="completions.at-once",
    ),
    Probe("completions.stream", _plain(stream=True), capability="completions.stream"),
    Probe(
        "completions.stream.usage",
        _plain(prompt=list(PROMPTS), stream=True, stream_options={"include_usage": True}),
        capability="completions.stream",
    ),
)

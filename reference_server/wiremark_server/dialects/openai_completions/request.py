"""Legacy completion requests → what is asked of the engine, or the problem with them.

The schema has been checked before. Parameters that would change an answer and are not supported are refused,
never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_server.dialects import token_ids
from wiremark_server.dialects.openai_params import stop_sequences, streaming
from wiremark_server.dialects.validation import RequestSchema, check_integers
from wiremark_server.domain import problem
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import Generation, Turn

_SCHEMA = RequestSchema("openai/completions.request")
_INTEGERS = ("max_tokens", "n", "best_of", "logprobs", "seed")
_DEFAULT_BUDGET = 16  # tokens
_MAX_CHOICES = 2048


def decode(document: Mapping[str, Any], request_id: str) -> Asked:
    """Raise ProblemError (400) with the JSON path of what is wrong."""
    _SCHEMA.check(dict(document))
    check_integers(document, _INTEGERS)
    stream, include_usage = streaming(document)
    echo, logprobs, n = bool(document.get("echo")), document.get("logprobs"), document.get("n") or 1
    _refuse_unsupported(document, echo=echo, n=n)
    first, *others = [(Turn("prompt", text),) for text in token_ids.texts(document["prompt"] or "", "prompt")]
    if n * (1 + len(others)) > _MAX_CHOICES:
        raise problem.invalid_request(
            f"Invalid value for 'n': at most {_MAX_CHOICES} choices are made, over all prompts.", "n"
        )
    budget = document.get("max_tokens")
    generation = Generation(
        request_id=request_id,
        model=document["model"],
        turns=first,
        others=tuple(others),
        max_tokens=_DEFAULT_BUDGET if budget is None else budget,
        stop=stop_sequences(document.get("stop")),
        seed=document.get("seed"),
        n=n,
        logprobs=logprobs,
    )
    return Asked(
        generation=generation,
        stream=stream,
        include_usage=include_usage,
        image_param=None,
        tool_bearing=False,
        echo=echo,
    )


def _refuse_unsupported(document: Mapping[str, Any], *, echo: bool, n: int) -> None:
    if document.get("suffix"):
        raise problem.invalid_request(
            "Unsupported parameter: 'suffix'; this server does not write between two texts.", "suffix"
        )
    if document.get("best_of") not in {None, n}:
        raise problem.invalid_request(
            "Unsupported value for 'best_of': this server returns every completion that it makes, so it can "
            "only be equal to 'n'.",
            "best_of",
        )
    if echo and document.get("logprobs") is not None:
        raise problem.invalid_request(
            "Setting 'echo' and 'logprobs' at the same time is not supported: prompts have no log "
            "probabilities here.",
            "logprobs",
        )

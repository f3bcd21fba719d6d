"""What a run is going to ask of an endpoint: requests, tokens and money, as far as it can be told before.

An upper estimate: four bytes of prompt to a token, every answer as long as its request lets it be,
retries not counted. Requests that a good endpoint refuses cost nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wiremark_conformance.checks.errors import REFUSED
from wiremark_conformance.evidence import model_in_path
from wiremark_conformance.exchange import Exchange, Request
from wiremark_conformance.probes import PROBES, ProbeContext
from wiremark_conformance.properties import PROPERTIES, model_of
from wiremark_conformance.sdk import SCENARIOS
from wiremark_conformance.target import Target

_BYTES_PER_TOKEN = 4
_IMAGE_TOKENS = 1000  # what an image counts at most, whatever its bytes
_DEFAULT_ANSWER = 256  # tokens of an answer whose request sets no limit
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens")
# Refused by a good endpoint, before any work.
_FREE = frozenset(REFUSED)
_FREE_AREAS = frozenset({"errors", "auth", "limits", "keys"})


@dataclass(frozen=True, slots=True)
class Budget:
    """requests: made once each; microusd: at most, None when the contract names no price."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    microusd: int | None

    def __str__(self) -> str:
        tokens = f"{self.prompt_tokens:,} prompt and {self.completion_tokens:,} completion tokens"
        cost = "cost unknown: the contract names no price"
        if self.microusd is not None:
            cost = f"at most {self.microusd / 1_000_000:.4f} USD"
        return f"up to {self.requests} requests, about {tokens}, {cost}"


def budget(names: Iterable[str], target: Target, known: Mapping[str, Exchange], examples: int = 0) -> Budget:
    """What the probes `names` need; a probe that waits for another's answer is counted as the plain one.

    examples: generated requests of each property
    """
    made = [name for name in names if name not in known and _is_made(name, target)]
    properties = [PROPERTIES[name].surface for name in made if name in PROPERTIES]
    waiting = [name for name in made if name not in PROPERTIES and name not in SCENARIOS]
    asked = list(_asked(waiting, ProbeContext(target, known)))
    for surface in properties:
        asked += [surface.base(model_of(target, surface))] * examples
    costs = [_cost(document, target) for document in asked]
    return Budget(
        requests=sum(PROBES[name].requests for name in waiting) + len(properties) * examples,
        prompt_tokens=sum(_prompt(document) for document in asked),
        completion_tokens=sum(_completion(document) for document in asked),
        microusd=None if None in costs else sum(cost for cost in costs if cost is not None),
    )


def _is_made(name: str, target: Target) -> bool:
    probe = PROBES[name]
    has_key = probe.role == "default" or target.credentials.get(probe.role) is not None
    return has_key and target.declares(probe.capability)


def _asked(names: Iterable[str], context: ProbeContext) -> Iterator[Mapping[str, Any]]:
    """The bodies that are paid for."""
    for name in names:
        probe = PROBES[name]
        if name in _FREE or probe.role != "default" or _FREE_AREAS & {*name.split(".")}:
            continue
        request = probe.build(context) or (PROBES["chat.plain"].build(context) if probe.needs else None)
        for sent in (request, request.after) if request is not None else ():
            document = _document(sent) if sent is not None else None
            if document is not None:
                yield document


def _document(request: Request) -> Mapping[str, Any] | None:
    if request.method != "POST":
        return None
    try:
        document = json.loads(request.body)
    except ValueError:  # not meant to be read, so not paid for
        return None
    if not isinstance(document, dict):
        return None
    # A format may name the model in the path, and keep its limits in an object of their own.
    config = document.get("generationConfig")
    return {
        "model": model_in_path(request.target),
        **(config if isinstance(config, dict) else {}),
        **document,
    }


def _prompt(document: Mapping[str, Any]) -> int:
    text = json.dumps(document)
    images = text.count(";base64,")
    return min(len(text) // _BYTES_PER_TOKEN, 4096 if images else len(text)) + images * _IMAGE_TOKENS


def _completion(document: Mapping[str, Any]) -> int:
    limits = [document[name] for name in _LIMITS if isinstance(document.get(name), int)]
    count = document.get("n")
    return min(limits, default=_DEFAULT_ANSWER) * (count if isinstance(count, int) else 1)


def _cost(document: Mapping[str, Any], target: Target) -> int | None:
    """µUSD, rounded up; None when the contract names no models. One that it does not name is refused."""
    model = target.contract.model(str(document.get("model")))
    if model is None:
        return 0 if target.contract.models else None
    price = model.price
    tokens = _prompt(document) * price.input_per_million + _completion(document) * price.output_per_million
    return price.per_request - -tokens // 1_000_000

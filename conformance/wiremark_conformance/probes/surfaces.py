"""Probes of an endpoint with several formats: each path of each format, and models in a format not theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from wiremark_conformance.outcome import NotPromised
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext

PATHS = 2  # of one format; more are not looked at
_SAY = "Say hello."
_TURN = [{"role": "user", "content": _SAY}]
_VERSION = (("anthropic-version", "2023-06-01"),)


@dataclass(frozen=True, slots=True)
class Surface:
    """A format as far as it takes to see that it is there.

    operation, streaming: names in a contract; Gemini streams by another operation than it answers by
    body:   of a minimal request, without model and `stream`
    answer: key that only an answer of the format has
    """

    operation: str
    streaming: str
    body: Mapping[str, Any]
    answer: str
    headers: tuple[tuple[str, str], ...] = ()


SURFACES: Mapping[str, Surface] = {
    "chat": Surface("chat.create", "chat.create", {"messages": _TURN, "max_tokens": 32}, "choices"),
    "responses": Surface(
        "responses.create", "responses.create", {"input": _SAY, "max_output_tokens": 32}, "output"
    ),
    "messages": Surface(
        "messages.create", "messages.create", {"messages": _TURN, "max_tokens": 32}, "content", _VERSION
    ),
    "gemini": Surface(
        "gemini.generate",
        "gemini.stream",
        {"contents": [{"role": "user", "parts": [{"text": _SAY}]}]},
        "candidates",
    ),
}


def _draft(context: ProbeContext, form: str, model: str, number: int, *, stream: bool) -> Draft:
    """The minimal request at path number `number` of a format. Raises NotPromised."""
    surface = SURFACES[form]
    operation = surface.streaming if stream else surface.operation
    target = context.target
    paths = target.paths(operation, model=model)
    if number >= len(paths):
        raise NotPromised(f"the contract names no path number {number + 1} for {operation}")
    body = dict(surface.body)
    if form != "gemini":
        body |= {"model": model, **({"stream": True} if stream else {})}
    return Draft("POST", paths[number], body, headers=surface.headers)


def _at(form: str, number: int, *, stream: bool) -> Drafter:
    return lambda c: _draft(c, form, c.target.model_for(form), number, stream=stream)


def _wrong(form: str) -> Drafter:
    """A model in a format that it is not served in."""

    def draft(context: ProbeContext) -> Draft:
        models = context.target.contract.models
        other = next((m.id for m in models if m.writes and m.available and not m.speaks(form)), None)
        if other is None:
            raise NotPromised(f"the contract serves every model as {form}")
        return _draft(context, form, other, 0, stream=False)

    return draft


def _without_budget(context: ProbeContext) -> Draft:
    draft = _draft(context, "messages", context.target.model_for("messages"), 0, stream=False)
    body = draft.body if isinstance(draft.body, Mapping) else {}
    return replace(draft, body={name: value for name, value in body.items() if name != "max_tokens"})


def _list(operation: str) -> Drafter:
    def draft(context: ProbeContext) -> Draft:
        paths = context.target.paths(operation)
        if not paths:
            raise NotPromised(f"the contract names no path for {operation}")
        return Draft("GET", paths[0])

    return draft


def _otherwise_keyed(form: str) -> Drafter:
    """With the key as the contract has it second; all other requests have it as it comes first."""

    def draft(context: ProbeContext) -> Draft:
        schemes = [one for one in context.target.contract.raw["auth"]["schemes"] if one != "query"]
        if len(schemes) < 2:
            raise NotPromised("the contract promises one way to send a key")
        plain = _draft(context, form, context.target.model_for(form), 0, stream=False)
        return replace(plain, scheme=schemes[1])

    return draft


_ANTHROPIC, _CHAT = "/anthropic/v1/messages", "/v1/chat/completions"


def _auxiliary(context: ProbeContext) -> Draft:
    """Chat where an agent looks for it that was given a base of Messages: `/anthropic` becomes `/v1`."""
    found = [path for path in context.target.paths("messages.create") if path.endswith(_ANTHROPIC)]
    if not found:
        raise NotPromised(f"the contract names no path of Messages that ends with {_ANTHROPIC}")
    draft = _draft(context, "chat", context.target.model_for("chat"), 0, stream=False)
    return replace(draft, target=found[0].removesuffix(_ANTHROPIC) + _CHAT)


# Where agents look for each format below one root, by the format; {model} is the model's id.
PREFIXES: Mapping[str, tuple[str, ...]] = {
    "chat": (_CHAT,),
    "messages": ("/v1/messages", _ANTHROPIC),
    "gemini": ("/v1beta/models/{model}:generateContent", "/v1/models/{model}:generateContent"),
}


def _below(form: str, prefixed: str) -> Drafter:
    def draft(context: ProbeContext) -> Draft:
        target, model = context.target, context.target.model_for(form)
        plain = _draft(context, form, model, 0, stream=False)
        root = target.base_path.removesuffix("/v1")
        return replace(plain, target=root + prefixed.format(model=quote(model, safe="")))

    return draft


LISTS: Mapping[str, str] = {
    "chat": "models.list",
    "responses": "models.list.responses",
    "messages": "models.list.messages",
}

TABLE = (
    *(
        Probe(
            f"surface.{form}.{'stream' if stream else 'whole'}.{number + 1}",
            _at(form, number, stream=stream),
            capability="formats.paths",
        )
        for form in SURFACES
        for number in range(PATHS)
        for stream in (False, True)
    ),
    *(Probe(f"surface.{form}.key", _otherwise_keyed(form), capability="formats.paths") for form in SURFACES),
    Probe("surface.messages.auxiliary", _auxiliary, capability="formats.paths"),
    *(
        Probe(f"surface.{form}.prefix.{number}", _below(form, prefixed), capability="formats.prefixes")
        for form, paths in PREFIXES.items()
        for number, prefixed in enumerate(paths, 1)
    ),
    Probe("surface.messages.no-budget", _without_budget, capability="formats.paths"),
    *(Probe(f"surface.{form}.wrong", _wrong(form), capability="formats.own") for form in SURFACES),
    *(
        Probe(f"surface.{form}.list", _list(operation), capability="formats.own")
        for form, operation in LISTS.items()
    ),
)

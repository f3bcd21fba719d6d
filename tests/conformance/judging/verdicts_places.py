"""Where formats, providers and lists meet: what exactly is a finding, what is none, what cannot be told."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from wiremark_schemas.contracts import Contract

from tests.conformance.judging.spoiling import (
    Change,
    body,
    header,
    message,
    raw,
    status,
    stream,
    together,
    usage,
    without,
)

_ANSWERED = {"model": "deepseek-v4-flash", "provider": "north", "available": True}


def _logprobs(**values: Any) -> Change:
    return lambda w: w["completions.logprobs"].choice["logprobs"].update(values)


def _asking(model: str) -> Change:
    """Another model under test."""
    return lambda w: setattr(w, "target", replace(w.target, model=model))


def _promised(promise: Callable[[dict[str, Any]], object]) -> Change:
    """A contract that has been changed."""

    def apply(world: Any) -> None:
        told = copy.deepcopy(dict(world.target.contract.raw))
        promise(told)
        world.target = replace(world.target, contract=Contract(world.target.contract.name, told))

    return apply


def _flat(raw: dict[str, Any]) -> None:
    """One model, at a price for each request; nothing is counted in credits."""
    del raw["credit_microusd"]
    raw["models"] = [{**raw["models"][0], "price": {"per_request": 20}}]


def _noted(note: str, **said: Any) -> Change:
    """A row of usage with a note; `said` is what the message answered holds."""
    return together(
        lambda w: w.row("chat.plain").update(note=note),
        lambda w: w["chat.plain"].message.update(said),
    )


def _offers(*rows: tuple[str, float, float, float]) -> Change:
    """Offers of the model under test: provider, price in, price out, latency."""
    told = [
        {
            **_ANSWERED,
            "provider": provider,
            "input_usd_per_million": given,
            "output_usd_per_million": made,
            "latency_ms": latency,
        }
        for provider, given, made, latency in rows
    ]
    return body("prices.list", data=told)


def _cheaper(**values: Any) -> Change:
    """A row in front of the price list that would beat whoever answers."""
    row = {**_ANSWERED, "input_usd_per_million": 0.001, "output_usd_per_million": 0.001, "latency_ms": 1}
    return lambda w: w["prices.list"].body["data"].insert(0, {**row, **values})


def _costs(*rows: tuple[Any, Any]) -> Change:
    """Prices in and out of one model."""
    told = [{"model": "m", "input_usd_per_million": a, "output_usd_per_million": b} for a, b in rows]
    return body("prices.list", data=told)


def _price(**values: Any) -> Change:
    """The price of an offer that the contract has, alone in the list."""

    def apply(world: Any) -> None:
        told = world["prices.list"].body
        row = next(row for row in told["data"] if row["provider"] == "north")
        told["data"] = [{**row, **values}]

    return apply


def _cut_at(finish: str) -> Change:
    """Chat spends its budget and more, Gemini its own to the token, for another reason."""
    return together(
        usage("chat.max-tokens", completion_tokens=9, total_tokens=29),
        lambda w: w["gemini.max-tokens"].body["candidates"][0].update(finishReason=finish),
    )


def _described(path: str, *servers: Any) -> Change:
    return body("openapi", servers=list(servers), paths={path: {"post": {}}})


def _operation(told: Any) -> Change:
    return lambda w: w["openapi"].body["paths"]["/chat/completions"].update(post=told)


def _broken_off(world: Any) -> None:
    """A stream that begins with a message without an id, and is cut off."""
    world["messages.stream"].chunks[0]["message"]["id"] = 5
    world["messages.stream"].fail("truncated")


_WORDS = 'Nobody has ever said "why" to it.'

TABLE: list[tuple[str, Change, str]] = [
    ("completions.logprobs.values", _logprobs(token_logprobs=[1e-6]), "pass"),
    ("completions.logprobs.values", _logprobs(token_logprobs=[2e-6]), "finding"),
    ("completions.logprobs.top", _logprobs(top_logprobs=[{"a": -1, "b": -2, "c": -3}]), "pass"),
    ("completions.logprobs.top", _logprobs(top_logprobs=[{"a": -1, "b": -2, "c": -3, "d": -4}]), "finding"),
    ("gemini.candidate-count.indexes", without("gemini.candidates", "candidates", 0, "index"), "pass"),
    ("gemini.candidate-count.indexes", without("gemini.candidates", "candidates", 1, "index"), "finding"),
    ("limits.day.retry-after", header("keys.daily", "retry-after", "86400"), "pass"),
    ("limits.day.retry-after", header("keys.daily", "retry-after", "86401"), "finding"),
    ("limits.rate.promised", header("keys.throttled", "x-ratelimit-limit-requests", "1000"), "pass"),
    (
        "messages.blocks",
        lambda w: w["messages.tools.forced"].body["content"][-1].update(id="a call"),
        "pass",
    ),
    ("messages.stream.start-id", _broken_off, "finding"),
    (
        "messages.stream.block-start",
        lambda w: next(
            one for one in w.chunks("messages.tools.stream") if one["type"] == "content_block_start"
        )["content_block"].update(id="a call"),
        "pass",
    ),
    # what stands in rows of usage
    *(
        ("privacy.usage-rows", _noted(_WORDS, **{key: _WORDS}), "finding")
        for key in ("content", "text", "arguments", "reasoning", "reasoning_content")
    ),
    ("privacy.usage-rows", _noted(_WORDS), "pass"),
    ("privacy.usage-rows", together(_noted(_WORDS), message("chat.max-tokens", content=_WORDS)), "finding"),
    ("privacy.usage-rows", _noted(_WORDS[1:], content=_WORDS), "pass"),
    ("privacy.usage-rows", _noted(_WORDS[:-1], content=_WORDS), "pass"),
    ("privacy.usage-rows", raw("billing.usage", b"\xff"), "pass"),
    # several formats
    (
        "formats.messages.prompt-tokens",
        _promised(lambda raw: raw["models"][0].update(formats=["chat", "messages"])),
        "undeclared",
    ),
    (
        "models.list.live",
        together(
            _promised(_flat), lambda w: w["models.list"].body["data"][0].update(credits=20, usd="0.00002")
        ),
        "pass",
    ),
    ("formats.messages.models", body("messages.models.list", has_more=True), "untestable"),
    ("formats.gemini.models", body("gemini.models.list", nextPageToken="more"), "untestable"),
    ("formats.gemini.stop-reason-budget", _cut_at("STOP"), "finding"),
    ("formats.gemini.stop-reason-budget", _cut_at("MAX_TOKENS"), "pass"),
    # descriptions
    ("openapi.chat", _described("/chat/completions", {"url": "https://a.invalid/api/v1X"}), "finding"),
    ("openapi.chat-required", _operation({"$ref": "#/nothing"}), "untestable"),
    # providers and whom they are chosen by
    ("providers.page.told", raw("providers.page", b"\xff North, south, gone"), "pass"),
    ("providers.prices.promised", _price(input_usd_per_million=0.1400000002), "pass"),
    ("providers.prices.promised", _price(input_usd_per_million=0.14000004), "finding"),
    ("providers.prices.sorted", _costs((None, None), (0.000001, 0.0000001)), "pass"),
    ("routing.provider-told", _asking("hermes-text-only"), "undeclared"),
    (
        "routing.explicit.obeyed",
        together(
            stream("routing.explicit", "[DONE]"),
            header("routing.explicit", "content-type", "text/event-stream"),
        ),
        "finding",
    ),
    ("routing.failover.accepted", status("routing.failover", 429), "untestable"),
    ("routing.failover.accepted", status("routing.failover", 430), "finding"),
    ("routing.best", _cheaper(provider="south"), "finding"),
    ("routing.best", _cheaper(provider="south", model="other"), "pass"),
    ("routing.best", body("routing.automatic", provider="west"), "untestable"),
    ("routing.best", _offers(("north", 2, 2, 100), ("south", 1, 1, 50)), "finding"),
    ("routing.best", _offers(("north", 2, 2, 100), ("south", 1, 1, 51)), "pass"),
    ("routing.best", _offers(("north", 2, 2, 100), ("south", 2, 2, 1)), "pass"),
    ("routing.best", _offers(("north", 2, 2, 100), ("south", 1, 2, 1)), "pass"),
]

_JUNK = b"\xff\xfe"
_WRONG = "surface.chat.wrong"


def _refused(probe: str, message: str) -> Change:
    return body(probe, error={"message": message, "type": "invalid_request_error"})


def _naming_the_model(world: Any) -> None:
    asked = world.evidence([_WRONG]).view(_WRONG).asked_model
    _refused(_WRONG, f"{asked.upper()} is not served here.")(world)


# Of an endpoint each of whose formats has models of its own.
SPLIT: list[tuple[str, Change, str]] = [
    ("models.list.catalogue", body("models.list"), "finding"),
    ("surfaces.gemini.streamed", raw("surface.gemini.stream.1", _JUNK), "finding"),
    ("surfaces.chat.own-models", raw(_WRONG, _JUNK), "finding"),
    ("surfaces.chat.own-models", raw(_WRONG, _JUNK + b" Another format."), "pass"),
    ("surfaces.chat.own-models", _naming_the_model, "pass"),
    ("surfaces.gemini.own-models", _refused("surface.gemini.wrong", "None. XXXX"), "finding"),
]

"""Probes of the ledger as a client sees it, and of the cache; made when the answers are in."""

from __future__ import annotations

from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.chat import USAGE, plain_body
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, chat, path

PAGE = 1000  # rows; more than the suite makes requests


BUDGET = 64  # tokens; enough that a wrong price of either kind shows in whole µUSD
ENTRIES = 150  # of some eight tokens
LONG_BUDGET = 256


def _stream(context: ProbeContext) -> Draft:
    """A question that no other probe asks, so that no cache answers it."""
    return chat(
        context,
        {
            "messages": [{"role": "user", "content": "Write 100 words about books of account."}],
            "max_tokens": BUDGET,
            "stream": True,
            **({"stream_options": USAGE} if context.target.declares("chat.stream.usage") else {}),
        },
    )


def _long(context: ProbeContext) -> Draft:
    """A prompt so long that a price which is a few percent wrong shows in whole µUSD."""
    entries = " ".join(f"entry {number}: paid in full." for number in range(1, ENTRIES + 1))
    asked = f"Here are books of account. {entries} Write 200 words about them."
    return chat(context, {"messages": [{"role": "user", "content": asked}], "max_tokens": LONG_BUDGET})


def _repeat(context: ProbeContext) -> Draft:
    """The plain question again, byte for byte."""
    first = context.exchanges.get("chat.plain")
    if first is None or first.status != 200:
        raise NotTestable("there is no answer of chat.plain to be had from a cache")
    return chat(context, plain_body())


def _usage(context: ProbeContext) -> Draft:
    return Draft("GET", f"{path(context, 'usage.list')}?limit={PAGE}")


TABLE = (
    Probe("cache.repeat", _repeat, needs=("chat.plain",), capability="cache"),
    Probe("billing.stream", _stream, capability="billing"),
    Probe("billing.long", _long, capability="billing"),
    Probe("billing.balance", lambda c: Draft("GET", path(c, "balance.get")), capability="billing"),
    Probe(
        "billing.export",
        lambda c: Draft("GET", path(c, "usage.export")),
        needs=("chat.plain",),
        capability="billing.export",
    ),
    Probe(
        "billing.usage",
        _usage,
        needs=(
            "chat.plain",
            "billing.stream",
            "billing.long",
            "chat.tools.forced",
            "chat.tools.stream",
            "chat.tools.text-only",
            "chat.tools.round-trip",
            "chat.other-model",
            "chat.reasoning",
            "completions.plain",
            "embeddings.batch",
            "cache.repeat",
            "errors.unknown-model",
            "errors.no-messages",
            "messages.plain",
            "messages.stream",
            "messages.tools.forced",
            "messages.count",
            "messages.errors.unknown-model",
            "responses.plain",
            "responses.stream",
            "responses.tools.forced",
            "responses.input-tokens",
            "responses.errors.temperature",
            "responses.errors.unknown-model",
            "gemini.plain",
            "gemini.stream",
            "gemini.functions.forced",
            "gemini.count",
            "gemini.embed.batch",
            "gemini.errors.unknown-model",
        ),
        capability="billing",
    ),
)

"""Probes of extended thinking, asked of the first model that reasons."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.chat import RIDDLE
from wiremark_conformance.probes.messages import messages, own_message
from wiremark_conformance.probes.messages_tools import ANY, TOOLS
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, model_where
from wiremark_conformance.probes.tools import QUESTION

_BUDGET = {"type": "enabled", "budget_tokens": 1024}


def _thinker(context: ProbeContext) -> str:
    """The first model that reasons; the one under test where the contract lists none at all."""
    if not context.target.contract.models:
        return context.target.model
    return model_where(context, "that reasons", lambda model: "reasoning" in model.capabilities)


def _think(**more: Any) -> Drafter:
    return lambda context: messages(
        context,
        {
            "model": _thinker(context),
            "messages": RIDDLE,
            "max_tokens": 2048,
            "thinking": _BUDGET,
            **more,
        },
    )


def _thought(context: ProbeContext, *, altered: bool) -> Draft:
    """The endpoint's own thinking as history, or with a word put into it."""
    message = own_message(context, "messages.thinking")
    blocks = [dict(block) if isinstance(block, dict) else block for block in message["content"]]
    if altered:
        thinking = [b for b in blocks if isinstance(b, dict) and isinstance(b.get("thinking"), str)]
        if not thinking or not thinking[0].get("signature"):
            raise NotTestable("there is no signed thinking that could be altered")
        thinking[0]["thinking"] = f"Wiremark says: {thinking[0]['thinking']}"
    history = [*RIDDLE, {**message, "content": blocks}, {"role": "user", "content": "And in words?"}]
    body = {"messages": history, "max_tokens": 2048, "thinking": _BUDGET}
    return messages(context, {"model": _thinker(context), **body})


def _probe(name: str, draft: Drafter, *needs: str) -> Probe:
    needs = ("models.list", *needs)
    return Probe(f"messages.thinking{name}", draft, needs=needs, capability="messages.thinking")


_OWN = "messages.thinking"

TABLE = (
    _probe("", _think()),
    _probe(".stream", _think(stream=True)),
    _probe(".disabled", _think(thinking={"type": "disabled"})),
    _probe(".adaptive", _think(thinking={"type": "adaptive"})),
    _probe(".omitted", _think(thinking={**_BUDGET, "display": "omitted"})),
    _probe(".round-trip", lambda c: _thought(c, altered=False), _OWN),
    _probe(".altered", lambda c: _thought(c, altered=True), _OWN),
    _probe(".over-budget", _think(max_tokens=1024)),
    _probe(".under-budget", _think(thinking={"type": "enabled", "budget_tokens": 100})),
    _probe(".forced", _think(messages=QUESTION, tools=TOOLS, tool_choice=ANY)),
)

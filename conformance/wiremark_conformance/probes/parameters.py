"""Probes of chat parameters: those that change nothing, those out of range, and what shapes a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.outcome import NotPromised
from wiremark_conformance.probes.chat import COUNTING, HELLO, STOP, TOP_LOGPROBS, plain_body
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, chat

# Parameters that typed clients and agents send and that do not change what an answer means.
BENIGN: Mapping[str, Any] = {
    "seed": 7,
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {},
    "user": "wiremark",
    "safety_identifier": "wiremark",
    "prompt_cache_key": "wiremark",
    "metadata": {"suite": "wiremark"},
    "store": False,
    "service_tier": "auto",
    "modalities": ["text"],
}
# Switches by which other vendors turn thinking off.
SWITCHES: Mapping[str, Any] = {
    "thinking": {"type": "disabled"},
    "enable_thinking": False,
    "chat_template_kwargs": {"enable_thinking": False},
    "include_reasoning": False,
}
# Out of range, or of another type than published: by the name of the probe.
WRONG: Mapping[str, Mapping[str, Any]] = {
    "top-p": {"top_p": 2},
    "top-logprobs": {"logprobs": True, "top_logprobs": 21},
    "n-zero": {"n": 0},
    "stop-five": {"stop": ["a", "b", "c", "d", "e"]},
    "max-tokens-zero": {"max_tokens": 0},
    "max-tokens-text": {"max_tokens": "16"},
    "max-tokens-fraction": {"max_tokens": 10.5},
    "stream-text": {"stream": "true"},
    "response-format": {"response_format": {"type": "wiremark"}},
}
MOST_CONTEXT = 200_000  # tokens; a longer prompt is too much for a probe
_ROOM = 1.3  # words of the prompt per token of context: some tokenizers join words
_SEEDED = {"messages": COUNTING, "max_tokens": 32, "temperature": 0, "seed": 7}


def _plain(**more: Any) -> Any:
    return lambda context: chat(context, plain_body(**more))


def _body(**body: Any) -> Any:
    return lambda context: chat(context, body)


def _overflow(context: ProbeContext) -> Draft:
    """A prompt longer than the context of the contract's smallest model."""
    models = [m for m in context.target.contract.models if m.writes and m.available and not m.specimen]
    smallest = min(models, key=lambda model: model.context_tokens, default=None)
    if smallest is None or smallest.context_tokens > MOST_CONTEXT:
        raise NotPromised(f"the contract lists no model with a context of at most {MOST_CONTEXT} tokens")
    words = "hello " * int(smallest.context_tokens * _ROOM)
    messages = [{"role": "user", "content": words}]
    return chat(context, {"model": smallest.id, "messages": messages, "max_tokens": 16})


TABLE = (
    Probe("chat.params", _plain(**BENIGN), capability="chat"),
    Probe("chat.reasoning-effort", _plain(reasoning_effort="wiremark"), capability="chat"),
    Probe("chat.switches", _plain(**SWITCHES), capability="chat.reasoning"),
    Probe(
        "chat.obfuscation",
        _plain(stream=True, stream_options={"include_obfuscation": False}),
        capability="chat.stream",
    ),
    Probe(
        "chat.stop.stream",
        _body(messages=COUNTING, max_tokens=128, stop=STOP, stream=True),
        capability="chat.stop",
    ),
    Probe(
        "chat.logprobs.stream",
        _plain(logprobs=True, top_logprobs=TOP_LOGPROBS, stream=True),
        capability="chat.logprobs",
    ),
    Probe("chat.seed", _body(**_SEEDED), capability="chat.seed"),
    Probe("chat.seed.again", _body(**_SEEDED, user="wiremark-2"), capability="chat.seed"),
    Probe("chat.seed.stream", _body(**_SEEDED, stream=True), capability="chat.seed"),
    *(
        Probe(f"errors.{name}", _body(**{"messages": HELLO, "max_tokens": 16, **wrong}), capability="errors")
        for name, wrong in WRONG.items()
    ),
    Probe("errors.context-overflow", _overflow, capability="errors"),
)

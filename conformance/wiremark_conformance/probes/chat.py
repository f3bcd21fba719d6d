"""Probes of chat answers without tools.

Prompts are small and budgets short, so that a slow or talkative model costs little. `COUNT` makes
practically every model write more than a handful of tokens.
"""

from __future__ import annotations

from typing import Any

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, chat, model_where

HELLO: list[dict[str, Any]] = [
    {"role": "system", "content": "You are a helpful assistant."},
    # Several tokens, one of them beyond ASCII: faults of streams need a few deltas to show.
    {"role": "user", "content": 'Say "Hello world, the café is open today!"'},
]
COUNTING = [{"role": "user", "content": "COUNT from 1 to 200: write 1 2 3 and so on, nothing else."}]
SMALL_BUDGET = 8  # tokens; far below what COUNTING asks for
STOP = "7"
TOP_LOGPROBS = 2
CITY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Paris", "Oslo"]}, "sunny": {"type": "boolean"}},
    "required": ["city", "sunny"],
    "additionalProperties": False,
}
# A PNG of 8 by 8 red pixels: some engines cannot scale a single one.
RED_SQUARE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP4z8CAFTEMLQkAKP8"
    "/wc53yE8AAAAASUVORK5CYII="
)
REMOTE_IMAGE = "https://wiremark.invalid/red.png"
RIDDLE = [{"role": "user", "content": "Which is more: a dozen, or ten? Answer with one word."}]
IMAGE_MESSAGES: list[dict[str, Any]] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Which colour is this?"},
            {"type": "image_url", "image_url": {"url": RED_SQUARE}},
        ],
    }
]


def plain_body(**more: Any) -> dict[str, Any]:
    """The body of the plain question; whoever repeats it must send the very same."""
    return {"messages": HELLO, "max_tokens": 64, **more}


def _echo_back(context: ProbeContext) -> Draft:
    """The endpoint's own message as history, every field as it came."""
    view = Evidence(context.target, context.exchanges).view("chat.plain")
    if view is None or not view.succeeded:
        raise NotTestable("there is no answer of chat.plain to send back")
    history = [*HELLO, dict(view.message), {"role": "user", "content": "And once more."}]
    return chat(context, {"messages": history, "max_tokens": 64})


def _parts(context: ProbeContext) -> Draft:
    parts = [{"type": "text", "text": "Say "}, {"type": "text", "text": "hello."}]
    return chat(context, {"messages": [{"role": "user", "content": parts}], "max_tokens": 64})


_DEVELOPER = {"role": "developer", "content": "Be brief."}
_ROLES = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "system", "content": "You are brief."},
    {"role": "user", "name": "ada", "content": "My name is Ada."},
    {"role": "user", "content": "Say hello."},
    {"role": "system", "content": "Stay brief."},
]
# Optional parameters spelled out as null, as typed clients send them.
_NULLS = dict.fromkeys(
    ("temperature", "top_p", "stop", "n", "seed", "logit_bias", "frequency_penalty", "presence_penalty")
)
_UNKNOWN = {"wiremark_unknown": True}
WITH_CHARSET = ("content-type", "Application/JSON; charset=utf-8")


def _at_once(context: ProbeContext) -> Draft:
    """All that is merely to be taken, in one request; asked for one by one where this is refused."""
    body = plain_body(messages=[_DEVELOPER, *_ROLES], **_NULLS, **_UNKNOWN)
    return chat(context, body, headers=(WITH_CHARSET,))


def sighted(context: ProbeContext, body: dict[str, Any]) -> Draft:
    """A chat request to the model under test if it sees, else to the contract's first one that does.

    For probes that need `models.list`.
    """
    entry = context.target.model_entry
    if entry is not None and "vision" not in entry.capabilities:
        seeing = model_where(context, "with vision", lambda model: "vision" in model.capabilities)
        body = {**body, "model": seeing}
    return chat(context, body)


def _vision_on_text_model(context: ProbeContext) -> Draft:
    model = model_where(context, "without vision", lambda model: "vision" not in model.capabilities)
    return chat(context, {"model": model, "messages": IMAGE_MESSAGES, "max_tokens": 16})


def _vision_remote(context: ProbeContext) -> Draft:
    """The image at a URL that nobody serves: an endpoint that fetches it fails, too, but differently."""
    text, image = IMAGE_MESSAGES[0]["content"]
    content = [text, {**image, "image_url": {"url": REMOTE_IMAGE}}]
    return chat(context, {"messages": [{"role": "user", "content": content}], "max_tokens": 16})


def _other_model(context: ProbeContext) -> Draft:
    """The plain question to the contract's second model, for its price."""
    target = context.target
    model = model_where(context, "beside the one under test", lambda m: m.id != target.model and m.available)
    return chat(context, {"model": model, **plain_body()})


def _reasoning(context: ProbeContext, **more: Any) -> Draft:
    model = model_where(context, "that reasons", lambda model: "reasoning" in model.capabilities)
    body = {"model": model, "messages": RIDDLE, "max_tokens": 512, "reasoning_effort": "low", **more}
    return chat(context, body)


def _unasked(context: ProbeContext) -> Draft:
    """A riddle for a model that thinks before every answer; nothing in the request asks it to."""
    model = model_where(context, "that always reasons", lambda model: model.reasoning == "always")
    return chat(context, {"model": model, "messages": RIDDLE, "max_tokens": 512})


def usage_option(context: ProbeContext) -> dict[str, Any]:
    """Asks a stream for its usage where that is promised."""
    return {"stream_options": USAGE} if context.target.claims("chat.stream.usage") else {}


def _budget_of_stream(context: ProbeContext) -> Draft:
    """With the usage where it is promised: without it nobody can tell whether the budget was used up."""
    body: dict[str, Any] = {"messages": COUNTING, "max_completion_tokens": SMALL_BUDGET, "stream": True}
    return chat(context, {**body, **usage_option(context)})


def _body(**body: Any) -> Any:
    return lambda context: chat(context, body)


def _taken(name: str, **body: Any) -> Probe:
    return Probe(name, _body(**body), capability="chat", within=AT_ONCE)


USAGE = {"include_usage": True}
AT_ONCE = "chat.at-once"

TABLE = (
    Probe("chat.plain", lambda c: chat(c, plain_body()), capability="chat"),
    Probe("chat.minimal", _body(messages=HELLO), capability="chat"),
    Probe("chat.stream", lambda c: chat(c, plain_body(stream=True)), capability="chat.stream"),
    Probe(
        "chat.stream.usage",
        lambda c: chat(c, plain_body(stream=True, stream_options=USAGE)),
        capability="chat.stream.usage",
    ),
    Probe("chat.echo-back", _echo_back, needs=("chat.plain",), capability="chat"),
    Probe("chat.content-parts", _parts, capability="chat"),
    Probe(AT_ONCE, _at_once, capability="chat"),
    _taken("chat.developer", messages=[_DEVELOPER, {"role": "user", "content": "Say hello."}], max_tokens=64),
    _taken("chat.roles", messages=_ROLES, max_tokens=64),
    _taken("chat.nulls", **plain_body(**_NULLS)),
    _taken("chat.unknown-parameter", **plain_body(**_UNKNOWN)),
    Probe("chat.max-tokens", _body(messages=COUNTING, max_tokens=SMALL_BUDGET), capability="chat.max-tokens"),
    Probe("chat.max-completion-tokens", _budget_of_stream, capability="chat.max-tokens"),
    Probe("chat.stop", _body(messages=COUNTING, max_tokens=128, stop=[STOP]), capability="chat.stop"),
    Probe("chat.n", lambda c: chat(c, plain_body(n=2)), capability="chat.n"),
    Probe("chat.n.stream", lambda c: chat(c, plain_body(n=2, stream=True)), capability="chat.n"),
    Probe(
        "chat.logprobs",
        lambda c: chat(c, plain_body(logprobs=True, top_logprobs=TOP_LOGPROBS)),
        capability="chat.logprobs",
    ),
    Probe(
        "chat.json",
        _body(
            messages=[{"role": "user", "content": 'Answer with a JSON object of one key, "answer".'}],
            response_format={"type": "json_object"},
            max_tokens=256,
        ),
        capability="chat.json",
    ),
    Probe(
        "chat.json-schema",
        _body(
            messages=[{"role": "user", "content": "Is it sunny in Paris? Answer in JSON; guess."}],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "weather", "strict": True, "schema": CITY_SCHEMA},
            },
            max_tokens=256,
        ),
        capability="chat.json-schema",
    ),
    Probe(
        "chat.vision",
        lambda c: sighted(c, {"messages": IMAGE_MESSAGES, "max_tokens": 64}),
        needs=("models.list",),
        capability="chat.vision",
    ),
    Probe("chat.vision.text-only", _vision_on_text_model, needs=("models.list",), capability="chat.vision"),
    Probe("chat.vision.remote", _vision_remote, capability="chat.vision.data-only"),
    Probe("chat.other-model", _other_model, needs=("models.list",), capability="billing"),
    Probe("chat.reasoning", _reasoning, needs=("models.list",), capability="chat.reasoning"),
    Probe("chat.reasoning.unasked", _unasked, needs=("models.list",), capability="chat.reasoning"),
    Probe(
        "chat.reasoning.stream",
        lambda c: _reasoning(c, stream=True, stream_options=USAGE),
        needs=("models.list",),
        capability="chat.reasoning",
    ),
)

"""Probes of Messages answers without tools: what is asked of chat, in Anthropic's format.

The question is the one that chat is asked, so that the formats of one endpoint can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.chat import CITY_SCHEMA, COUNTING, HELLO, RED_SQUARE, SMALL_BUDGET, STOP
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, model_where, path

VERSION = "anthropic-version"
OLD, NEW = "2023-06-01", "2026-10-21"
SYSTEM, ASK = HELLO[0]["content"], HELLO[1:]
PREFILL = "1, 2,"
_MEDIA_TYPE, _, _DATA = RED_SQUARE.removeprefix("data:").partition(";base64,")
IMAGE_ASK: list[dict[str, Any]] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Which colour is this?"},
            {"type": "image", "source": {"type": "base64", "media_type": _MEDIA_TYPE, "data": _DATA}},
        ],
    }
]


def messages(
    context: ProbeContext,
    body: Mapping[str, Any],
    *,
    operation: str = "messages.create",
    query: str = "",
    headers: Mapping[str, str | None] | None = None,
    **how: Any,
) -> Draft:
    """A request with the target's model and the older version, unless told otherwise.

    headers: added to the version's; None takes one away
    """
    named = {VERSION: OLD, **(headers or {})}
    return Draft(
        "POST",
        path(context, operation) + query,
        {"model": context.target.model_for("messages"), **body},
        headers=tuple((name, value) for name, value in named.items() if value is not None),
        **how,
    )


def hello(**more: Any) -> dict[str, Any]:
    """The body of the plain question."""
    return {"system": SYSTEM, "messages": ASK, "max_tokens": 64, **more}


def ask(_headers: Mapping[str, str | None] | None = None, **body: Any) -> Drafter:
    """The plain question, changed."""
    return lambda context: messages(context, hello(**body), headers=_headers)


def own_message(context: ProbeContext, probe: str) -> dict[str, Any]:
    """The endpoint's own message as history, every block as it came."""
    view = Evidence(context.target, context.exchanges).view(probe)
    content = view.object.get("content") if view is not None and view.succeeded else None
    if not isinstance(content, list) or not content:
        raise NotTestable(f"there is no answer of {probe} to send back")
    return {"role": "assistant", "content": content}


def _echo_back(context: ProbeContext) -> Draft:
    again = {"role": "user", "content": "And once more."}
    return messages(context, hello(messages=[*ASK, own_message(context, "messages.plain"), again]))


def _vision_on_text_model(context: ProbeContext) -> Draft:
    model = model_where(context, "without vision", lambda model: "vision" not in model.capabilities)
    return messages(context, {"model": model, "messages": IMAGE_ASK, "max_tokens": 16})


def _body(**body: Any) -> Drafter:
    return lambda context: messages(context, body)


def _at_once(context: ProbeContext) -> Draft:
    """All that is merely to be taken, in one request; asked for one by one where this is refused."""
    turns = [_IN_A_ROW[0], {"role": "user", "content": _DOCUMENT}, *_CACHED_PARTS]
    body = hello(system=_CACHED_SYSTEM, messages=turns, **_OF_ACCOUNT)
    return messages(context, body, query=_BETA, headers={**_SDK_HEADERS, **BETAS})


_EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
_SYSTEM_BLOCKS = [{"type": "text", "text": SYSTEM}]
_PARTS = [{"type": "text", "text": "Say "}, {"type": "text", "text": "hello."}]
_TEXT_SOURCE = {"type": "text", "media_type": "text/plain", "data": "Oslo is sunny today."}
_DOCUMENT = [{"type": "document", "source": _TEXT_SOURCE, "title": "News"}, *_PARTS]
_IN_A_ROW = [{"role": "user", "content": "Be kind."}, *ASK]
_HALF = [{"role": "user", "content": "Count from 1 to 5."}, {"role": "assistant", "content": PREFILL}]
_CITY = [{"role": "user", "content": "Is it sunny in Paris? Answer in JSON; guess."}]
_FORMAT = {"format": {"type": "json_schema", "schema": CITY_SCHEMA}}
BETAS = {"anthropic-beta": "wiremark-none-1999-01-01,wiremark-neither-1999-01-01"}
_SDK_HEADERS = {
    "x-stainless-timeout": "NOT_GIVEN",
    "x-stainless-retry-count": "0",
    "x-stainless-helper-method": "stream",
    "anthropic-dangerous-direct-browser-access": "true",
}
_CACHED_SYSTEM = [{**_SYSTEM_BLOCKS[0], **_EPHEMERAL}]
_CACHED_PARTS = [{"role": "user", "content": [{**part, **_EPHEMERAL} for part in _PARTS]}]
_OF_ACCOUNT: dict[str, Any] = {"metadata": {"user_id": "user-1"}, "service_tier": "auto"}
_BETA = "?beta=true"
_RARE: dict[str, Any] = {"inference_geo": "eu", "speed": "standard", "diagnostics": {}, "container": "none"}

AT_ONCE = "messages.at-once"


def _taken(name: str, draft: Drafter) -> Probe:
    return Probe(name, draft, capability="messages", within=AT_ONCE)


TABLE = (
    Probe("messages.plain", ask(), capability="messages"),
    Probe("messages.echo-back", _echo_back, needs=("messages.plain",), capability="messages"),
    Probe(AT_ONCE, _at_once, capability="messages"),
    _taken("messages.system-blocks", ask(system=_SYSTEM_BLOCKS)),
    _taken("messages.content-blocks", ask(messages=[{"role": "user", "content": _PARTS}])),
    _taken("messages.document", ask(messages=[{"role": "user", "content": _DOCUMENT}])),
    _taken("messages.same-role", ask(messages=_IN_A_ROW)),
    _taken("messages.cache-control", ask(system=_CACHED_SYSTEM, messages=_CACHED_PARTS)),
    _taken("messages.metadata", ask(**_OF_ACCOUNT)),
    Probe("messages.rare", ask(**_RARE), capability="messages"),
    _taken("messages.query", lambda c: messages(c, hello(), query=_BETA)),
    _taken("messages.sdk-headers", ask(_SDK_HEADERS)),
    Probe("messages.max-tokens", _body(messages=COUNTING, max_tokens=SMALL_BUDGET), capability="messages"),
    Probe("messages.stream", ask(stream=True), capability="messages.stream"),
    Probe(
        "messages.max-tokens.stream",
        _body(messages=COUNTING, max_tokens=SMALL_BUDGET, stream=True),
        capability="messages.stream",
    ),
    Probe(
        "messages.stop",
        _body(messages=COUNTING, max_tokens=128, stop_sequences=[STOP]),
        capability="messages.stop",
    ),
    Probe(
        "messages.stop.stream",
        _body(messages=COUNTING, max_tokens=128, stop_sequences=[STOP], stream=True),
        capability="messages.stop",
    ),
    Probe("messages.zero-tokens", ask(max_tokens=0), capability="messages.zero-tokens"),
    Probe("messages.prefill", _body(messages=_HALF, max_tokens=64), capability="messages.prefill"),
    Probe(
        "messages.json",
        _body(messages=_CITY, output_config=_FORMAT, max_tokens=256),
        capability="messages.json",
    ),
    Probe("messages.vision", _body(messages=IMAGE_ASK, max_tokens=64), capability="messages.vision"),
    Probe(
        "messages.vision.text-only",
        _vision_on_text_model,
        needs=("models.list",),
        capability="messages.vision",
    ),
)

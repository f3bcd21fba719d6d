"""Probes of limits: body size, keys whose means are used up, browsers."""

from __future__ import annotations

import json
from dataclasses import replace

from wiremark_conformance.outcome import NotPromised
from wiremark_conformance.probes.chat import HELLO
from wiremark_conformance.probes.models import ORIGIN
from wiremark_conformance.probes.table import Draft, Key, Probe, ProbeContext, chat, path


def oversized(context: ProbeContext) -> bytes:
    """A valid request of the formats that have `messages`, one byte over the limit."""
    limit = context.target.contract.limits.get("body_bytes")
    if limit is None:
        raise NotPromised("the contract names no limit of body_bytes")
    body = {"model": context.target.model, "messages": [{"role": "user", "content": ""}], "max_tokens": 1}
    empty = json.dumps(body).encode()
    begin, mark, end = empty.partition(b'"content": "')
    return b"%b%b%b%b" % (begin, mark, b"x" * (limit + 1 - len(empty)), end)


def forbidden_model(context: ProbeContext) -> str:
    """The contract's first model: the one that restricted keys lack."""
    models = context.target.contract.models
    if not models:
        raise NotPromised("the contract names no models, so none can be forbidden")
    return models[0].id


def _too_large(context: ProbeContext, *, chunked: bool) -> Draft:
    return Draft("POST", path(context, "chat.create"), oversized(context), chunked=chunked)


def _hello(context: ProbeContext) -> Draft:
    return chat(context, {"messages": HELLO, "max_tokens": 16})


def _on_a_day(context: ProbeContext) -> Draft:
    if "requests_per_day" not in context.target.contract.limits:
        raise NotPromised("the contract names no limit of requests_per_day")
    return _hello(context)


def _restricted(context: ProbeContext) -> Draft:
    return chat(context, {"model": forbidden_model(context), "messages": HELLO, "max_tokens": 16})


def _preflight(context: ProbeContext) -> Draft:
    """What a browser asks before it lets a page post with a key; preflights carry no key."""
    headers = (
        ("origin", ORIGIN),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    )
    return Draft("OPTIONS", path(context, "chat.create"), headers=headers, key="none")


_SDK_HEADERS = "authorization,content-type,x-stainless-lang,x-stainless-retry-count"


def _sdk_preflight(context: ProbeContext) -> Draft:
    """The preflight of an official SDK in a browser."""
    draft = _preflight(context)
    headers = tuple(
        (name, _SDK_HEADERS if name.endswith("headers") else value) for name, value in draft.headers
    )
    return replace(draft, headers=headers)


def _from_page(context: ProbeContext, key: Key) -> Draft:
    return Draft("GET", path(context, "models.list"), headers=(("origin", ORIGIN),), key=key)


TABLE = (
    Probe("limits.body", lambda c: _too_large(c, chunked=False), capability="limits.body"),
    Probe("limits.body.chunked", lambda c: _too_large(c, chunked=True), capability="limits.body"),
    Probe("keys.throttled", _hello, role="throttled", capability="limits.rate"),
    Probe("keys.daily", _on_a_day, role="daily", capability="limits.rate"),
    Probe("keys.exhausted", _hello, role="exhausted", capability="keys.credits"),
    Probe("keys.capped", _hello, role="capped", capability="keys.cap"),
    Probe("keys.restricted", _restricted, role="restricted", capability="keys.allowlist"),
    Probe("keys.revoked", _hello, role="revoked", capability="keys.revocation"),
    Probe("keys.disabled", _hello, role="disabled", capability="keys.disabled"),
    Probe("cors.preflight", _preflight),
    Probe("cors.preflight.sdk", _sdk_preflight, capability="cors.allow"),
    Probe("cors.answer", lambda c: _from_page(c, "role"), capability="cors.allow"),
    Probe("cors.refusal", lambda c: _from_page(c, "wrong"), capability="cors.allow"),
)

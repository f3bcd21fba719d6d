"""Probes around the Messages format: refusals, keys, versions, limits, token counts, the catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.errors import CUT_OFF
from wiremark_conformance.probes.limits import forbidden_model, oversized
from wiremark_conformance.probes.messages import (
    ASK,
    AT_ONCE,
    BETAS,
    IMAGE_ASK,
    NEW,
    OLD,
    SYSTEM,
    VERSION,
    ask,
    hello,
    messages,
)
from wiremark_conformance.probes.messages_tools import TOOLS
from wiremark_conformance.probes.models import UNKNOWN_MODEL
from wiremark_conformance.probes.table import WRONG_KEY, Draft, Drafter, Probe, ProbeContext, path

_COUNT = "messages.count_tokens"
_ERRORS, _AUTH, _VERSIONS = "messages.errors", "messages.auth", "messages.versions"


def _raw(body: bytes) -> Drafter:
    return lambda context: Draft("POST", path(context, "messages.create"), body, headers=((VERSION, OLD),))


def _small(**body: Any) -> Drafter:
    return lambda context: messages(context, {"max_tokens": 16, **body})


def _no_budget(context: ProbeContext) -> Draft:
    return messages(context, {"messages": ASK})


def _media_type(context: ProbeContext) -> Draft:
    """A body that would do, announced as something that is not JSON."""
    return messages(context, hello(max_tokens=16), headers={"content-type": "text/plain"})


def _unknown_route(context: ProbeContext) -> Draft:
    target = path(context, "messages.create") + "/wiremark-no-such-route"
    return Draft("GET", target, headers=((VERSION, OLD),))


def _wrong_method(context: ProbeContext) -> Draft:
    return Draft("PUT", path(context, "messages.create"), hello(), headers=((VERSION, OLD),))


def _key_in(*headers: str) -> Drafter:
    """The default key in one header, or in each of several."""

    def draft(context: ProbeContext) -> Draft:
        key = context.target.credentials.get("default")
        if key is None:
            raise NotTestable("there is no key")
        forms = {"x-api-key": key, "authorization": f"Bearer {key}"}
        return messages(context, hello(), headers={name: forms[name] for name in headers}, key="none")

    return draft


def _stray(context: ProbeContext) -> Draft:
    """The key in its header, beside a token for somebody else."""
    named = _key_in("x-api-key")(context)
    stray = ("authorization", f"Bearer {WRONG_KEY}")
    return replace(named, headers=(*named.headers, stray))


def _too_large(context: ProbeContext) -> Draft:
    return _raw(oversized(context))(context)


def _restricted(context: ProbeContext) -> Draft:
    return messages(context, hello(model=forbidden_model(context), max_tokens=16))


def _count(**body: Any) -> Drafter:
    """A count; without a budget, which it has no use for."""
    return lambda context: messages(context, body, operation=_COUNT)


def _models(query: str = "", operation: str = "models.list", **values: str) -> Drafter:
    return lambda context: Draft("GET", path(context, operation, **values) + query, headers=((VERSION, OLD),))


def _next_page(context: ProbeContext) -> Draft:
    view = Evidence(context.target, context.exchanges).view("messages.models.page")
    last = view.object.get("last_id") if view is not None and view.succeeded else None
    if not isinstance(last, str) or not last:
        raise NotTestable("the first page names no last_id")
    return _models(f"?limit=1&after_id={last}")(context)


def _get(context: ProbeContext) -> Draft:
    return _models(operation="models.get", model=context.target.model)(context)


_MODELS, _TOKENS = "messages.models", "messages.count-tokens"
_NO_IMAGE = [{"role": "user", "content": IMAGE_ASK[0]["content"][:1]}]
_ODD_ROLE = [{"role": "wiremark", "content": "Say hello."}]
_ODD_BLOCK = [{"role": "user", "content": [{"type": "wiremark", "wiremark": 1}]}]

TABLE = (
    Probe("messages.errors.malformed-json", _raw(CUT_OFF), capability=_ERRORS),
    Probe("messages.errors.not-an-object", _raw(b"[]"), capability=_ERRORS),
    Probe("messages.errors.no-max-tokens", _no_budget, capability=_ERRORS),
    Probe("messages.errors.no-messages", _small(), capability=_ERRORS),
    Probe("messages.errors.empty-messages", _small(messages=[]), capability=_ERRORS),
    Probe("messages.errors.messages-type", _small(messages="Say hello."), capability=_ERRORS),
    Probe("messages.errors.role", _small(messages=_ODD_ROLE), capability=_ERRORS),
    Probe("messages.errors.block-type", _small(messages=_ODD_BLOCK), capability=_ERRORS),
    Probe("messages.errors.temperature", _small(messages=ASK, temperature=5), capability=_ERRORS),
    Probe("messages.errors.unknown-model", _small(model=UNKNOWN_MODEL, messages=ASK), capability=_ERRORS),
    Probe(
        "messages.errors.unknown-model.stream",
        _small(model=UNKNOWN_MODEL, messages=ASK, stream=True),
        capability=_ERRORS,
    ),
    Probe("messages.errors.unknown-route", _unknown_route, capability=_ERRORS),
    Probe("messages.errors.method", _wrong_method, capability=_ERRORS),
    Probe("messages.errors.media-type", _media_type, capability=_ERRORS),
    Probe("messages.auth.x-api-key", _key_in("x-api-key"), capability=_AUTH),
    Probe("messages.auth.bearer", _key_in("authorization"), capability=_AUTH),
    Probe("messages.auth.both", _key_in("x-api-key", "authorization"), capability=_AUTH),
    Probe("messages.auth.stray-bearer", _stray, capability=_AUTH),
    Probe("messages.auth.no-key", lambda c: messages(c, hello(), key="none"), capability=_AUTH),
    Probe("messages.auth.wrong-key", lambda c: messages(c, hello(), key="wrong"), capability=_AUTH),
    Probe("messages.versions.old", ask(temperature=0.5), capability=_VERSIONS),
    Probe("messages.versions.new", ask({VERSION: NEW}), capability=_VERSIONS),
    Probe("messages.versions.new.temperature", ask({VERSION: NEW}, temperature=0.5), capability=_VERSIONS),
    Probe("messages.versions.missing", ask({VERSION: None}), capability=_VERSIONS),
    Probe("messages.versions.unknown", ask({VERSION: "1999-01-01"}), capability=_VERSIONS),
    Probe(
        "messages.versions.beta",
        ask(BETAS),
        capability=_VERSIONS,
        within=AT_ONCE,
    ),
    Probe("messages.limits.body", _too_large, capability="limits.body"),
    Probe("messages.keys.throttled", ask(max_tokens=16), role="throttled", capability="limits.rate"),
    Probe("messages.keys.exhausted", ask(max_tokens=16), role="exhausted", capability="keys.credits"),
    Probe("messages.keys.capped", ask(max_tokens=16), role="capped", capability="keys.cap"),
    Probe("messages.keys.restricted", _restricted, role="restricted", capability="keys.allowlist"),
    Probe("messages.keys.revoked", ask(max_tokens=16), role="revoked", capability="keys.revocation"),
    Probe("messages.count", _count(system=SYSTEM, messages=ASK), capability=_TOKENS),
    Probe("messages.count.no-system", _count(messages=ASK), capability=_TOKENS),
    Probe("messages.count.tools", _count(system=SYSTEM, messages=ASK, tools=TOOLS), capability=_TOKENS),
    Probe("messages.count.no-image", _count(messages=_NO_IMAGE), capability=_TOKENS),
    Probe("messages.count.image", _count(messages=IMAGE_ASK), capability=_TOKENS),
    Probe("messages.count.unknown-model", _count(model=UNKNOWN_MODEL, messages=ASK), capability=_TOKENS),
    Probe("messages.count.no-messages", _count(), capability=_TOKENS),
    Probe("messages.models.list", _models(), capability=_MODELS),
    Probe("messages.models.page", _models("?limit=1"), capability=_MODELS),
    Probe("messages.models.next", _next_page, needs=("messages.models.page",), capability=_MODELS),
    Probe("messages.models.get", _get, capability=_MODELS),
    Probe(
        "messages.models.get.unknown",
        _models(operation="models.get", model=UNKNOWN_MODEL),
        capability=_MODELS,
    ),
)

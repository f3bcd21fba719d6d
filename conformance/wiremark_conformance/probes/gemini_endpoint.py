"""Probes of what is around Gemini's answers: models, counts, embeddings, keys, refusals."""

from __future__ import annotations

import json
from typing import Any

from wiremark_conformance.outcome import NotPromised, NotTestable
from wiremark_conformance.probes.embeddings import BATCH, DIMENSIONS, TEXT
from wiremark_conformance.probes.gemini import ASK, GENERATE, KEY_HEADER, SSE, STREAM, draft, hello, said
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, path

NO_MODEL = "wiremark/no-such-model:tag"
_NONE = "no-such-model"
NO_ROUTE = "/wiremark-no-such-route"
_LIST, _GET, _COUNT = "models.list", "models.get", "gemini.count_tokens"
_EMBED, _BATCH_EMBED = "gemini.embed", "gemini.batch_embed"
_CUT_OFF = b'{"contents": [{"role": "user", "parts": [{"te'
_TINY = {"maxOutputTokens": 16}


# -- models and counts ------------------------------------------------------------------------------------


def _models(query: str = "", at: int = 0, body: bytes | None = None) -> Drafter:
    return lambda context: draft(context, body, operation=_LIST, query=query, at=at, method="GET")


def _model(model: str | None = None) -> Drafter:
    return lambda context: draft(context, None, operation=_GET, model=model, method="GET")


def _count(*, whole: bool = False, **how: Any) -> Drafter:
    """The plain question, counted: as a request, or its contents alone."""

    def asked(context: ProbeContext) -> Draft:
        request = {"model": f"models/{context.target.model}", **hello()}
        counted = {"generateContentRequest": request} if whole else {"contents": ASK}
        return draft(context, counted, operation=_COUNT, **how)

    return asked


# -- embeddings ---------------------------------------------------------------------------------------------


def _vectors(context: ProbeContext, operation: str, **body: Any) -> Draft:
    """A request to the contract's model for embeddings."""
    model = next((model.id for model in context.target.contract.models if not model.writes), None)
    if model is None:
        raise NotPromised("the contract lists no model for embeddings")
    batch = body.pop("texts", None)
    if batch is not None:
        body["requests"] = [{"model": f"models/{model}", "content": said(text, None)} for text in batch]
    return draft(context, body, operation=operation, model=model)


# -- keys and refusals --------------------------------------------------------------------------------------


def _scheme(scheme: str) -> Drafter:
    """The plain question, its key sent in this way."""

    def asked(context: ProbeContext) -> Draft:
        if context.target.credentials.get("default") is None:
            raise NotTestable("there is no key to be sent")
        if scheme not in context.target.contract.raw["auth"]["schemes"]:
            raise NotPromised(f"the contract does not take a key as {scheme!r}")
        return draft(context, hello(_TINY), scheme=scheme)

    return asked


def _asks(_query: str = "", _operation: str = GENERATE, **how: Any) -> Drafter:
    return lambda context: draft(context, hello(_TINY), query=_query, operation=_operation, **how)


def _wrong(**body: Any) -> Drafter:
    return lambda context: draft(context, body)


def _raw(body: bytes) -> Drafter:
    return lambda context: draft(context, body)


def _forbidden_model(context: ProbeContext) -> Draft:
    """The contract's first model: the one that restricted keys lack."""
    models = context.target.contract.models
    if not models:
        raise NotPromised("the contract names no models, so none can be forbidden")
    return draft(context, hello(_TINY), model=models[0].id)


def _unescaped(context: ProbeContext) -> Draft:
    """A model whose id has slashes and colons, as Google's clients send it: as it is."""
    made = draft(context, hello(_TINY), model="{model}")
    return Draft("POST", made.target.replace("%7Bmodel%7D", NO_MODEL), made.body, scheme=made.scheme)


def _no_route(context: ProbeContext) -> Draft:
    """Below the version of the API, where nothing is."""
    base = path(context, GENERATE, model="m").partition("/models/")[0]
    key = KEY_HEADER if KEY_HEADER in context.target.contract.raw["auth"]["schemes"] else None
    return Draft("GET", base + NO_ROUTE, scheme=key)


def _too_large(context: ProbeContext) -> Draft:
    limit = context.target.contract.limits.get("body_bytes")
    if limit is None:
        raise NotPromised("the contract names no limit of body_bytes")
    spare = limit + 1 - len(json.dumps({"contents": [said("")]}))
    return draft(context, json.dumps({"contents": [said("x" * spare)]}).encode())


def _media_type(context: ProbeContext) -> Draft:
    return draft(context, hello(_TINY), headers=(("content-type", "text/plain"),))


_ERRORS, _AUTH, _MODELS = "gemini.errors", "gemini.auth", "gemini.models"

TABLE = (
    Probe("gemini.models.list", _models(), capability=_MODELS),
    Probe("gemini.models.empty-json", _models(body=b""), capability=_MODELS),
    Probe("gemini.models.page", _models("?pageSize=1"), capability=_MODELS),
    Probe("gemini.models.v1", _models(at=1), capability="gemini.versions"),
    Probe("gemini.models.get", _model(), capability=_MODELS),
    Probe("gemini.models.unknown", _model(_NONE), capability=_MODELS),
    Probe("gemini.count", _count(), capability="gemini.count-tokens"),
    Probe("gemini.count.request", _count(whole=True), capability="gemini.count-tokens"),
    Probe("gemini.embed", lambda c: _vectors(c, _EMBED, content=said(TEXT, None)), capability="gemini.embed"),
    Probe(
        "gemini.embed.length",
        lambda c: _vectors(c, _EMBED, content=said(TEXT, None), outputDimensionality=DIMENSIONS),
        capability="gemini.embed",
    ),
    Probe("gemini.embed.batch", lambda c: _vectors(c, _BATCH_EMBED, texts=BATCH), capability="gemini.embed"),
    Probe("gemini.auth.header", _scheme(KEY_HEADER), capability=_AUTH),
    Probe("gemini.auth.query", _scheme("query"), capability=_AUTH),
    Probe("gemini.auth.bearer", _scheme("bearer"), capability=_AUTH),
    Probe("gemini.auth.no-key", _asks(key="none"), capability=_AUTH),
    Probe("gemini.auth.no-key.malformed", lambda c: draft(c, _CUT_OFF, key="none"), capability=_AUTH),
    Probe("gemini.auth.wrong-key", _asks(key="wrong"), capability=_AUTH),
    Probe("gemini.auth.wrong-key.query", _asks(key="wrong", scheme="query"), capability=_AUTH),
    Probe("gemini.keys.revoked", _asks(), role="revoked", capability=_AUTH),
    Probe("gemini.keys.restricted", _forbidden_model, role="restricted", capability=_AUTH),
    Probe("gemini.keys.throttled", _asks(), role="throttled", capability="gemini.limits"),
    Probe("gemini.keys.throttled.stream", _asks(SSE, STREAM), role="throttled", capability="gemini.limits"),
    Probe("gemini.keys.exhausted", _asks(), role="exhausted", capability="gemini.limits"),
    Probe("gemini.limits.body", _too_large, capability="gemini.limits"),
    Probe("gemini.errors.malformed-json", _raw(_CUT_OFF), capability=_ERRORS),
    Probe("gemini.errors.not-an-object", _raw(b"[]"), capability=_ERRORS),
    Probe("gemini.errors.no-contents", _wrong(generationConfig=_TINY), capability=_ERRORS),
    Probe("gemini.errors.empty-contents", _wrong(contents=[]), capability=_ERRORS),
    Probe("gemini.errors.contents-type", _wrong(contents=7), capability=_ERRORS),
    Probe("gemini.errors.role", _wrong(contents=[said("Say hello.", "assistant")]), capability=_ERRORS),
    Probe(
        "gemini.errors.temperature",
        _wrong(contents=ASK, generationConfig={**_TINY, "temperature": 5}),
        capability=_ERRORS,
    ),
    Probe(
        "gemini.errors.inline-data",
        _wrong(contents=[{"parts": [{"inlineData": {"mimeType": "image/png", "data": "!!!"}}]}]),
        capability=_ERRORS,
    ),
    Probe("gemini.errors.unknown-model", _asks(model=_NONE), capability=_ERRORS),
    Probe(
        "gemini.errors.unknown-model.stream", _asks(SSE, STREAM, model="no-such-model"), capability=_ERRORS
    ),
    Probe("gemini.errors.unknown-model.slash", _unescaped, capability=_ERRORS),
    Probe("gemini.errors.unknown-route", _no_route, capability=_ERRORS),
    Probe("gemini.errors.method", _asks(method="PUT"), capability=_ERRORS),
    Probe("gemini.errors.media-type", _media_type, capability=_ERRORS),
)

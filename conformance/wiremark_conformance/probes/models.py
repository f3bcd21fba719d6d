"""Probes of the model catalogue."""

from __future__ import annotations

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotPromised, NotTestable
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, chat, path

UNKNOWN_MODEL = "wiremark/no-such-model"
ORIGIN = "https://wiremark.invalid"


def _list(context: ProbeContext) -> Draft:
    # An origin only where it matters: a browser's request, which must not be made readable to it.
    origin = (("origin", ORIGIN),) if context.target.declares("cors.deny") else ()
    return Draft("GET", path(context, "models.list"), headers=origin)


def _list_announced(context: ProbeContext) -> Draft:
    """With an empty body that is said to be JSON, as clients send it that have one set of headers for all."""
    return Draft("GET", path(context, "models.list"), b"")


def _get(context: ProbeContext) -> Draft:
    """One model, asked for as an SDK does: headers that no server parses, scheme in another case."""
    headers = [
        ("x-stainless-timeout", "NOT_GIVEN"),
        ("x-client-request-id", "wiremark"),
        ("x-stainless-retry-count", "0"),
        ("openai-beta", "x=1"),
    ]
    key = context.target.credentials.get("default")
    bearer = key is not None and "bearer" in context.target.contract.raw["auth"]["schemes"]
    if bearer:
        headers.append(("authorization", f"bearer {key}"))
    at = path(context, "models.get", model=context.target.model)
    return Draft("GET", at, headers=tuple(headers), scheme="bearer" if bearer else None)


def _get_unknown(context: ProbeContext) -> Draft:
    return Draft("GET", path(context, "models.get", model=UNKNOWN_MODEL))


def _get_slash(context: ProbeContext) -> Draft:
    """A model whose id holds a slash, escaped as SDKs do it: in one path segment."""
    promised = context.target.contract.models
    if promised and not any("/" in model.id for model in promised):
        raise NotPromised("the contract names no model with a slash in its id")
    view = Evidence(context.target, context.exchanges).view("models.list")
    data = view.object.get("data") if view is not None and view.succeeded else ()
    for entry in data if isinstance(data, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("id"), str) and "/" in entry["id"].strip("/"):
            return Draft("GET", path(context, "models.get", model=entry["id"]))
    raise NotTestable("no listed model has a slash in its id")


def _unavailable(context: ProbeContext) -> Draft:
    """A question to a model that the list itself calls unavailable."""
    field = next(
        (name for name, told in context.target.contract.catalogue.items() if told == "available"), None
    )
    if field is None:
        raise NotPromised("the contract promises no field that tells whether a model is available")
    view = Evidence(context.target, context.exchanges).view("models.list")
    data = view.object.get("data") if view is not None and view.succeeded else ()
    for entry in data if isinstance(data, list) else ():
        if isinstance(entry, dict) and entry.get(field) is False:
            body = {"model": entry.get("id"), "messages": [{"role": "user", "content": "Say hello."}]}
            return chat(context, {**body, "max_tokens": 16})
    raise NotTestable("every listed model is available at the moment")


TABLE = (
    Probe("models.list", _list, capability="models"),
    Probe("models.list.empty-json", _list_announced, capability="models"),
    Probe("models.get", _get, capability="models.get"),
    Probe(
        "models.unavailable",
        _unavailable,
        needs=("models.list",),
        capability="models.available",
        patient=False,
    ),
    Probe("models.get.slash", _get_slash, needs=("models.list",), capability="models.get"),
    Probe("models.get.unknown", _get_unknown, capability="models.get"),
)

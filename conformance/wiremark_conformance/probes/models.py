"""Probes of the model catalogue."""

from __future__ import annotations

from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, path

UNKNOWN_MODEL = "wiremark/no-such-model"
ORIGIN = "https://wiremark.invalid"


def _list(context: ProbeContext) -> Draft:
    # An origin only where it matters: a browser's request, which must not be made readable to it.
    origin = (("origin", ORIGIN),) if context.target.declares("cors.deny") else ()
    return Draft("GET", path(context, "models.list"), headers=origin)


def _get(context: ProbeContext) -> Draft:
    """One model, asked for as an SDK does: headers that no server parses, scheme in another case."""
    headers = [("x-stainless-timeout", "NOT_GIVEN"), ("x-stainless-retry-count", "0"), ("openai-beta", "x=1")]
    key = context.target.credentials.get("default")
    if key is not None and context.target.contract.raw["auth"]["schemes"][0] == "bearer":
        headers.append(("authorization", f"bearer {key}"))
    return Draft("GET", path(context, "models.get", model=context.target.model), headers=tuple(headers))


def _get_unknown(context: ProbeContext) -> Draft:
    return Draft("GET", path(context, "models.get", model=UNKNOWN_MODEL))


TABLE = (
    Probe("models.list", _list, capability="models"),
    Probe("models.get", _get, capability="models.get"),
    Probe("models.get.unknown", _get_unknown, capability="models.get"),
)

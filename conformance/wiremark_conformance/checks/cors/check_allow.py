"""What a page needs of an endpoint that lets pages use it."""

from __future__ import annotations

from wiremark_conformance.checking import check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.probes.models import ORIGIN
from wiremark_conformance.values import shown

_NEEDED = ("authorization", "content-type", "x-stainless-lang", "x-stainless-retry-count")
_EXPOSED = ("x-request-id", "retry-after")


def _names(view: View, header: str) -> set[str]:
    return {name.strip() for name in view.header_text(header).split(",")}


def _open_to_pages(view: View) -> Outcome:
    found = view.header("access-control-allow-origin")
    return None if found in {"*", ORIGIN} else f"`access-control-allow-origin` is {shown(found)}"


@check("cors.preflight", "cors.preflight.sdk", expects="any")
def preflight(view: View) -> Outcome:
    """Without a key, as browsers send it."""
    return _open_to_pages(view) if view.succeeded else f"the preflight was answered {view.status_line}"


@check("cors.allow-headers", "cors.preflight.sdk", expects="any")
def allow_headers(view: View) -> Outcome:
    """`*` does not stand for Authorization."""
    if not view.succeeded:
        raise NotTestable("the preflight is refused")
    found = _names(view, "access-control-allow-headers")
    missing = [
        name for name in _NEEDED if name not in found and ("*" not in found or name == "authorization")
    ]
    return f"`access-control-allow-headers` lacks {', '.join(missing)}" if missing else None


@check("cors.allow-methods", "cors.preflight.sdk", expects="any")
def allow_methods(view: View) -> Outcome:
    if not view.succeeded:
        raise NotTestable("the preflight is refused")
    found = _names(view, "access-control-allow-methods")
    return None if found & {"post", "*"} else f"`access-control-allow-methods` is {shown(sorted(found))}"


each("cors.answers", "cors.answer", "cors.refusal", "cors.chat", "cors.stream", expects="any")(_open_to_pages)


@check("cors.exposed", "cors.answer", expects="any")
def exposed(view: View) -> Outcome:
    found = _names(view, "access-control-expose-headers")
    missing = [name for name in _EXPOSED if name not in found and "*" not in found]
    return f"`access-control-expose-headers` lacks {', '.join(missing)}" if missing else None

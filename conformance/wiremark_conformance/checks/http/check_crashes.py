"""Requests that the format allows and a server breaks on, one surface at a time.

A 500 says nothing of one request, for every server may break once; it says something when the plain question
is answered and the other one breaks again and again. So these are asked several times.
"""

from __future__ import annotations

from collections.abc import Mapping

from wiremark_conformance.checking import check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome

# The plain question of a surface, then others that are as good.
_SURFACES: Mapping[str, tuple[str, ...]] = {
    "chat": (
        "chat.plain",
        "chat.nulls",
        "chat.nulls.options",
        "chat.developer",
        "chat.roles",
        "chat.content-parts",
        "chat.content-parts.roles",
        "chat.params",
    ),
    "tools": (
        "chat.plain",
        "chat.tools.auto",
        "chat.tools.bare",
        "chat.tools.keywords",
        "chat.tools.empty",
        "chat.tools.history",
        "chat.tools.history.without",
        "chat.tools.history.empty",
    ),
    "completions": ("completions.plain", "completions.default", "completions.nulls"),
    "embeddings": ("embeddings.plain", "embeddings.default", "embeddings.batch", "embeddings.base64"),
    "messages": (
        "messages.plain",
        "messages.system-blocks",
        "messages.content-blocks",
        "messages.same-role",
        "messages.metadata",
    ),
    "responses": ("responses.plain", "responses.items", "responses.nulls", "responses.settings"),
}


def _unbroken(surface: str, probes: tuple[str, ...]) -> None:
    @check(f"http.crashes.{surface}", *probes, expects="any")
    def unbroken(plain: View, *others: View) -> Outcome:
        if not plain.succeeded:
            raise NotTestable("the plain question is not answered either")
        broken = [view for view in others if view.status == 500]
        if not broken:
            return None
        said = f"{broken[0].status_line}{broken[0].error_text}"
        return f"{broken[0].probe} is answered {said}, while the plain question is answered"


for _surface, _probes in _SURFACES.items():
    _unbroken(_surface, _probes)

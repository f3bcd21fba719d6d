"""Parameters that change nothing, and those that make answers repeatable."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, refused, tolerated
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.parameters import WRONG
from wiremark_conformance.values import is_text, shown

_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")

accepted("chat.params.accepted", "chat.params")
accepted("chat.params.obfuscation", "chat.obfuscation")
tolerated("chat.params.reasoning-effort", "chat.reasoning-effort")
for _name in WRONG:
    refused(f"chat.params.{_name}", f"errors.{_name}")


@check("chat.params.service-tier", "chat.params")
def service_tier(view: View) -> Outcome:
    found = view.object.get("service_tier")
    return None if found is None or found in _TIERS else f"`service_tier` is {shown(found)}"


@check("chat.params.tier-used", "chat.params")
def tier_used(view: View) -> Outcome:
    found = view.object.get("service_tier")
    return "`service_tier` is still `auto`: which tier was used is not told" if found == "auto" else None


def _text(view: View) -> str:
    text = view.streamed_text() if view.is_stream else view.content
    if not is_text(text):
        raise NotTestable(f"the answer of {view.probe} has no text")
    return text


@check("chat.seed.repeats", "chat.seed", "chat.seed.again")
def seed_repeats(one: View, other: View) -> Outcome:
    first, second = _text(one), _text(other)
    if first == second:
        return None
    return Silent(f"with one seed at temperature 0 the answers are {shown(first)} and {shown(second)}")


@check("chat.seed.stream", "chat.seed", "chat.seed.stream")
def seed_stream(plain: View, stream: View) -> Outcome:
    whole, fragments = _text(plain), _text(stream)
    if whole == fragments:
        return None
    return Silent(f"with one seed the answer is {shown(whole)}, and streamed {shown(fragments)}")

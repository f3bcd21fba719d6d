"""messages.count_tokens against itself and against what answers say."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.messages_errors.check_refusals import not_found
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import answer
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import is_count, shown

accepted("messages.count.accepted", "messages.count")
accepted("messages.count.tools-accepted", "messages.count.tools")
check("messages.count.unknown-model", "messages.count.unknown-model", expects="refusal")(not_found)


@each("messages.count.integer", "messages.count", "messages.count.tools")
def integer(view: View) -> Outcome:
    found = view.object.get("input_tokens")
    return None if is_count(found) and found else f"`input_tokens` is {shown(found)}"


def _count(view: View) -> int:
    found = view.object.get("input_tokens")
    if not is_count(found):
        raise NotTestable(f"the answer of {view.probe} has no integer `input_tokens`")
    return found


@check("messages.count.system", "messages.count.no-system", "messages.count")
def system(without: View, with_system: View) -> Outcome:
    more = _count(with_system) - _count(without)
    return None if more > 0 else f"a system prompt adds {more} tokens"


@check("messages.count.tools", "messages.count", "messages.count.tools")
def tools(without: View, with_tools: View) -> Outcome:
    more = _count(with_tools) - _count(without)
    return None if more > 0 else f"a tool adds {more} tokens"


@check("messages.count.image", "messages.count.no-image", "messages.count.image")
def image(without: View, with_image: View) -> Outcome:
    more = _count(with_image) - _count(without)
    return None if more > 0 else f"an image adds {more} tokens"


@check("messages.count.agrees", "messages.count", "messages.plain")
def agrees(counted: View, said: View) -> Outcome:
    told = answer(said).total_input
    return None if _count(counted) == told else f"counted {_count(counted)} tokens, the answer used {told}"

"""What the formats of one endpoint say of one question."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.checking import Function, check
from wiremark_conformance.checks.formats.told import CHAT, FORMATS, Format
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import listed, shown


def _prompt(other: Format) -> Function:
    def agrees(one: View, two: View) -> Outcome:
        first, second = CHAT.read(one).prompt, other.read(two).prompt
        return None if first == second else f"{first} tokens of the prompt in chat, {second} here"

    return agrees


def _answer(other: Format) -> Function:
    def agrees(one: View, two: View) -> Outcome:
        first, second = CHAT.read(one), other.read(two)
        if first.text != second.text:
            raise NotTestable("the model said something else each time")
        if first.answer == second.answer:
            return None
        return f"the same text is {first.answer} tokens in chat, {second.answer} here"

    return agrees


def _stop(other: Format) -> Function:
    def agrees(one: View, two: View) -> Outcome:
        first, second = CHAT.read(one), other.read(two)
        if first.stop == second.stop:
            return None
        cut = "budget" in {first.stop, second.stop}
        if cut and first.answer != second.answer and not (first.spent and second.spent):
            raise NotTestable("the answers are not of one length, and one of them is within its budget")
        return f"the answer ends with {first.raw} in chat, with {second.raw} here"

    return agrees


def _call(other: Format) -> Function:
    def agrees(one: View, two: View) -> Outcome:
        first, second = CHAT.read(one).calls, other.read(two).calls
        if not first or not second:
            raise NotTestable("a tool is not called in both")
        return None if first == second else f"chat calls {shown(first)}, here it is {shown(second)}"

    return agrees


def _models(one: View, two: View) -> Outcome:
    if two.object.get("has_more") or two.object.get("nextPageToken"):
        raise NotTestable("the list goes on")
    first, second, model = _ids(one), _ids(two), one.target.model
    if model in first and model not in second:
        return f"chat's list of models has {model!r}, the other has not"
    missing = sorted(second - first)
    return f"chat's list of models lacks {', '.join(missing[:3])}" if missing else None


@check("formats.messages.by-header", "models.list", "messages.models.list")
def by_header(one: View, two: View) -> Outcome:
    """One path, two clients: the headers of the request say whose form is wanted."""
    if one.exchange.request.target != two.exchange.request.target:
        raise NotPromised("each format has a list of models at a path of its own")
    if one.object.get("object") != "list":
        return f"without `anthropic-version` the list has `object` {shown(one.object.get('object'))}"
    if not {"has_more", "first_id", "last_id"} <= two.object.keys():
        return f"with `anthropic-version` the list has no cursors: {shown(sorted(two.object))}"
    return None


@check("formats.gemini.by-header", "models.list", "gemini.models.list")
def by_key_header(one: View, two: View) -> Outcome:
    """The same for the header in which Google's clients send their key."""
    if one.exchange.request.target != two.exchange.request.target:
        raise NotPromised("each format has a list of models at a path of its own")
    if one.object.get("object") != "list":
        return f"without `x-goog-api-key` the list has `object` {shown(one.object.get('object'))}"
    return None if "models" in two.object else "with `x-goog-api-key` the list has no `models`"


def _ids(view: View) -> set[str]:
    """The models of a list, in whichever form it came."""
    data: Any = view.object.get("data", view.object.get("models"))
    entries = [entry for entry in listed(data) if isinstance(entry, dict)]
    named = (entry.get("id", entry.get("name")) for entry in entries)
    found = {name.removeprefix("models/") for name in named if isinstance(name, str)}
    if not found:
        raise NotTestable(f"{view.probe} lists no model")
    return found


def _of_one_model(judge: Function) -> Function:
    """Formats can only agree on a model that both serve."""

    def judged(one: View, two: View) -> Outcome:
        if one.asked_model != two.asked_model or one.target.contract.split:
            raise NotPromised("each format has models of its own")
        return judge(one, two)

    return judged


for _name, _format in FORMATS.items():
    for _requirement, _judge, _question in (
        ("prompt-tokens", _prompt(_format), "plain"),
        ("answer-tokens", _answer(_format), "plain"),
        ("stop-reason", _stop(_format), "plain"),
        ("stop-reason-budget", _stop(_format), "budget"),
        ("stop-reason-tools", _stop(_format), "tools"),
        ("tool-tokens", _prompt(_format), "tools"),
        ("tool-call", _call(_format), "tools"),
        ("models", _models, "models"),
    ):
        _pair = (getattr(CHAT, _question), getattr(_format, _question))
        if None not in _pair:
            check(f"formats.{_name}.{_requirement}", *_pair)(_of_one_model(_judge))

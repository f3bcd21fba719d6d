"""Responses whose pieces are told in unusual order: what exactly is a finding, what cannot be told."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.checks.responses_stream import STREAMS
from wiremark_conformance.probes.responses_tools import TOOLS

from tests.conformance.judging import good_responses
from tests.conformance.judging.spoiling import Change, answered_as, body, inserted, status, together

_STREAMED, _CALLED = "responses.stream", "responses.tools.stream"
_ADDED = "response.output_item.added"
_ARGUMENTS = "response.function_call_arguments"


def _with_text(probe: str, *output: Any) -> Change:
    """A streamed response of these items."""
    final = good_responses.document(*output, tools=TOOLS, tool_choice="required")
    return lambda w: setattr(w[probe], "chunks", good_responses.stream(final)["chunks"])


def _two_parts(world: Any) -> None:
    """A streamed message that says everything in two parts, one after the other."""
    chunks = world.chunks(_STREAMED)
    inner = [one for one in chunks if isinstance(one, dict) and one.get("content_index") == 0]
    at = chunks.index(inner[-1]) + 1
    chunks[at:at] = [{**one, "content_index": 1} for one in inner]


def _with_its_part(**part: Any) -> Change:
    """A streamed message that is added with its part in it, or with another one."""

    def apply(world: Any) -> None:
        chunks = world.chunks(_STREAMED)
        named = {one["type"]: one for one in reversed(chunks) if isinstance(one, dict)}
        opening = named["response.content_part.added"]
        named["response.output_item.added"]["item"]["content"] = [part or opening["part"]]
        chunks.remove(opening)

    return apply


def _event(kind: str, number: int = 0, probe: str = "responses.stream", **values: Any) -> Change:
    """Members of the event of a type otherwise; None takes one out."""

    def apply(world: Any) -> None:
        found = [one for one in world.chunks(probe) if isinstance(one, dict) and one["type"] == kind][number]
        found.update(values)
        for name in [name for name, value in values.items() if value is None]:
            del found[name]

    return apply


def _one_id(world: Any) -> None:
    """Two calls of a stream, each with the same id from its beginning to its end."""
    for one in world.chunks("responses.tools.parallel"):
        if isinstance(one, dict) and "item" in one:
            one["item"]["id"] = "fc_1"


def _without_events(probe: str, kind: str) -> Change:
    def apply(world: Any) -> None:
        kept = [one for one in world.chunks(probe) if not isinstance(one, dict) or one["type"] != kind]
        world[probe].chunks = kept

    return apply


def _said(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _content(told: Any) -> Change:
    """What the message of a response holds."""
    return lambda w: w["responses.plain"].body["output"][0].update(content=told)


TABLE: list[tuple[str, Change, str]] = [
    # responses
    ("formats.responses.prompt-tokens", body("responses.plain", status="failed"), "untestable"),
    ("formats.responses.prompt-tokens", body("responses.plain", status="cancelled"), "untestable"),
    ("formats.responses.answer-tokens", _content(5), "untestable"),
    ("formats.responses.answer-tokens", _content([_said("Hello "), _said("there.")]), "pass"),
    # streamed responses
    ("responses.stream.event-fields", _event(_ADDED, item=None), "pass"),
    ("responses.stream.delta-logprobs", _event("response.output_text.done", logprobs="x"), "finding"),
    ("responses.stream.item-identity", _one_id, "finding"),
    ("responses.stream.item-begins", _event(_ADDED, item="x"), "finding"),
    ("responses.stream.done-texts", _two_parts, "pass"),
    (
        "responses.stream.final-text",
        _with_text(_STREAMED, good_responses.said(), good_responses.said()),
        "pass",
    ),
    *(
        (f"responses.stream.{name}", _with_its_part(), "pass")
        for name in ("part-added", "part-numbered", "part-fits", "part-done")
    ),
    ("responses.stream.part-fits", _with_its_part(type="refusal", refusal=""), "finding"),
    (
        "responses.stream.error-form",
        together(inserted(_STREAMED, 1, {"type": "error"}), status(_STREAMED, 500)),
        "pass",
    ),
    ("responses.stream.name-agrees", inserted(_STREAMED, 1, b"event: x\ndata: [1]\n\n"), "pass"),
    (
        "responses.stream.error-form",
        together(*(answered_as(probe, "responses.plain") for probe in STREAMS)),
        "pass",
    ),
    ("responses.open.named", inserted(_STREAMED, 1, b"data: [1]\n\n"), "pass"),
    (
        "responses.tools.stream.deltas",
        _with_text(_CALLED, good_responses.said(), good_responses.call()),
        "pass",
    ),
    (
        "responses.tools.stream.done",
        together(
            _with_text(_CALLED, good_responses.said(), good_responses.call()),
            _without_events(_CALLED, f"{_ARGUMENTS}.done"),
        ),
        "finding",
    ),
    (
        "responses.tools.custom.called",
        body("responses.tools.custom", output=[good_responses.call(tool=good_responses.note()["name"])]),
        "finding",
    ),
]

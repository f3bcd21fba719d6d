"""Responses: what exactly is a finding, what is none, and what cannot be told."""

from __future__ import annotations

from typing import Any

from tests.conformance.judging import good_responses as good
from tests.conformance.judging.spoiling import Change, answered_as, body, raw, together, usage, without

PLAIN, CUSTOM, STREAM = "responses.plain", "responses.tools.custom", "responses.stream"
_TEXT = "response.output_text"


def _cut(probe: str, *output: Any) -> Change:
    """An answer that did not fit into its budget."""
    return raw(probe, good.cut(*output))


def _items(probe: str, *output: Any) -> Change:
    return body(probe, output=list(output))


def _refused(probe: str) -> Change:
    item = good.said()
    item["content"] = [{"type": "refusal", "refusal": "No."}]
    return _items(probe, item)


def _format(**values: Any) -> Change:
    return body(
        "responses.json-schema", text={"format": {"type": "json_schema", "name": "weather", **values}}
    )


def _tokens(*told: Any) -> Change:
    return _items("responses.logprobs", good.said(logprobs=list(told)))


def _ended(tokens: int, status: str) -> Change:
    """An answer of so many tokens; of the other probe it is known that it was cut off."""
    reason = {"reason": "max_output_tokens"} if status == "incomplete" else None
    told = {**good.USAGE, "output_tokens": tokens, "total_tokens": tokens + 20}
    return body("responses.max-tokens", status=status, incomplete_details=reason, usage=told)


def _added(kind: Any) -> Change:
    """The first item of a stream is added with another type."""

    def apply(world: Any) -> None:
        chunks = world.chunks("responses.stream")
        next(one for one in chunks if one["type"] == "response.output_item.added")["item"]["type"] = kind

    return apply


def _echoed(probe: str, name: str, value: Any) -> Change:
    """A setting that is told back otherwise."""
    return body(probe, **{name: value})


def _event(kind: str, number: int = 0, probe: str = STREAM, **values: Any) -> Change:
    """Members of the event of a type, the first or a later one, otherwise; None takes one out."""

    def apply(world: Any) -> None:
        found = [one for one in world.chunks(probe) if isinstance(one, dict) and one["type"] == kind][number]
        for name, value in values.items():
            if value is None:
                found.pop(name, None)
            else:
                found[name] = value

    return apply


def _item(kind: str, number: int = 0, probe: str = STREAM, **values: Any) -> Change:
    """The same of the item that an event carries."""

    def apply(world: Any) -> None:
        found = [one for one in world.chunks(probe) if isinstance(one, dict) and one["type"] == kind][number]
        found["item"].update(values)

    return apply


def _final(probe: str = STREAM, at: int = 0, **values: Any) -> Change:
    """An item of the response at the end of a stream."""
    return lambda w: w.chunks(probe)[-2]["response"]["output"][at].update(values)


def _gone(kind: str, probe: str = STREAM) -> Change:
    """A stream without the events of a type."""
    return lambda w: setattr(
        w[probe],
        "chunks",
        [one for one in w.chunks(probe) if not isinstance(one, dict) or one["type"] != kind],
    )


def _ending(status: str, probe: str = STREAM, **values: Any) -> Change:
    """Another status of the response that a stream ends with."""

    def apply(world: Any) -> None:
        end = world.chunks(probe)[-2]
        end["type"] = f"response.{status}"
        end["response"].update(status=status, **values)

    return apply


def _growing(*texts: str) -> Change:
    """The text of a stream in these pieces."""

    def apply(world: Any) -> None:
        chunks = world.chunks(STREAM)
        at = next(i for i, one in enumerate(chunks) if one["type"] == f"{_TEXT}.delta")
        kept = [one for one in chunks if not isinstance(one, dict) or one["type"] != f"{_TEXT}.delta"]
        kept[at:at] = [{**chunks[at], "delta": text} for text in texts]
        world[STREAM].chunks = kept

    return apply


_ADDED, _DONE = "response.output_item.added", "response.output_item.done"
_BOTH = "responses.tools.parallel"

STREAMS: list[tuple[str, Change, str]] = [
    ("responses.stream.event-fields", lambda w: w.chunks(STREAM).insert(3, {"type": "error"}), "pass"),
    ("responses.stream.event-fields", _event(f"{_TEXT}.delta", delta=None), "finding"),
    ("responses.stream.event-fields", _event(f"{_TEXT}.delta", delta=5), "finding"),
    ("responses.stream.event-fields", _event(f"{_TEXT}.delta", output_index="0"), "finding"),
    ("responses.stream.event-fields", _event(f"{_TEXT}.delta", logprobs="x"), "pass"),
    ("responses.stream.event-fields", _event(f"{_TEXT}.delta", logprobs=[{"token": 5}]), "pass"),
    ("responses.stream.event-fields", _event(f"{_TEXT}.delta", sequence_number=None), "pass"),
    ("responses.stream.event-fields", _event(_ADDED, item={}), "pass"),
    ("responses.stream.item-identity", _item(_DONE, id="msg_2"), "finding"),
    ("responses.stream.item-identity", _item(_DONE, type="function_call"), "finding"),
    ("responses.stream.item-identity", _item(_ADDED, 1, _BOTH, id="fc_1"), "finding"),
    ("responses.stream.item-identity", _gone(_DONE), "pass"),
    (
        "responses.stream.item-identity",
        together(_item(_DONE, 1, _BOTH, id="fc_9"), _event(_ADDED, 0, _BOTH, type="response.x")),
        "finding",
    ),
    ("responses.stream.final-text", _growing("Hello there."), "pass"),
    ("responses.stream.final-text", _growing("Hello", "there."), "finding"),
    ("responses.stream.final-items", _final(id="msg_2"), "finding"),
    ("responses.stream.final-items", _final(type="reasoning"), "finding"),
    ("responses.stream.final-items", together(_gone(_DONE), _final(id="msg_2")), "finding"),
    ("responses.stream.final-items", _gone(_DONE), "pass"),
    ("responses.stream.final-done", _item(_DONE, id=["msg_1"]), "pass"),
    (
        "responses.stream.final-done",
        _item(_DONE, probe="responses.tools.custom.stream", input="x"),
        "finding",
    ),
    ("responses.stream.final-done", _item(_DONE, content=[]), "finding"),
    ("responses.stream.final-done", _item(_DONE, 0, "responses.tools.stream", arguments="{}"), "finding"),
    ("responses.stream.final-done", _item(_DONE, 0, "responses.reasoning.stream", summary=[]), "finding"),
    ("responses.stream.text", _gone(f"{_TEXT}.delta"), "finding"),
    ("responses.stream.text", together(_gone(f"{_TEXT}.delta"), _ending("incomplete")), "untestable"),
    (
        "responses.stream.text",
        lambda w: [
            one.update(type="response.refusal.delta")
            for one in w.chunks(STREAM)
            if isinstance(one, dict) and one["type"] == f"{_TEXT}.delta"
        ],
        "pass",
    ),
    ("responses.stream.pieces", _growing("a", "ab", "abc", "abcd"), "finding"),
    ("responses.stream.pieces", _growing("a", "ab", "abc"), "pass"),
    ("responses.stream.pieces", _growing("ha", "ha", "ha", "ha"), "pass"),
    ("responses.stream.pieces", _growing("a", "bb", "ccc", "dddd"), "pass"),
    ("responses.stream.final-status", _final(status="in_progress"), "finding"),
    ("responses.stream.final-status", together(_final(status="in_progress"), _ending("incomplete")), "pass"),
]

TOOLS: list[tuple[str, Change, str]] = [
    ("responses.tools.called", _cut("responses.tools.forced", good.said()), "pass"),
    ("responses.tools.called", _items("responses.tools.forced", good.said()), "finding"),
    (
        "responses.tools.called",
        _items("responses.tools.forced", {**good.note(), "name": "get_weather"}),
        "finding",
    ),
    ("responses.tools.custom.called", _cut(CUSTOM, good.said()), "pass"),
    ("responses.tools.custom.called", _items(CUSTOM, good.said()), "finding"),
    ("responses.tools.custom.called", _items(CUSTOM, good.call(tool="take_note")), "finding"),
    ("responses.stored.items-form", without("responses.input-items", "data", 0, "id"), "pass"),
    ("responses.stored.items-form", without("responses.input-items", "data", 0, "role"), "finding"),
    ("responses.stored.items-bounds", without("responses.input-items", "data", 0), "finding"),
    (
        "responses.stored.items-bounds",
        together(
            without("responses.input-items", "data", 1), body("responses.input-items", last_id="item_3")
        ),
        "pass",
    ),
    ("responses.stored.items-bounds", body("responses.input-items", data=[]), "untestable"),
    ("responses.open.allowed-tools", _items("responses.tools.allowed", good.said()), "pass"),
    ("responses.open.allowed-tools", _items("responses.tools.allowed", good.call()), "finding"),
    ("responses.background.cancelled", body("responses.background.cancel", status="incomplete"), "pass"),
    ("responses.background.cancelled", body("responses.background.cancel", status="queued"), "finding"),
    ("responses.background.ends", _ending("incomplete", "responses.background.stream"), "pass"),
    ("responses.background.resumed", answered_as("responses.background.resume", PLAIN), "finding"),
]

WHOLE: list[tuple[str, Change, str]] = [
    ("responses.completed", _cut(PLAIN, good.said()), "untestable"),
    ("responses.completed", body(PLAIN, status="queued"), "finding"),
    ("responses.item-types", _items(PLAIN, {**good.said(), "type": "acme:message"}), "pass"),
    ("responses.item-types", _items(PLAIN, {**good.said(), "type": "acme message"}), "finding"),
    ("responses.item-types", _items(PLAIN, {**good.said(), "type": ["a:b"]}), "finding"),
    ("responses.stream.item-begins", _added(["function_call"]), "pass"),
    ("responses.stream.item-begins", _added("function_call"), "finding"),
    ("responses.text", _cut(PLAIN), "untestable"),
    ("responses.text", _items(PLAIN), "finding"),
    ("responses.text", _cut(PLAIN, good.said()), "pass"),
    ("responses.settings", _echoed("responses.settings", "truncation", "other"), "finding"),
    ("responses.settings", _echoed("responses.settings", "parallel_tool_calls", None), "finding"),
    ("responses.max-tokens.incomplete", _ended(15, "incomplete"), "pass"),
    (
        "responses.max-tokens.incomplete",
        together(_ended(15, "incomplete"), body("responses.max-tokens", incomplete_details=None)),
        "finding",
    ),
    ("responses.parts", _refused(PLAIN), "pass"),
    (
        "responses.parts",
        _items(PLAIN, {**good.said(), "content": [{"type": "refusal", "text": "No."}]}),
        "finding",
    ),
    ("responses.text", _refused(PLAIN), "pass"),
    ("responses.max-tokens.incomplete", _ended(15, "completed"), "pass"),
    ("responses.max-tokens.incomplete", _ended(16, "completed"), "finding"),
    *(
        ("responses.json.object", change, "untestable")
        for change in (_cut("responses.json", good.said('{"a')), _refused("responses.json"))
    ),
    ("responses.json.object", _items("responses.json", good.said('{"a')), "finding"),
    ("responses.json-schema.echoed", _format(), "pass"),
    ("responses.json-schema.echoed", _format(type="text"), "finding"),
    ("responses.json-schema.echoed", _format(name="other"), "finding"),
    ("responses.logprobs.form", _tokens({"token": "a", "logprob": 0}), "pass"),
    ("responses.logprobs.form", _tokens({"token": "a", "logprob": 0.1}), "finding"),
    ("responses.logprobs.form", _tokens({"token": "a", "logprob": "x"}), "finding"),
    ("responses.logprobs.form", _tokens({"token": "a", "logprob": False}), "finding"),
    ("responses.usage-counts", usage(PLAIN, total_tokens="26"), "finding"),
    ("responses.usage-details", without(PLAIN, "usage", "input_tokens_details"), "pass"),
    (
        "responses.usage-details",
        lambda w: (
            w[PLAIN].body["usage"].pop("input_tokens_details"),
            w[PLAIN].body["usage"].update(output_tokens_details={"reasoning_tokens": 7}),
        ),
        "finding",
    ),
    ("responses.usage-details", usage(PLAIN, output_tokens_details={"reasoning_tokens": 6}), "pass"),
    ("responses.usage-details", usage(PLAIN, output_tokens_details={"reasoning_tokens": 7}), "finding"),
]
TABLE = [*WHOLE, *STREAMS, *TOOLS]

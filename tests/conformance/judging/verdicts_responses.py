"""Responses: what exactly is a finding, what is none, and what cannot be told."""

from __future__ import annotations

from typing import Any

from tests.conformance.judging import good_responses as good
from tests.conformance.judging.spoiling import Change, body, raw, usage, without

PLAIN, CUSTOM = "responses.plain", "responses.tools.custom"


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


TABLE: list[tuple[str, Change, str]] = [
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

"""Whole responses: their ids, items, counts, and what was asked of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_server.faults.change import Change, equals, has, put, take
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.responses.words import shaped, taken_for

_REFUSED_INSIDE = {"code": "server_error", "message": "The engine crashed."}
_NOTHING = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}
_FAILED_QUIETLY = {
    "status": "incomplete",
    "incomplete_details": {"reason": "max_output_tokens"},
    "output": [],
    "usage": _NOTHING,
}


def _items(change: Callable[[dict[str, Any]], Any], *kinds: str) -> Change:
    """Items of these types changed in place."""

    def apply(document: Any) -> Any:
        for item in document.get("output", ()):
            if item["type"] in kinds:
                change(item)
        return document

    return apply


def _when_cut(**values: Any) -> Change:
    return lambda document: {**document, **values} if document["status"] == "incomplete" else document


def _goes_on(document: Any) -> Any:
    """An item more after the one that was cut off."""
    if document["status"] == "incomplete":
        document["output"].append({**document["output"][-1], "id": "msg_more", "status": "completed"})
    return document


TABLE: tuple[Fault, ...] = (
    shaped("one-id", "Every response has the same id.", put("/id", "resp_1"), "responses.own-ids"),
    shaped("items-one-id", "All items have one id.", put("/output/*/id", "item_1"), "responses.item-ids"),
    shaped(
        "text-no-logprobs",
        "A text has no list of log probabilities, not even an empty one.",
        take("/output/*/content/*/logprobs"),
        "responses.part-logprobs",
    ),
    shaped(
        "call-no-id",
        "A call has its `call_id` and no id.",
        _items(lambda item: item.pop("id"), "function_call"),
        "responses.tools.fields",
        bug="responses-required-fields-missing",
    ),
    shaped(
        "call-one-id",
        "The id of a call is its `call_id`.",
        _items(lambda item: item.update(id=item["call_id"]), "function_call"),
        "responses.tools.own-id",
    ),
    shaped(
        "call-not-json",
        "The arguments of a call are not JSON.",
        _items(lambda item: item.update(arguments="{'city': 'Paris'}"), "function_call"),
        "responses.tools.arguments",
    ),
    shaped(
        "call-other-arguments",
        "The arguments of a strict tool do not keep its schema.",
        _items(lambda item: item.update(arguments='{"town": 1}'), "function_call"),
        "responses.tools.strict",
    ),
    shaped(
        "call-not-allowed",
        "A tool is called that is offered and not allowed.",
        _items(lambda item: item.update(name="get_weather"), "function_call"),
        "responses.tools.allowed",
        "responses.open.allowed-tools",
    ),
    shaped("text-empty", "Texts are empty.", put("/output/*/content/*/text", ""), "responses.text"),
    shaped(
        "completed-with-error",
        "A whole answer has an error in it.",
        put("/error", _REFUSED_INSIDE),
        "responses.completed",
        bug="http-200-with-error",
    ),
    shaped(
        "failed-quietly",
        "A failure is told as an answer that was cut off before it began.",
        lambda document: {**document, **_FAILED_QUIETLY},
        "responses.usage-positive",
        bug="http-200-with-error",
    ),
    shaped("settings-other", "Settings are told as others.", put("/top_p", 0.5), "responses.settings"),
    shaped(
        "defaults-null",
        "Settings that were left out are null in the response.",
        put("/truncation", None),
        "responses.default-settings",
    ),
    shaped("keys-absent", "The response has no `metadata`.", take("/metadata"), "responses.published-keys"),
    shaped(
        "usage-total",
        "The total is another number than the sum.",
        put("/usage/total_tokens", lambda total: total + 1),
        "responses.usage-total",
    ),
    shaped(
        "usage-other-whole",
        "A whole response counts a token more of its prompt than a stream.",
        lambda d: {
            **d,
            "usage": {
                **d["usage"],
                "input_tokens": d["usage"]["input_tokens"] + 1,
                "total_tokens": d["usage"]["total_tokens"] + 1,
            },
        },
        "responses.usage-agrees",
        "responses.input-tokens.agrees",
        where=lambda ask: not ask.document.get("background"),
    ),
    shaped(
        "cached-beyond",
        "More tokens of the prompt were cached than it had.",
        put("/usage/input_tokens_details/cached_tokens", 100_000),
        "responses.usage-details",
    ),
    shaped(
        "reasoning-uncounted",
        "The tokens of reasoning are not told.",
        put("/usage/output_tokens_details/reasoning_tokens", 0),
        "responses.reasoning.counted",
    ),
    shaped(
        "reasoning-last",
        "Reasoning comes after what it led to.",
        put("/output", lambda output: output[::-1]),
        "responses.reasoning.first",
    ),
    shaped(
        "reasoning-summary-text",
        "The summary of reasoning is a text.",
        _items(lambda item: item.update(summary="Thought."), "reasoning"),
        "responses.reasoning.item",
    ),
    shaped(
        "logprobs-positive",
        "Log probabilities are positive.",
        put("/output/*/content/*/logprobs/*/logprob", 0.5),
        "responses.logprobs.form",
    ),
    shaped(
        "form-forgotten",
        "The response tells another form of text than was asked for.",
        put("/text/format", {"type": "text"}),
        "responses.json-schema.echoed",
    ),
    shaped(
        "cut-completed",
        "An answer that was cut off is told as complete.",
        _when_cut(status="completed", incomplete_details=None),
        "responses.max-tokens.incomplete",
    ),
    shaped("cut-goes-on", "An item follows an incomplete one.", _goes_on, "responses.open.incomplete-last"),
    shaped("tools-forgotten", "The tools are not told.", put("/tools", []), "responses.tools.echoed"),
    shaped(
        "choice-other",
        "The choice of a tool is told as another.",
        put("/tool_choice", "auto"),
        "responses.tools.choice-echoed",
    ),
    shaped(
        "resource-short",
        "The response has no `completed_at`.",
        take("/completed_at"),
        "responses.open.resource",
    ),
    taken_for(
        "budget-ignored",
        "The budget is not looked at.",
        lambda d: d.update(max_output_tokens=400),
        "responses.max-tokens.bound",
        where=equals("max_output_tokens", 16),
    ),
    taken_for(
        "schema-ignored",
        "A JSON object comes, and its schema is not looked at.",
        lambda d: d.update(text={"format": {"type": "json_object"}}),
        "responses.json-schema.valid",
        where=lambda ask: (
            isinstance(ask.document.get("text"), dict)
            and (ask.document["text"].get("format") or {}).get("type") == "json_schema"
        ),
    ),
    taken_for(
        "seal-forgotten",
        "Reasoning is not sealed, although that was asked for.",
        lambda d: d.pop("include"),
        "responses.reasoning.sealed",
        where=has("reasoning", "include"),
    ),
    taken_for(
        "none-calls",
        "A tool is called although none may be.",
        lambda d: d.update(tool_choice="required"),
        "responses.tools.none",
        where=equals("tool_choice", "none"),
    ),
)

"""Each requirement on responses that are not streamed, spoilt in its own way, and around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_conformance.probes.chat import SMALL_BUDGET
from wiremark_conformance.probes.responses import LEAST_BUDGET, WRONG

from tests.conformance.judging import good_responses as good

Change = Callable[[Any], object]

PLAIN, FORCED, CUSTOM = "responses.plain", "responses.tools.forced", "responses.tools.custom"
THINKING, LISTED, CONTINUED = "responses.reasoning", "responses.input-items", "responses.continued"
RESUMED = "responses.background.resume"
TRACE = 'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in main'


def declined(probe: str, status: int = 400) -> Change:
    """Refused like a bad request."""

    def apply(world: Any) -> None:
        answer = world[probe]
        answer.chunks, answer.status, answer.body = None, status, good.error(status)["body"]
        answer.headers["content-type"] = "application/json"

    return apply


def _answered(*probes: str) -> Change:
    """Answered like a good request."""
    return lambda w: w.answers.update(dict.fromkeys(probes, w[PLAIN]))


def _status(probe: str, status: int) -> Change:
    return lambda w: setattr(w[probe], "status", status)


def _set(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body.update(values)


def _drop(probe: str, *names: str) -> Change:
    return lambda w: [w[probe].body.pop(name) for name in names]


def _item(probe: str, position: int, **values: Any) -> Change:
    return lambda w: w[probe].body["output"][position].update(values)


def _without(probe: str, position: int, name: str) -> Change:
    return lambda w: w[probe].body["output"][position].pop(name)


def _part(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["output"][0]["content"][0].update(values)


def _no_part(probe: str, name: str) -> Change:
    return lambda w: w[probe].body["output"][0]["content"][0].pop(name)


def _usage(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["usage"].update(values)


def _details(probe: str, name: str, **values: Any) -> Change:
    return lambda w: w[probe].body["usage"][name].update(values)


def _error(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["error"].update(values)


def _says(probe: str, text: str) -> Change:
    return _part(probe, text=text)


def _header(probe: str, name: str, value: str) -> Change:
    return lambda w: w[probe].headers.update({name: value})


def _no_header(probe: str, name: str) -> Change:
    return lambda w: w[probe].headers.pop(name)


def _end(probe: str, **values: Any) -> Change:
    """The response that a stream ends with."""
    return lambda w: w.chunks(probe)[-2]["response"].update(values)


_FILTERED = {"reason": "content_filter"}


def _ended(world: Any) -> None:
    """An answer as long as that of chat that says that it was not cut off."""
    cut = world["responses.max-tokens"].body
    cut.update(status="completed", incomplete_details=None)
    cut["usage"]["output_tokens"] = world["chat.max-tokens"].body["usage"]["completion_tokens"]


def _spent(world: Any) -> None:
    """Both answers used up their budgets, which are not of one size, and this one says that it is whole."""
    cut = world["responses.max-tokens"].body
    cut.update(status="completed", incomplete_details=None)
    cut["usage"]["output_tokens"] = LEAST_BUDGET
    world["chat.max-tokens"].body["usage"]["completion_tokens"] = SMALL_BUDGET


WHOLE: list[tuple[str, Change]] = [
    ("responses.accepted", declined(PLAIN)),
    ("responses.accepted", declined(PLAIN, 404)),
    ("responses.content-type", _header(PLAIN, "content-type", "text/plain")),
    ("responses.object", _set(PLAIN, object="chat.completion")),
    ("responses.id", _drop(PLAIN, "id")),
    ("responses.id", _set("responses.max-tokens", id="")),
    ("responses.own-ids", _set("responses.items", id="resp_1")),
    ("responses.created-at", _set(PLAIN, created_at="now")),
    ("responses.created-at", _drop(PLAIN, "created_at")),
    ("responses.created-seconds", _set(PLAIN, created_at=1764547200000)),
    ("responses.model", _set(PLAIN, model=None)),
    ("responses.status", _set(PLAIN, status="done")),
    ("responses.completed", _set(PLAIN, status="in_progress")),
    ("responses.completed", _set(PLAIN, error={"code": "server_error", "message": "x"})),
    ("responses.output", _drop(PLAIN, "output")),
    ("responses.output", _set(PLAIN, output=["Hello"])),
    ("responses.required-keys", _drop(PLAIN, "tools")),
    ("responses.required-keys", _drop(FORCED, "parallel_tool_calls", "tool_choice")),
    ("responses.published-keys", _drop(PLAIN, "incomplete_details")),
    ("responses.types", _set(PLAIN, metadata="none")),
    ("responses.types", _set(PLAIN, truncation=7)),
    ("responses.types", _set(PLAIN, parallel_tool_calls="yes")),
    ("responses.item-types", _item(PLAIN, 0, type="chat_message")),
    ("responses.item-ids", _item(THINKING, 1, id="rs_1")),
    ("responses.message", _without(PLAIN, 0, "id")),
    ("responses.message", _item(PLAIN, 0, role="user")),
    ("responses.message", _without(PLAIN, 0, "status")),
    ("responses.message", _item(PLAIN, 0, content="Hello there.")),
    ("responses.parts", _part(PLAIN, type="text")),
    ("responses.parts", _part(PLAIN, text=None)),
    ("responses.annotations", _no_part(PLAIN, "annotations")),
    ("responses.part-logprobs", _no_part(PLAIN, "logprobs")),
    ("responses.text", _says(PLAIN, "")),
    ("responses.text", _set(PLAIN, output=[])),
    ("responses.settings", _set("responses.settings", temperature=1.0)),
    ("responses.settings", _set("responses.settings", metadata={})),
    ("responses.default-settings", _set(PLAIN, truncation=None)),
    ("responses.items-accepted", declined("responses.items")),
    ("responses.echo-back", declined("responses.echo-back")),
    ("responses.nulls", declined("responses.nulls")),
    ("responses.settings-accepted", declined("responses.settings")),
    ("responses.usage", _set(PLAIN, usage=None)),
    ("responses.usage", _end("responses.stream", usage=None)),
    ("responses.usage-keys", lambda w: w[PLAIN].body["usage"].pop("output_tokens_details")),
    ("responses.usage-keys", _usage(FORCED, input_tokens_details=None)),
    ("responses.usage-counts", _usage(PLAIN, input_tokens=20.5)),
    ("responses.usage-counts", _usage(PLAIN, output_tokens=-1)),
    ("responses.usage-details", _details(PLAIN, "input_tokens_details", cached_tokens=21)),
    ("responses.usage-details", _details(PLAIN, "output_tokens_details", reasoning_tokens=None)),
    ("responses.usage-total", _usage(PLAIN, total_tokens=20)),
    ("responses.usage-positive", _usage(PLAIN, output_tokens=0, total_tokens=20)),
    ("responses.usage-agrees", _usage(PLAIN, input_tokens=21, total_tokens=27)),
    ("responses.input-tokens.accepted", declined("responses.input-tokens", 404)),
    ("responses.input-tokens.form", _set("responses.input-tokens", input_tokens="20")),
    ("responses.input-tokens.form", _drop("responses.input-tokens", "object")),
    ("responses.input-tokens.agrees", _set("responses.input-tokens", input_tokens=19)),
    ("responses.max-tokens.accepted", declined("responses.max-tokens")),
    ("responses.max-tokens.bound", _usage("responses.max-tokens", output_tokens=17, total_tokens=37)),
    ("responses.max-tokens.incomplete", _set("responses.max-tokens", status="completed")),
    ("responses.max-tokens.incomplete", _set("responses.max-tokens", incomplete_details=None)),
    ("responses.json.accepted", declined("responses.json")),
    ("responses.json.object", _says("responses.json", "The answer is 42.")),
    ("responses.json.object", _says("responses.json", "42")),
    ("responses.json-schema.accepted", declined("responses.json-schema")),
    ("responses.json-schema.valid", _says("responses.json-schema", '{"city": "Rome", "sunny": true}')),
    ("responses.json-schema.valid", _says("responses.json-schema", "sunny")),
    ("responses.json-schema.echoed", _set("responses.json-schema", text={"format": {"type": "text"}})),
    ("responses.logprobs.accepted", declined("responses.logprobs")),
    ("responses.logprobs.present", _part("responses.logprobs", logprobs=[])),
    ("responses.logprobs.form", _part("responses.logprobs", logprobs=[{"token": "a", "logprob": 0.5}])),
    ("responses.logprobs.form", _part("responses.logprobs", logprobs=[{"token": 7, "logprob": -0.5}])),
    ("responses.vision.accepted", declined("responses.vision")),
    ("responses.reasoning.accepted", declined(THINKING)),
    ("responses.reasoning.item", _without(THINKING, 0, "summary")),
    ("responses.reasoning.item", _item(THINKING, 0, summary=["A dozen is 12."])),
    ("responses.reasoning.item", _item(THINKING, 0, id=None)),
    ("responses.reasoning.first", lambda w: w[THINKING].body["output"].reverse()),
    ("responses.reasoning.sealed", _item(THINKING, 0, encrypted_content=None)),
    ("responses.reasoning.counted", _details(THINKING, "output_tokens_details", reasoning_tokens=0)),
    ("responses.reasoning.echo-back", declined("responses.reasoning.echo-back")),
    ("responses.open.resource", _drop(PLAIN, "completed_at")),
    (
        "responses.open.incomplete-last",
        lambda w: w["responses.max-tokens"].body["output"].append(good.said()),
    ),
]

TOOLS: list[tuple[str, Change]] = [
    ("responses.tools.accepted", declined(FORCED)),
    ("responses.tools.called", _set(FORCED, output=[good.said()])),
    ("responses.tools.called", _end("responses.tools.stream", output=[good.said("", "msg_9")])),
    ("responses.tools.fields", _without(FORCED, 0, "id")),
    ("responses.tools.fields", _item(FORCED, 0, call_id="")),
    ("responses.tools.fields", _item(FORCED, 0, arguments={"city": "Paris"})),
    ("responses.tools.own-id", _item(FORCED, 0, id="call_1")),
    ("responses.tools.call-ids", lambda w: w[FORCED].body["output"].append(good.call("fc_2"))),
    ("responses.tools.arguments", _item(FORCED, 0, arguments='{"city": ')),
    ("responses.tools.arguments", _item(FORCED, 0, arguments='"Paris"')),
    ("responses.tools.strict", _item(FORCED, 0, arguments='{"town": "Paris"}')),
    ("responses.tools.allowed", _item("responses.tools.allowed", 0, name="get_weather")),
    ("responses.tools.echoed", _set(FORCED, tools=[])),
    ("responses.tools.none", _set("responses.tools.none", output=[good.call()])),
    ("responses.tools.choice-echoed", _set("responses.tools.none", tool_choice="auto")),
    ("responses.tools.auto", declined("responses.tools.auto")),
    ("responses.tools.keywords", declined("responses.tools.keywords")),
    ("responses.tools.round-trip", declined("responses.tools.round-trip")),
    (
        "responses.tools.several",
        lambda w: w.chunks("responses.tools.parallel")[-2]["response"]["output"][1].update(id="fc_1"),
    ),
    ("responses.tools.custom.accepted", declined(CUSTOM)),
    ("responses.tools.custom.called", _set(CUSTOM, output=[good.said()])),
    ("responses.tools.custom.fields", _item(CUSTOM, 0, input={"text": "x"})),
    ("responses.tools.custom.fields", _without(CUSTOM, 0, "call_id")),
    ("responses.tools.custom.round-trip", declined("responses.tools.custom.round-trip")),
    ("responses.open.allowed-tools", _item("responses.tools.allowed", 0, name="get_weather")),
]

STATE: list[tuple[str, Change]] = [
    ("responses.stored.get", declined("responses.get", 404)),
    ("responses.stored.get-streamed", declined("responses.get.streamed", 404)),
    ("responses.stored.same", _set("responses.get", output=[])),
    ("responses.stored.same", _set("responses.get", id="resp_2")),
    ("responses.stored.same-streamed", _set("responses.get.streamed", status="in_progress")),
    ("responses.stored.unknown", declined("responses.get.unknown", 400)),
    ("responses.stored.unknown", _answered("responses.input-items.unknown")),
    ("responses.stored.foreign", _answered("responses.get.foreign")),
    ("responses.stored.unstored", _answered("responses.get.unstored")),
    ("responses.stored.delete", declined("responses.deleted", 405)),
    ("responses.stored.delete-empty-json", declined("responses.deleted.empty-json", 400)),
    ("responses.stored.delete-form", _set("responses.deleted", deleted=False)),
    ("responses.stored.delete-form", lambda w: setattr(w["responses.deleted"], "body", None)),
    ("responses.stored.deleted", _answered("responses.deleted.get")),
    ("responses.stored.deleted-twice", _answered("responses.deleted.again")),
    ("responses.stored.cancel-unknown", declined("responses.cancel.unknown", 400)),
    ("responses.stored.cancel-waited-for", _answered("responses.cancel.waited-for")),
    ("responses.stored.input-items", declined(LISTED, 404)),
    ("responses.stored.items-form", _drop(LISTED, "has_more")),
    ("responses.stored.items-form", _set(LISTED, object="page")),
    ("responses.stored.items-ids", lambda w: w[LISTED].body["data"][1].pop("id")),
    ("responses.stored.items-page", _set(LISTED, has_more=False)),
    ("responses.stored.items-page", lambda w: w[LISTED].body["data"].pop()),
    (
        "responses.stored.items-order",
        lambda w: w[LISTED].body["data"][0]["content"][0].update(text="Be brief."),
    ),
    ("responses.stored.items-bounds", _set(LISTED, last_id="item_1")),
    ("responses.state.accepted", declined(CONTINUED)),
    ("responses.state.accepted", declined(CONTINUED, 404)),
    ("responses.state.of-stream", declined("responses.continued.stream", 404)),
    ("responses.state.context", _usage(CONTINUED, input_tokens=20, total_tokens=26)),
    ("responses.state.call", declined("responses.continued.call")),
    ("responses.state.previous", _set(CONTINUED, previous_response_id=None)),
    ("responses.state.instructions", _set(CONTINUED, instructions="You are a helpful assistant.")),
    ("responses.state.new-id", _set(CONTINUED, id="resp_1")),
    ("responses.state.unknown", _answered("responses.continued.unknown")),
    ("responses.state.unstored", _answered("responses.continued.unstored")),
    ("responses.background.accepted", declined("responses.background")),
    ("responses.background.status", _set("responses.background", status="pending")),
    ("responses.background.marked", _set("responses.background", background=False)),
    ("responses.background.get", declined("responses.background.get", 404)),
    ("responses.background.same-id", _set("responses.background.get", id="resp_1")),
    ("responses.background.cancel", declined("responses.background.cancel")),
    ("responses.background.cancelled", _set("responses.background.cancel", status="in_progress")),
    ("responses.background.stream", declined("responses.background.stream")),
    ("responses.background.ends", _end("responses.background.stream", status="in_progress")),
    ("responses.background.resume", declined(RESUMED)),
    ("responses.background.resumed", lambda w: w.chunks(RESUMED).pop(0)),
    (
        "responses.background.resumed",
        lambda w: w.answers.update({RESUMED: w["responses.background.stream"]}),
    ),
]

_UNKNOWN = "responses.errors.unknown-model"
AROUND: list[tuple[str, Change]] = [
    ("ids.success", _no_header(PLAIN, "x-request-id")),
    ("ids.streams", _no_header("responses.stream", "x-request-id")),
    ("ids.errors", _no_header(_UNKNOWN, "x-request-id")),
    ("http.status-200", _status(PLAIN, 201)),
    ("http.status-200", _status("responses.stream", 206)),
    ("http.no-redirect", _status(PLAIN, 302)),
    *(
        (f"responses.errors.{name}", _answered(f"responses.errors.{name}"))
        for name in WRONG
        if name != "unknown-model.stream"
    ),
    ("responses.errors.no-key", _answered("responses.auth.no-key")),
    ("responses.errors.wrong-key", _answered("responses.auth.wrong-key")),
    ("responses.errors.malformed-json", _status("responses.errors.malformed-json", 500)),
    ("responses.errors.envelope", lambda w: setattr(w[_UNKNOWN], "body", {"detail": "no"})),
    ("responses.errors.envelope", lambda w: setattr(w["responses.get.unknown"], "body", b"<html>")),
    ("responses.errors.message", _error(_UNKNOWN, message=None)),
    ("responses.errors.type", _error(_UNKNOWN, type=None)),
    ("responses.errors.code", _error(_UNKNOWN, code=404)),
    ("responses.errors.content-type", _header(_UNKNOWN, "content-type", "text/html")),
    ("responses.errors.no-internals", _error(_UNKNOWN, message=TRACE)),
    ("responses.errors.key-status", _status("responses.auth.no-key", 403)),
    ("responses.errors.invalid-status", _status("responses.errors.temperature", 404)),
    ("responses.errors.before-stream", _status("responses.errors.unknown-model.stream", 200)),
    ("responses.open.error-types", _error(_UNKNOWN, type="invalid_request_error")),
    *(
        (f"billing.responses.{name}.{rule}", change)
        for name, probe in (("plain", PLAIN), ("stream", "responses.stream"), ("tools", FORCED))
        for rule, change in (
            ("recorded", lambda w, probe=probe: w.rows().remove(w.row(probe))),
            ("tokens", lambda w, probe=probe: w.row(probe).update(prompt_tokens=21)),
            ("charge", lambda w, probe=probe: w.row(probe).update(amount_microusd=6)),
        )
    ),
    (
        "billing.responses.refused-free",
        lambda w: w.rows().append({**w.row(PLAIN), "request_id": f"req-{_UNKNOWN}"}),
    ),
    (
        "billing.responses.count-free",
        lambda w: w.rows().append({**w.row(PLAIN), "request_id": "req-responses.input-tokens"}),
    ),
]

FORMATS: list[tuple[str, Change]] = [
    ("formats.responses.prompt-tokens", _usage(PLAIN, input_tokens=24)),
    ("formats.responses.answer-tokens", _usage(PLAIN, output_tokens=7)),
    ("formats.responses.stop-reason", _set(PLAIN, status="incomplete", incomplete_details=_FILTERED)),
    ("formats.responses.stop-reason-budget", _ended),
    ("formats.responses.stop-reason-budget", _spent),
    ("formats.responses.stop-reason-tools", _set(FORCED, output=[good.said()])),
    ("formats.responses.tool-tokens", _usage(FORCED, input_tokens=19)),
    ("formats.responses.tool-call", _item(FORCED, 0, arguments='{"city": "paris"}')),
]

"""Requirements at the edges: odd bodies, parameters, parts, schemas, hints and pages, each spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance.probes.parameters import WRONG
from wiremark_conformance.sdk import SCENARIOS
from wiremark_reports.record import Verdict

Change = Callable[[Any], object]

LIMIT = {"x-ratelimit-limit-requests": "60"}
_FLAT_ERROR = b'event: error\ndata: {"message": "No."}\n\n'
ERROR = {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}


def _status(probe: str, status: int) -> Change:
    """Another status, with the same body."""
    return lambda w: setattr(w[probe], "status", status)


def _answered(probe: str) -> Change:
    """A plain answer where none should be."""
    return lambda w: w.answers.update({probe: w["chat.plain"]})


def _declined(probe: str) -> Change:
    def apply(world: Any) -> None:
        answer = world[probe]
        answer.status, answer.body, answer.chunks = 400, {"error": dict(ERROR)}, None

    return apply


def _message(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].message.update(values)


def _header(probe: str, **values: str) -> Change:
    named = {name.replace("_", "-"): value for name, value in values.items()}
    return lambda w: w[probe].headers.update(named)


def _error(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["error"].update(values)


def _reframed(probe: str, how: Callable[[bytes], bytes]) -> Change:
    return lambda w: setattr(w[probe], "chunks", [how(w[probe].wire)])


def _delta(probe: str, position: int, **values: Any) -> Change:
    return lambda w: w[probe].delta(position).update(values)


def _arguments(probe: str, arguments: str, name: str = "get_weather") -> Change:
    function = {"name": name, "arguments": arguments}
    return _message(probe, tool_calls=[{"id": "call_1", "type": "function", "function": function}])


def _second_call(world: Any) -> None:
    world["chat.tools.single"].message["tool_calls"] *= 2


def _no_call(probe: str) -> Change:
    return _message(probe, content="Sure.", tool_calls=None)


def _surrogate(world: Any) -> None:
    world["bodies.surrogate"].message["content"] = "\ud800"


def _doubled_logprobs(world: Any) -> None:
    chunks = world.chunks("chat.logprobs.stream")
    told = [entry for c in chunks[1:4] for entry in c["choices"][0]["logprobs"]["content"]]
    for chunk in chunks[1:4]:
        chunk["choices"][0]["logprobs"]["content"] = told


def _note(world: Any) -> Any:
    """The call of the custom tool."""
    return world["chat.tools.custom"].message["tool_calls"][0]


def _arriving(probe: str, at_ns: Callable[[int], int]) -> Change:
    """The bytes of a stream arrive at other times."""

    def apply(world: Any) -> None:
        world[probe].step, world[probe].at_ns = 50, at_ns

    return apply


SPOILT: list[tuple[str, Change]] = [
    *((f"chat.params.{name}", _answered(f"errors.{name}")) for name in WRONG),
    # bodies
    ("bodies.settled", _status("bodies.deep", 500)),
    ("bodies.settled", _status("bodies.bom", 500)),
    ("bodies.invalid-utf8", _answered("bodies.invalid-utf8")),
    ("bodies.deep", _answered("bodies.deep")),
    ("bodies.huge-number", _answered("bodies.huge-number")),
    ("bodies.nan", _answered("bodies.nan")),
    ("bodies.nul-kept", _answered("bodies.nul")),
    ("bodies.no-surrogate", _surrogate),
    ("bodies.gzip", _declined("bodies.gzip")),
    ("bodies.charset", _declined("bodies.charset")),
    ("bodies.expect", _declined("bodies.expect")),
    # http, auth
    ("http.unique-names", lambda w: setattr(w["chat.plain"], "body", b'{"id": "a", "id": "b"}')),
    ("http.unknown-query", _declined("http.query")),
    *((f"http.reuse.{n}", _status(f"http.reuse.{n}", 501)) for n in ("answer", "stranger", "lost", "head")),
    ("http.reuse.head", lambda w: w["http.reuse.head"].fail("protocol")),
    ("http.reuse.stream", lambda w: w["http.reuse.stream"].fail("truncated")),
    ("http.head", _status("http.head", 405)),
    ("http.head", lambda w: setattr(w["http.head"], "body", {})),
    ("http.large-headers", _status("http.large-header", 500)),
    ("auth.before-body", _declined("auth.no-key.malformed")),
    ("auth.before-model", _status("auth.no-key.unknown-model", 404)),
    ("auth.models", _status("auth.no-key.models", 200)),
    # chat
    ("chat.roles", _declined("chat.roles")),
    ("chat.null-options", _declined("chat.nulls.options")),
    ("chat.content-parts.roles", _declined("chat.content-parts.roles")),
    ("chat.tools.auto", _declined("chat.tools.auto")),
    ("chat.tools.bare", _declined("chat.tools.bare")),
    ("chat.tools.keywords", _declined("chat.tools.keywords")),
    ("chat.tools.history-without-content", _declined("chat.tools.history.without")),
    ("chat.tools.history-empty-content", _declined("chat.tools.history.empty")),
    ("errors.empty-messages.stream", _status("errors.empty-messages.stream", 200)),
    ("http.crashes.chat", _status("chat.nulls.options", 500)),
    ("http.crashes.tools", _status("chat.tools.keywords", 500)),
    ("http.crashes.completions", _status("completions.nulls", 500)),
    ("http.crashes.embeddings", _status("embeddings.base64", 500)),
    ("http.crashes.responses", _status("responses.items", 500)),
    ("chat.parts.unknown-refused", _answered("chat.parts.unknown")),
    ("chat.parts.settled", _status("chat.parts.audio", 500)),
    ("chat.unknown-parameter", _status("chat.unknown-parameter", 500)),
    ("chat.not-a-stream", lambda w: w.answers.update({"chat.plain": w["chat.stream"]})),
    ("chat.not-a-stream", _header("chat.plain", content_type="text/event-stream")),
    ("chat.id-unique", lambda w: w["chat.content-parts"].body.update(id=w["chat.plain"].body["id"])),
    ("chat.refusal.whole", _message("chat.refusal", content="I cannot.")),
    ("chat.refusal.whole", _message("chat.refusal", refusal=True)),
    ("chat.refusal.whole", lambda w: w["chat.refusal"].choice.update(finish_reason="content_filter")),
    ("chat.refusal.stream", _delta("chat.refusal.stream", 1, content="I can")),
    ("chat.stored", _answered("chat.stored")),
    # chat-options
    ("chat.params.accepted", _declined("chat.params")),
    ("chat.params.obfuscation", _declined("chat.obfuscation")),
    ("chat.params.reasoning-effort", _status("chat.reasoning-effort", 500)),
    ("chat.params.service-tier", lambda w: w["chat.params"].body.update(service_tier="wiremark")),
    ("chat.params.tier-used", lambda w: w["chat.params"].body.update(service_tier="auto")),
    ("chat.stop.stream", _delta("chat.stop.stream", 2, content="6 7 ")),
    ("chat.logprobs.stream", lambda w: w.answers.update({"chat.logprobs.stream": w["chat.stream"]})),
    ("chat.logprobs.stream", _doubled_logprobs),
    ("chat.seed.repeats", _message("chat.seed.again", content="Good day.")),
    ("chat.seed.stream", _delta("chat.seed.stream", 1, content="Good day.")),
    # chat-structured
    ("chat.json-schema.rich", _declined("chat.json-schema.rich")),
    ("chat.json-schema.rich-valid", _message("chat.json-schema.rich", content='{"trip": "Paris"}')),
    ("chat.json-schema.rich-valid", _message("chat.json-schema.rich", content="To Paris!")),
    ("chat.json-schema.stream-valid", _delta("chat.json-schema.stream", 1, content='{"city": "R')),
    ("chat.json-schema.cut", lambda w: w["chat.json-schema.cut"].choice.update(finish_reason="stop")),
    ("chat.json-schema.broken-refused", _answered("errors.json-schema")),
    ("chat.json.wordless", _status("chat.json.wordless", 500)),
    ("chat.vision.large", _status("chat.vision.large", 413)),
    ("chat.vision.broken-refused", _answered("chat.vision.broken")),
    ("chat.vision.broken-named", _error("chat.vision.broken", message="Invalid JSON.")),
    ("chat.vision.bare-url", _status("chat.vision.bare-url", 500)),
    # chat-tools
    ("chat.tools.rich.accepted", _declined("chat.tools.rich")),
    ("chat.tools.rich.valid", _arguments("chat.tools.rich", '{"trip": "Paris"}', "book_trip")),
    ("chat.tools.rich.valid", _arguments("chat.tools.rich", "Paris", "book_trip")),
    ("chat.tools.no-arguments", lambda w: w.chunks("chat.tools.no-arguments").pop(2)),
    ("chat.tools.allowed", _arguments("chat.tools.allowed", "{}")),
    ("chat.tools.allowed", _no_call("chat.tools.allowed")),
    ("chat.tools.single", _second_call),
    ("chat.tools.empty", _declined("chat.tools.empty")),
    ("chat.tools.custom", _no_call("chat.tools.custom")),
    ("chat.tools.custom.form", lambda w: _note(w).update(type="function")),
    ("chat.tools.custom.form", lambda w: _note(w).update(id="")),
    ("chat.tools.custom.form", lambda w: _note(w)["custom"].update(input={"text": "It rains."})),
    ("chat.tools.custom.finish-reason", lambda w: w["chat.tools.custom"].choice.update(finish_reason="stop")),
    ("chat.tools.custom.stream", lambda w: w["chat.tools.custom.stream"].delta(1).clear()),
    ("chat.tools.custom.stream", lambda w: w["chat.tools.custom.stream"].call(1).pop("id")),
    ("chat.tools.custom.stream", lambda w: w["chat.tools.custom.stream"].call(2).update(id="call_1")),
    ("chat.tools.custom.stream", lambda w: w["chat.tools.custom.stream"].call(2)["custom"].update(input=1)),
    ("chat.tools.custom.round-trip", _declined("chat.tools.custom.round-trip")),
    (
        "chat.tools.custom.grammar",
        lambda w: w["chat.tools.custom.grammar"].message["tool_calls"][0]["custom"].update(input="ABC"),
    ),
    ("chat.tools.functions", _answered("chat.tools.functions")),
    ("chat.tools.history", _declined("chat.tools.history")),
    ("chat.tools.missing-result", _answered("errors.missing-result")),
    ("chat.tools.unknown-result", _answered("errors.unknown-result")),
    ("chat.tools.with-format", _no_call("chat.tools.with-format")),
    # chat-reasoning
    ("chat.reasoning.echo-back", _declined("chat.reasoning.echo-back")),
    ("chat.reasoning.switches", _declined("chat.switches")),
    # errors
    ("errors.context-overflow", _answered("errors.context-overflow")),
    ("errors.context-overflow", _status("errors.context-overflow", 500)),
    ("errors.context-overflow.code", _error("errors.context-overflow", code=None)),
    ("errors.context-overflow.words", _error("errors.context-overflow", message="Bad request.")),
    # chat-stream
    ("chat.stream.lf", _reframed("chat.stream", lambda body: body.replace(b"\n", b"\r\n"))),
    (
        "chat.stream.comments-apart",
        _reframed("chat.stream", lambda b: b": ping\n" + b),
    ),
    ("chat.stream.separators", _reframed("chat.stream", lambda b: b.replace(b"Hel", "Hel\u2028".encode()))),
    ("chat.stream.identity", _header("chat.stream", content_encoding="gzip")),
    ("chat.stream.no-buffering", lambda w: w["chat.stream"].headers.pop("x-accel-buffering")),
    ("chat.stream.null-content", _delta("chat.stream", 0, content=None)),
    ("chat.stream.usage-on-choice", lambda w: w.chunks("chat.stream")[3].update(usage={"prompt_tokens": 9})),
    ("chat.stream.flowing", _arriving("billing.stream", lambda _: 4 * 10**9)),
    ("chat.stream.alive", _arriving("chat.stream", lambda at: 25 * 10**9 if at > 100 else at)),
    ("chat.stream.call-content", _delta("chat.tools.stream", 0, content="")),
    # readers, sdk
    ("readers.html-standard", _reframed("chat.stream", lambda body: body[:-1])),
    ("readers.openai-python", _reframed("chat.stream", lambda body: b"event: ping\n\n" + body)),
    ("readers.openai-node", _reframed("chat.stream", lambda body: body.replace(b"[DONE]", b"[DONE] "))),
    ("readers.agree", _reframed("chat.stream", lambda body: _FLAT_ERROR + body)),
    *((name, lambda w, name=name: w[name].body.update(finding="TypeError: no")) for name in SCENARIOS),
    # properties
    ("properties.settled", _status("properties.chat.any", 500)),
    ("properties.settled", lambda w: w["properties.chat.any"].fail("reset")),
    ("properties.valid", _declined("properties.chat.valid")),
    ("properties.invalid", _answered("properties.chat.invalid")),
    ("properties.invalid", lambda w: setattr(w["properties.chat.invalid"], "body", {"detail": "No."})),
    # limits, models
    ("limits.hints.retry-after-ms", _header("keys.throttled", retry_after_ms="1.5s")),
    ("limits.hints.should-retry", _header("keys.exhausted", x_should_retry="False")),
    ("limits.hints.ietf", _header("chat.plain", ratelimit='{"remaining": 50}')),
    ("limits.hints.strangers", lambda w: w["auth.no-key"].headers.update(LIMIT)),
    ("models.list.one-page", lambda w: w["models.list"].body.update(has_more=True)),
]
# Requirements that are about an endpoint which lets pages in.
FOR_PAGES: list[tuple[str, Change]] = [
    ("chat.vision.sample", _status("chat.vision.sample", 400)),
    ("chat.vision.internal-refused", _answered("chat.vision.internal.1")),
    ("cors.preflight", _status("cors.preflight.sdk", 401)),
    ("cors.preflight", lambda w: w["cors.preflight.sdk"].headers.pop("access-control-allow-origin")),
    ("cors.allow-headers", _header("cors.preflight.sdk", access_control_allow_headers="*")),
    ("cors.allow-headers", _header("cors.preflight.sdk", access_control_allow_headers="authorization")),
    ("cors.allow-methods", _header("cors.preflight.sdk", access_control_allow_methods="GET")),
    ("cors.answers", lambda w: w["cors.stream"].headers.pop("access-control-allow-origin")),
    ("cors.answers", lambda w: w["cors.refusal"].headers.pop("access-control-allow-origin")),
    ("cors.exposed", _header("cors.answer", access_control_expose_headers="x-other")),
]


def _is_found(world: Any, requirement: str, change: Change) -> None:
    assert world.judge(requirement).verdict is Verdict.PASS, world.judge(requirement).message
    change(world)
    judged = world.judge(requirement)
    finding = Verdict.FAIL if judged.requirement.level == "MUST" else Verdict.WARN
    assert (judged.verdict, bool(judged.message)) == (finding, True), judged.message


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{i}-{r}" for i, (r, _) in enumerate(SPOILT)]
)
def test_what_is_wrong_is_found(world: Any, requirement: str, change: Change) -> None:
    _is_found(world, requirement, change)


@pytest.mark.parametrize(
    ("requirement", "change"), FOR_PAGES, ids=[f"{i}-{r}" for i, (r, _) in enumerate(FOR_PAGES)]
)
def test_what_pages_would_trip_over_is_found(pages: Any, requirement: str, change: Change) -> None:
    _is_found(pages, requirement, change)


def test_a_custom_tool_may_be_called_or_refused(world: Any) -> None:
    assert world.judge("chat.tools.custom").verdict is Verdict.PASS
    _declined("chat.tools.custom")(world)
    assert world.judge("chat.tools.custom").verdict is Verdict.PASS
    assert world.judge("chat.tools.custom.form").verdict is Verdict.NOT_TESTABLE


def test_the_whole_document_within_the_budget_is_not_judged(world: Any) -> None:
    world["chat.json-schema.cut"].message["content"] = json.dumps({"city": "Oslo", "sunny": True})
    assert world.judge("chat.json-schema.cut").verdict is Verdict.NOT_TESTABLE

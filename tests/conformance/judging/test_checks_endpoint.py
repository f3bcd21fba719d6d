"""Each requirement on refusals, keys, limits, books and models, spoilt in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance.probes.table import WRONG_KEY
from wiremark_reports.record import Verdict

Change = Callable[[Any], object]


def _status(probe: str, status: int) -> Change:
    return lambda w: setattr(w[probe], "status", status)


def _answered(probe: str) -> Change:
    """Answered like a good request."""
    return lambda w: w.answers.update({probe: w["chat.plain"]})


def _error(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["error"].update(values)


def _header(probe: str, name: str, value: str | None) -> Change:
    def apply(world: Any) -> None:
        if value is None:
            del world[probe].headers[name]
        else:
            world[probe].headers[name] = value

    return apply


def _entry(**values: Any) -> Change:
    return lambda w: w["models.list"].body["data"][1].update(values)


def _first(**values: Any) -> Change:
    return lambda w: w["models.list"].body["data"][0].update(values)


def _too_much_said(world: Any) -> None:
    _answered("context.max-tokens")(world)
    world["context.max-tokens"].body["usage"]["completion_tokens"] = 8193


def _row(probe: str, **values: Any) -> Change:
    return lambda w: w.row(probe).update(values)


def _no_row(probe: str) -> Change:
    return lambda w: w.rows().remove(w.row(probe))


def _same_remaining(world: Any) -> None:
    for answer in world.answers.values():
        answer.headers["x-ratelimit-remaining-requests"] = "59"


def _plain_text(probe: str) -> Change:
    def apply(world: Any) -> None:
        world[probe].body = b"Internal Server Error"

    return apply


def _body(probe: str, body: Any) -> Change:
    return lambda w: setattr(w[probe], "body", body)


TRACE = 'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in main'
LEFT = "x-ratelimit-remaining-requests"
RESET = "x-ratelimit-reset-requests"
ALLOW = "access-control-allow-origin"

YEAR_2100 = 4_102_444_800

SPOILT: list[tuple[str, Change]] = [
    # models
    ("models.list.accepted", _status("models.list", 404)),
    ("models.list.object", lambda w: w["models.list"].body.pop("object")),
    ("models.list.object", lambda w: w["models.list"].body.update(data={})),
    ("models.list.id", _entry(id="")),
    ("models.list.id", lambda w: w["models.list"].body["data"].append("gpt")),
    ("models.list.entry-object", _entry(object="engine")),
    ("models.list.created", _entry(created="2025-12-01")),
    ("models.list.created", _entry(created=1764547200000)),
    ("models.list.created", _entry(created=YEAR_2100)),
    ("models.list.contains-model", lambda w: w["models.list"].body["data"].clear()),
    ("models.list.catalogue", lambda w: w["models.list"].body["data"].clear()),
    ("models.list.owned-by", _entry(owned_by=None)),
    ("models.list.unique", _entry(id="deepseek-v4-flash")),
    ("models.list.contains-model", lambda w: w["models.list"].body["data"].pop(0)),
    ("models.list.catalogue", lambda w: w["models.list"].body["data"].pop(1)),
    ("models.list.extensions", lambda w: w["models.list"].body["data"][0].pop("supports_tools")),
    ("models.list.extensions", _entry(supports_tools=True)),
    ("models.get.accepted", _status("models.get", 404)),
    ("models.get.same-model", lambda w: w["models.get"].body.update(id="other")),
    ("models.get.object", lambda w: w["models.get"].body.update(object="list")),
    ("models.get.slash", _status("models.get.slash", 404)),
    ("models.get.slash", lambda w: w["models.get.slash"].body.update(id="vectors")),
    ("models.get.unknown", _status("models.get.unknown", 400)),
    ("models.get.unknown", lambda w: w.answers.update({"models.get.unknown": w["models.get"]})),
    ("models.get.unknown-code", _error("models.get.unknown", code=None)),
    # errors
    ("errors.envelope.object", _plain_text("errors.malformed-json")),
    ("errors.envelope.object", _body("errors.unknown-route", {"detail": "Not Found"})),
    ("errors.envelope.object", _body("limits.body", b"<html>413</html>")),
    ("errors.envelope.object", _body("keys.throttled", b"")),
    ("errors.envelope.object", _body("auth.no-key", {"error": "no key"})),
    ("errors.envelope.message", _error("errors.no-messages", message="")),
    ("errors.envelope.message", _error("errors.no-messages", message=["messages"])),
    ("errors.envelope.type", _error("errors.unknown-model", type=None)),
    ("errors.envelope.keys", lambda w: w["errors.method"].body["error"].pop("param")),
    ("errors.envelope.code", _error("errors.malformed-json", code=400)),
    ("errors.content-type", _header("errors.unknown-route", "content-type", "text/html")),
    ("errors.no-internals", _error("errors.messages-type", message=TRACE)),
    ("errors.no-server-error", _status("errors.temperature", 500)),
    ("errors.validation-status", _status("errors.no-messages", 422)),
    ("errors.malformed-json", _answered("errors.malformed-json")),
    ("errors.malformed-json", _status("errors.malformed-json", 500)),
    ("errors.not-an-object", _status("errors.not-an-object", 500)),
    ("errors.no-messages", _status("errors.no-messages", 500)),
    ("errors.empty-messages", _answered("errors.empty-messages")),
    ("errors.messages-type", _status("errors.messages-type", 500)),
    ("errors.temperature", _answered("errors.temperature")),
    ("errors.tool-choice", _answered("errors.tool-choice")),
    ("errors.unknown-model.refused", _answered("errors.unknown-model")),
    ("errors.unknown-model.refused", _status("errors.unknown-model", 500)),
    ("errors.unknown-model.status", _status("errors.unknown-model", 400)),
    ("errors.unknown-model.code", _error("errors.unknown-model", code=None)),
    ("errors.unknown-model.stream", _status("errors.unknown-model.stream", 200)),
    ("errors.unknown-route", _status("errors.unknown-route", 200)),
    ("errors.method", _status("errors.method", 404)),
    ("errors.method-allow", _header("errors.method", "allow", None)),
    ("errors.media-type", _answered("errors.media-type")),
    # contract
    ("contract.errors.malformed-json", _status("errors.malformed-json", 422)),
    ("contract.errors.malformed-json", _error("errors.malformed-json", code="bad_json")),
    ("contract.errors.invalid-request", _error("errors.no-messages", type="validation_error")),
    ("contract.errors.unknown-model", _error("errors.unknown-model", code="no_model")),
    ("contract.errors.unknown-route", _error("errors.unknown-route", code=None)),
    ("contract.errors.method", _status("errors.method", 404)),
    ("contract.errors.media-type", _status("errors.media-type", 400)),
    ("contract.errors.missing-key", _error("auth.no-key", code="invalid_api_key")),
    ("contract.errors.wrong-key", _error("auth.wrong-key", code=None)),
    ("contract.errors.revoked-key", _error("keys.revoked", code="revoked")),
    ("contract.errors.body-too-large", _error("limits.body", code=None)),
    ("contract.errors.rate-limited", _error("keys.throttled", type="rate_limit_error")),
    ("contract.errors.insufficient-credits", _status("keys.exhausted", 429)),
    ("contract.errors.monthly-cap", _error("keys.capped", code="rate_limit_exceeded")),
    ("contract.errors.model-not-allowed", _status("keys.restricted", 404)),
    ("contract.errors.tools-not-supported", _error("chat.tools.text-only", code=None)),
    ("contract.errors.vision-not-supported", _answered("chat.vision.text-only")),
    # auth
    ("auth.missing-key", _answered("auth.no-key")),
    ("auth.missing-key", _status("auth.no-key", 403)),
    ("auth.wrong-key", _answered("auth.wrong-key")),
    ("auth.wrong-key-code", _error("auth.wrong-key", code="wrong")),
    ("auth.challenge", _header("auth.no-key", "www-authenticate", None)),
    ("auth.scheme-case", _status("models.get", 401)),
    ("auth.no-echo", _error("auth.wrong-key", message=f"bad key hermes_pk_{WRONG_KEY}")),
    ("auth.revoked-key", _answered("keys.revoked")),
    ("auth.restricted-model", _answered("keys.restricted")),
    # limits
    ("limits.body.length", _status("limits.body", 400)),
    ("limits.body.length", _answered("limits.body")),
    ("limits.body.chunked", _answered("limits.body.chunked")),
    ("limits.headers.present", _header("chat.plain", LEFT, None)),
    ("limits.headers.present", _header("chat.stream", RESET, None)),
    ("limits.headers.integers", _header("chat.plain", LEFT, "59.5")),
    ("limits.headers.integers", _header("chat.plain", LEFT, "-1")),
    ("limits.headers.within", _header("chat.plain", LEFT, "1001")),
    ("limits.headers.durations", _header("chat.plain", RESET, "1764547200")),
    ("limits.headers.durations", _header("chat.plain", RESET, "")),
    ("limits.headers.counting", _same_remaining),
    ("limits.rate.status", _answered("keys.throttled")),
    ("limits.rate.status", _status("keys.throttled", 503)),
    ("limits.rate.retry-after", _header("keys.throttled", "retry-after", None)),
    ("limits.rate.retry-after", _header("keys.throttled", "retry-after", "0")),
    ("limits.rate.retry-after", _header("keys.throttled", "retry-after", "1.5")),
    ("limits.rate.retry-soon", _header("keys.throttled", "retry-after", "61")),
    ("limits.rate.headers", _header("keys.throttled", LEFT, "3")),
    ("limits.credits.refused", _answered("keys.exhausted")),
    ("limits.credits.no-retry", _header("keys.exhausted", "retry-after", "5")),
    ("limits.cap.refused", _answered("keys.capped")),
    ("limits.cap.no-retry", _header("keys.capped", "retry-after", "5")),
    # ids
    ("ids.success", _header("chat.plain", "x-request-id", None)),
    ("ids.errors", _header("errors.unknown-route", "x-request-id", None)),
    ("ids.streams", _header("chat.stream", "x-request-id", None)),
    ("ids.unique", _header("chat.stream", "x-request-id", "req-chat.plain")),
    # http
    ("http.json-content-type", _header("chat.plain", "content-type", "text/plain")),
    ("http.json-content-type", _header("models.list", "content-type", None)),
    ("http.json-body", _body("models.list", b"")),
    ("http.json-body", _body("chat.plain", b'{"created": NaN}')),
    ("http.json-body", _body("chat.plain", b'{"id": "\xff"}')),
    ("http.json-object", _body("models.list", b"[]")),
    ("http.json-object", _body("chat.plain", b"null")),
    ("http.json-object", _body("embeddings.plain", b'"{}"')),
    ("http.json-object", _body("billing.balance", b"1")),
    ("http.complete", lambda w: w["models.list"].fail("truncated")),
    ("http.no-redirect", _status("chat.plain", 302)),
    ("http.status-200", _status("chat.plain", 201)),
    ("http.unknown-headers", _status("models.get", 400)),
    # billing
    ("billing.usage.accepted", _status("billing.usage", 404)),
    ("billing.usage.schema", _row("chat.plain", amount_microusd=4.48)),
    ("billing.balance.accepted", _status("billing.balance", 404)),
    ("billing.balance.schema", lambda w: w["billing.balance"].body.update(balance_microusd="0.001")),
    ("billing.rows-unique", lambda w: w.rows().append(w.row("chat.plain"))),
    ("billing.plain.recorded", _no_row("chat.plain")),
    ("billing.plain.recorded", _row("chat.plain", state="held")),
    ("billing.plain.tokens", _row("chat.plain", prompt_tokens=19)),
    ("billing.plain.charge", _row("chat.plain", amount_microusd=4)),
    ("billing.plain.charge", _row("chat.plain", amount_microusd=6)),
    ("billing.stream.recorded", _no_row("billing.stream")),
    ("billing.stream.tokens", _row("billing.stream", completion_tokens=0)),
    ("billing.stream.charge", _row("billing.stream", amount_microusd=0)),
    ("billing.tools.recorded", _no_row("chat.tools.forced")),
    ("billing.tools.tokens", _row("chat.tools.forced", completion_tokens=5)),
    ("billing.tools.charge", _row("chat.tools.forced", amount_microusd=10)),
    ("billing.completions.recorded", _no_row("completions.plain")),
    ("billing.completions.tokens", _row("completions.plain", completion_tokens=5)),
    ("billing.completions.charge", _row("completions.plain", amount_microusd=6)),
    ("billing.embeddings.recorded", _no_row("embeddings.batch")),
    ("billing.embeddings.tokens", _row("embeddings.batch", prompt_tokens=6)),
    ("billing.embeddings.tokens", _row("embeddings.batch", completion_tokens=20)),
    ("billing.embeddings.charge", _row("embeddings.batch", amount_microusd=3)),
    ("billing.refused-free", _row("errors.unknown-model", amount_microusd=1)),
    ("billing.cached-free", _row("cache.repeat", amount_microusd=5)),
    # cors
    ("cors.preflight-denied", _header("cors.preflight", ALLOW, "*")),
    ("cors.answers-denied", _header("models.list", ALLOW, "https://wiremark.invalid")),
    (
        "cors.no-credentials",
        lambda w: w["cors.preflight"].headers.update(
            {ALLOW: "https://wiremark.invalid", "access-control-allow-credentials": "true"}
        ),
    ),
    # promises of single systems
    ("models.list.live", _entry(available="yes")),
    ("models.list.live", _entry(usd="0.01")),
    ("models.list.live", _entry(credits=1)),
    ("models.list.live", lambda w: w["models.list"].body["data"][1].pop("available")),
    ("models.available.served", _status("chat.plain", 503)),
    ("models.available.refused", _answered("models.unavailable")),
    ("contract.errors.no-worker", _error("models.unavailable", code="busy")),
    ("contract.errors.disabled-key", _error("keys.disabled", code="invalid_api_key")),
    ("auth.disabled-key", _answered("keys.disabled")),
    ("auth.disabled-key-clear", _error("keys.disabled", message="Wrong key.")),
    ("models.list.empty-json", _status("models.list.empty-json", 400)),
    ("idempotency.replayed", lambda w: w["idempotency.again"].message.update(content="Hi!")),
    ("idempotency.one-body", _answered("idempotency.other")),
    ("idempotency.one-body", _status("idempotency.other", 409)),
    ("limits.day.status", _answered("keys.daily")),
    ("limits.day.status", _status("keys.daily", 402)),
    ("limits.day.retry-after", _header("keys.daily", "retry-after", None)),
    ("limits.day.retry-after", _header("keys.daily", "retry-after", "0")),
    ("limits.day.retry-after", _header("keys.daily", "retry-after", "86401")),
    ("limits.day.promised", _header("keys.daily", "x-ratelimit-limit-requests", "60")),
    ("contract.errors.rate-limited-day", _error("keys.daily", code="insufficient_quota")),
    ("limits.rate.promised", _header("keys.throttled", "x-ratelimit-limit-requests", "61")),
    ("billing.round-trip.charge", _row("chat.tools.round-trip", amount_microusd=0)),
    ("billing.other-model.charge", _row("chat.other-model", amount_microusd=5)),
    ("billing.long.charge", _row("billing.long", amount_microusd=6)),
    ("billing.reasoning.charge", _row("chat.reasoning", amount_microusd=150_000)),
    ("privacy.usage-rows", _row("chat.plain", note="Hello there.")),
    ("privacy.usage-rows", _row("chat.plain", note="asked: Say hello.")),
    ("errors.no-key-name", _status("errors.no-key-name", 500)),
    ("errors.no-key-name", _answered("errors.no-key-name")),
    ("errors.no-key-name-clear", _error("errors.no-key-name", message="Bad request.")),
    ("contract.errors.no-key-name", _status("errors.no-key-name", 422)),
    # context, routing, providers
    ("context.prompt.refused", _answered("context.prompt")),
    ("contract.errors.context-length", _error("context.prompt", code="too_long")),
    ("context.max-tokens.bounded", _status("context.max-tokens", 500)),
    ("context.max-tokens.bounded", _too_much_said),
    ("routing.provider-told", lambda w: w["chat.plain"].body.pop("provider")),
    ("routing.provider-told", lambda w: w["chat.plain"].body.update(provider="west")),
    ("routing.provider-told", lambda w: w.chunks("chat.stream")[2].pop("provider")),
    ("routing.explicit.accepted", _status("routing.explicit", 400)),
    ("routing.explicit.obeyed", lambda w: w["routing.explicit"].body.update(provider="north")),
    ("routing.unknown.refused", _answered("routing.unknown")),
    ("routing.unavailable.refused", _answered("routing.unavailable")),
    ("routing.unavailable.refused", _status("routing.unavailable", 400)),
    ("routing.failover.accepted", _status("routing.failover", 503)),
    ("routing.failover.other", lambda w: w["routing.failover"].body.update(provider="gone")),
    ("routing.best", lambda w: w["routing.automatic"].body.update(provider="south")),
    ("providers.page.told", _status("providers.page", 404)),
    ("providers.page.told", _body("providers.page", b"<td>north")),
    ("answer.answer-fields", lambda w: w["chat.tools.forced"].body.pop("system_fingerprint")),
    ("providers.health.accepted", _status("providers.list", 404)),
    ("providers.health.schema", lambda w: w["providers.list"].body["data"][0].pop("state")),
    ("providers.health.complete", lambda w: w["providers.list"].body["data"].pop(1)),
    ("providers.health.counted", lambda w: w["providers.list"].body["data"][0].update(requests=0)),
    ("providers.latency.accepted", _status("providers.latency", 404)),
    ("providers.latency.schema", lambda w: w["providers.latency"].body.pop("provider")),
    ("providers.latency.remembered", lambda w: w["providers.latency"].body["data"].clear()),
    ("providers.prices.accepted", _status("prices.list", 404)),
    ("providers.prices.schema", lambda w: w["prices.list"].body["data"][0].pop("available")),
    (
        "providers.prices.promised",
        lambda w: w["prices.list"].body["data"][0].update(input_usd_per_million=0.2),
    ),
    ("providers.prices.sorted", lambda w: w["prices.list"].body["data"].reverse()),
    ("models.list.live", _entry(context=1)),
    ("models.list.live", _entry(output=1)),
    ("models.list.live", _entry(type="vision")),
    ("models.list.live", _first(provider="west")),
    ("models.list.live", _first(latency="fast")),
    ("models.list.live", _first(input_cost=0.2)),
    ("models.list.live", _first(output_cost=0.2)),
    ("models.list.live", lambda w: w["models.list"].body["data"][0]["providers"][1].pop("available")),
    # openapi
    ("openapi.published", _status("openapi", 404)),
    ("openapi.form", lambda w: w["openapi"].body.update(openapi="2.0")),
    ("openapi.form", lambda w: w["openapi"].body["info"].pop("version")),
    ("openapi.form", lambda w: w["openapi"].body.update(paths={})),
    ("openapi.chat", lambda w: w["openapi"].body.pop("servers")),
    ("openapi.chat", lambda w: w["openapi"].body["paths"]["/chat/completions"].pop("post")),
    (
        "openapi.chat-required",
        lambda w: w["openapi"].body["components"]["schemas"]["Chat"]["required"].append("max_tokens"),
    ),
    # cache
    ("cache.status-header", _header("chat.plain", "x-cache", None)),
    ("cache.repeat-hit", _header("cache.repeat", "x-cache", "miss")),
    ("cache.same-answer", lambda w: w["cache.repeat"].message.update(content="Something else.")),
    ("cache.tools-bypass", _header("chat.tools.forced", "x-cache", "miss")),
]


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{i}-{r}" for i, (r, _) in enumerate(SPOILT)]
)
def test_what_is_wrong_is_found(world: Any, requirement: str, change: Change) -> None:
    assert world.judge(requirement).verdict is Verdict.PASS
    change(world)
    judged = world.judge(requirement)
    finding = Verdict.FAIL if judged.requirement.level == "MUST" else Verdict.WARN
    assert (judged.verdict, bool(judged.message)) == (finding, True), judged.message

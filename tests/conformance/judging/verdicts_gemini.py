"""Gemini: what exactly is a finding, what is none, and what cannot be told."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.judging import good_gemini as good
from tests.conformance.judging.other_surfaces import LONG, OTHER
from tests.conformance.judging.spoiling import (
    Change,
    body,
    error,
    header,
    raw,
    status,
    stream,
    together,
    without,
)

PLAIN, STREAM, FORCED = "gemini.plain", "gemini.stream", "gemini.functions.forced"
_NO_KEY, _WRONG_KEY, _THROTTLED = "gemini.auth.no-key", "gemini.auth.wrong-key", "gemini.keys.throttled"


def _usage(**values: Any) -> Change:
    return lambda w: w[PLAIN].body["usageMetadata"].update(values)


def _candidate(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["candidates"][0].update(values)


def _result(**values: Any) -> Change:
    """Other log probabilities."""
    return lambda w: w["gemini.logprobs"].body["candidates"][0]["logprobsResult"].update(values)


def _signed(signature: str) -> Change:
    return lambda w: (
        w["gemini.functions.thinking"]
        .body["candidates"][0]["content"]["parts"][-1]
        .update(thoughtSignature=signature)
    )


def _delay(told: Any) -> Change:
    return error(_THROTTLED, details=[{"@type": f"{good.DETAIL}RetryInfo", "retryDelay": told}])


def _failure(value: Any) -> Change:
    return stream(STREAM, good.chunk(good.said("Hel")), f"{json.dumps(value)}")


def _told(*texts: str) -> Change:
    return stream(STREAM, *good.chunks(*texts))


def _calls(*counts: int) -> Change:
    """So many calls in each of as many candidates."""
    return raw(
        "gemini.functions.parallel",
        good.response(
            *(
                good.candidate(*([good.CALL] * count or [good.said("No.")]), index=index, finishReason="STOP")
                for index, count in enumerate(counts)
            )
        ),
    )


def _listed(probe: str, count: int, **more: Any) -> Change:
    """The first so many models."""
    return lambda w: w[probe].body.update(models=w["gemini.models.list"].body["models"][:count], **more)


TABLE: list[tuple[str, Change, str]] = [
    # keys and limits
    *(
        ("gemini.auth.missing-key", status(_NO_KEY, code), said)
        for code, said in ((401, "pass"), (402, "finding"))
    ),
    *(
        ("gemini.auth.wrong-key", status(_WRONG_KEY, code), said)
        for code, said in ((401, "pass"), (403, "pass"), (402, "finding"), (404, "finding"))
    ),
    ("gemini.auth.wrong-key.reason", error(_WRONG_KEY, details=["x.ErrorInfo"]), "finding"),
    ("gemini.auth.no-echo", raw(_WRONG_KEY, b"\xff"), "pass"),
    ("gemini.auth.before-body", status("gemini.auth.no-key.malformed", 401), "pass"),
    ("gemini.auth.before-body", status("gemini.auth.no-key.malformed", 400), "finding"),
    ("gemini.keys.restricted", status("gemini.keys.restricted", 404), "pass"),
    ("gemini.keys.restricted", status("gemini.keys.restricted", 405), "finding"),
    *(
        ("gemini.limits.throttled.delay", _delay(told), said)
        for told, said in (
            ("0.5s", "pass"),
            ("1s", "pass"),
            ("0s", "finding"),
            ("1.5.5s", "finding"),
            ("-5s", "finding"),
            ("5", "finding"),
            (5, "finding"),
            ("s", "finding"),
        )
    ),
    *(
        ("gemini.limits.throttled.retry-after", header(_THROTTLED, "retry-after", told), said)
        for told, said in (
            ("1", "pass"),
            ("0", "finding"),
            ("60", "pass"),
            ("61", "finding"),
            ("0000000037", "finding"),
            ("000000037", "pass"),
            ("\u0663", "finding"),
            (None, "finding"),
        )
    ),
    *(
        ("gemini.limits.exhausted", status("gemini.keys.exhausted", code), said)
        for code, said in ((402, "pass"), (403, "pass"), (404, "finding"))
    ),
    # errors
    ("gemini.errors.method", status("gemini.errors.method", 404), "pass"),
    ("gemini.errors.method", status("gemini.errors.method", 501), "pass"),
    ("gemini.errors.method", status("gemini.errors.method", 400), "finding"),
    ("gemini.errors.status-agrees", error("gemini.errors.temperature", status="BAD"), "pass"),
    ("gemini.errors.status-agrees", error("gemini.errors.temperature", status=["x"]), "pass"),
    ("gemini.errors.status-agrees", status("gemini.errors.temperature", 418), "pass"),
    ("gemini.errors.details", without("gemini.errors.temperature", "error", "details"), "pass"),
    ("gemini.limits.body", status("gemini.limits.body", 400), "pass"),
    ("gemini.limits.body", status("gemini.limits.body", 401), "finding"),
    # models, counts, vectors
    ("gemini.models.list.contains-model", body("gemini.models.list", models=[]), "finding"),
    ("gemini.models.list.contains-model", body("gemini.models.list", models=[], nextPageToken="1"), "pass"),
    ("gemini.models.list.names", body("gemini.models.list", models="x"), "untestable"),
    ("gemini.models.list.names", body("gemini.models.list", models=["x"]), "untestable"),
    (
        "gemini.models.page.size",
        together(_listed("gemini.models.list", 2), _listed("gemini.models.page", 2)),
        "finding",
    ),
    ("gemini.models.page.size", _listed("gemini.models.list", 1), "undeclared"),
    ("gemini.models.page.token", together(_listed("gemini.models.list", 1)), "untestable"),
    (
        "gemini.models.page.token",
        together(_listed("gemini.models.list", 2), body("gemini.models.page", nextPageToken=None)),
        "finding",
    ),
    ("gemini.count.total", body("gemini.count", totalTokens=1), "pass"),
    ("gemini.count.total", body("gemini.count", totalTokens=0), "finding"),
    (
        "gemini.embed.batch.order",
        body("gemini.embed.batch", embeddings=[{"values": list(LONG)}]),
        "untestable",
    ),
    (
        "gemini.embed.batch.order",
        body(
            "gemini.embed.batch", embeddings=[{"values": ["x"]}, {"values": list(OTHER)}, {"values": ["x"]}]
        ),
        "untestable",
    ),
    ("gemini.models.get.name", body("gemini.models.get", name=["x"]), "finding"),
    ("gemini.models.list.contains-model", body("gemini.models.list", models=[{"name": ["x"]}]), "finding"),
    # functions
    ("gemini.functions.finish-reason", _candidate(FORCED, finishReason="MAX_TOKENS"), "pass"),
    ("gemini.functions.finish-reason", _candidate(FORCED, finishReason="OTHER"), "finding"),
    ("gemini.functions.parallel.called", _calls(2), "pass"),
    ("gemini.functions.parallel.called", _calls(2, 0), "pass"),
    ("gemini.functions.parallel.called", _calls(1, 1), "finding"),
    ("gemini.functions.parallel.called", _calls(1, 0), "untestable"),
    # streams
    ("gemini.stream.no-done", stream(STREAM, *good.chunks(), b"event: x\n\n"), "pass"),
    ("gemini.stream.increments", _told("a", "ab", "abc"), "finding"),
    ("gemini.stream.increments", _told("a", "ab"), "pass"),
    ("gemini.stream.increments", _told("a", "a", "a"), "pass"),
    (
        "gemini.stream.finish-last",
        stream(STREAM, good.chunk(good.said("a"), finish="STOP"), good.chunk(good.said("b"), finish="STOP")),
        "finding",
    ),
    *(
        ("gemini.stream.errors", _failure(told), said)
        for told, said in (
            ({"error": {"code": 400, "message": "No."}}, "pass"),
            ({"error": {"code": 599, "message": "No."}}, "pass"),
            ({"error": {"code": 399, "message": "No."}}, "finding"),
            ({"error": {"code": 600, "message": "No."}}, "finding"),
            ({"error": {"code": "400", "message": "No."}}, "finding"),
            ({"error": "No."}, "finding"),
            ({"note": "x", "error": {"code": 400, "message": "No."}}, "finding"),
        )
    ),
    ("gemini.stream.array.types", raw("gemini.stream.array", {"x": 1}), "untestable"),
    ("gemini.stream.array.types", raw("gemini.stream.array", b"[{"), "untestable"),
    ("gemini.stream.array.form", raw("gemini.stream.array", {"x": 1}), "finding"),
    ("gemini.stream.array.form", raw("gemini.stream.array", []), "finding"),
    ("gemini.stream.array.form", raw("gemini.stream.array", ["x"]), "finding"),
    ("gemini.stream.array.form", raw("gemini.stream.array", b"[{"), "finding"),
    ("gemini.thoughts.signature", _signed("EqQ-_gIYAg"), "pass"),
    ("gemini.thoughts.signature", _signed("EqQ+/gIYAg=="), "pass"),
    ("gemini.thoughts.signature", _signed("EqQBCgIYA"), "finding"),
    ("gemini.thoughts.signature", _signed("EqQB CgIYAg"), "finding"),
    ("gemini.thoughts.signature", _signed("EqQBCgIYXé"), "finding"),
    # answers
    ("gemini.parts", _candidate(PLAIN, content={"role": "model", "parts": ["x"]}), "finding"),
    ("gemini.parts", _candidate(PLAIN, content={"role": "model", "parts": {"text": "x"}}), "finding"),
    ("gemini.response-id.unique", body(PLAIN, responseId=""), "untestable"),
    ("gemini.response-id.unique", body("gemini.candidates", responseId=5), "untestable"),
    ("gemini.stop.finish-reason", _candidate("gemini.stop", finishReason="MAX_TOKENS"), "pass"),
    ("gemini.stop.finish-reason", _candidate("gemini.stop", finishReason="OTHER"), "finding"),
    ("gemini.stop.finish-reason", _candidate("gemini.stop", finishReason=["STOP"]), "finding"),
    ("gemini.safety.answer", _candidate("gemini.safety.answer", finishReason=["SAFETY"]), "finding"),
    ("gemini.logprobs.values", _result(chosenCandidates=[]), "untestable"),
    ("gemini.logprobs.values", _result(chosenCandidates="x"), "untestable"),
    ("gemini.logprobs.values", _result(chosenCandidates=[{"token": "x", "logProbability": 1e-6}]), "pass"),
    ("gemini.logprobs.values", _result(chosenCandidates=[{"token": "x", "logProbability": 1e-3}]), "finding"),
    ("gemini.logprobs.values", _result(chosenCandidates=["x"]), "finding"),
    *(
        ("gemini.safety.answer", _candidate("gemini.safety.answer", finishReason=reason), "pass")
        for reason in ("BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION")
    ),
    ("gemini.safety.answer", _candidate("gemini.safety.answer", finishReason="STOP"), "finding"),
    ("gemini.usage.total", _usage(toolUsePromptTokenCount=4, totalTokenCount=30), "pass"),
    ("gemini.usage.total", _usage(toolUsePromptTokenCount=4), "finding"),
    ("gemini.usage.positive", _usage(promptTokenCount=1), "pass"),
    ("gemini.usage.positive", _usage(promptTokenCount=0), "finding"),
    ("gemini.usage.positive", _usage(candidatesTokenCount=1), "pass"),
    ("gemini.usage.positive", _usage(candidatesTokenCount=0), "finding"),
    ("gemini.usage.cached", _usage(promptTokenCount=0), "pass"),
    ("gemini.usage.cached", _usage(cachedContentTokenCount=20), "pass"),
    ("gemini.usage.cached", _usage(cachedContentTokenCount=21), "finding"),
]

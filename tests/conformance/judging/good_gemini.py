"""What a well-behaved endpoint answers to the probes of Google's Gemini format."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_conformance.probes import PROBES
from wiremark_conformance.probes.gemini_endpoint import NO_MODEL

from tests.conformance.judging.other_surfaces import LONG, OTHER

MODEL = "deepseek-v4-flash"
USAGE = {"promptTokenCount": 20, "candidatesTokenCount": 6, "totalTokenCount": 26}
USED_UP = {"promptTokenCount": 20, "candidatesTokenCount": 8, "totalTokenCount": 28}
THOUGHT = {"text": "A dozen is 12.", "thought": True}
CALL = {"functionCall": {"id": "call_1", "name": "get_weather", "args": {"city": "Paris"}}}
SIGNED = {**CALL, "thoughtSignature": "EqQBCgIYAg=="}
DETAIL = "type.googleapis.com/google.rpc."

Given = dict[str, Any]
"""Status, headers and body of an answer."""


def said(text: str) -> dict[str, Any]:
    return {"text": text}


def candidate(*parts: Mapping[str, Any], index: int = 0, **more: Any) -> dict[str, Any]:
    content = {"parts": [copy.deepcopy(dict(part)) for part in parts], "role": "model"}
    return {"content": content, "index": index, **more}


def response(*candidates: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    found = {"candidates": [dict(one) for one in candidates]} if candidates else {}
    return {**found, "usageMetadata": dict(USAGE), "modelVersion": MODEL, "responseId": "r-1", **more}


def whole(*parts: Mapping[str, Any], finish: str = "STOP", **more: Any) -> dict[str, Any]:
    """A whole answer of one candidate; without parts, a greeting."""
    return response(candidate(*(parts or (said("Hello there."),)), finishReason=finish), **more)


def chunk(*parts: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of a stream; only the last has a finish reason, and the usage."""
    if finish is not None:
        return whole(*parts, finish=finish, **more)
    found = response(candidate(*parts), **more)
    del found["usageMetadata"]
    return found


def chunks(*texts: str, finish: str = "STOP") -> list[Any]:
    told = texts or ("Hel", "lo ", "there", ".")
    return [*(chunk(said(text)) for text in told[:-1]), chunk(said(told[-1]), finish=finish)]


def error(status: int, kind: str, message: str = "No.", *details: Mapping[str, Any]) -> Given:
    envelope = {"code": status, "message": message, "status": kind, "details": [dict(one) for one in details]}
    return {"status": status, "headers": {"content-type": "application/json"}, "body": {"error": envelope}}


def _json(body: Any) -> Given:
    return {"headers": {"content-type": "application/json; charset=UTF-8"}, "body": body}


def _stream(told: list[Any]) -> Given:
    return {"headers": {"content-type": "text/event-stream"}, "chunks": told}


def _invalid(message: str = "No.") -> Given:
    violation = {"@type": f"{DETAIL}BadRequest", "fieldViolations": [{"field": "contents"}]}
    return error(400, "INVALID_ARGUMENT", message, violation)


def _wrong_key() -> Given:
    reason = {"@type": f"{DETAIL}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    return error(400, "INVALID_ARGUMENT", "API key not valid.", reason)


def _throttled() -> Given:
    quota = {"@type": f"{DETAIL}QuotaFailure", "violations": [{"quotaId": "requests"}]}
    delay = {"@type": f"{DETAIL}RetryInfo", "retryDelay": "37s"}
    given = error(429, "RESOURCE_EXHAUSTED", "Too many.", quota, delay)
    given["headers"]["retry-after"] = "37"
    return given


def _missing() -> Given:
    return error(404, "NOT_FOUND", f"models/{NO_MODEL} is not found.")


def _entry(model: str) -> dict[str, Any]:
    return {
        "name": f"models/{model}",
        "displayName": model,
        "inputTokenLimit": 1000,
        "outputTokenLimit": 100,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


def _logprobs() -> dict[str, Any]:
    tokens = [{"token": text, "logProbability": -0.1} for text in ("Hello", " there", ".")]
    top = [{"candidates": [token, {"token": "x", "logProbability": -2.0}]} for token in tokens]
    return {"chosenCandidates": tokens, "topCandidates": top}


def _vector(vector: Sequence[float]) -> dict[str, Any]:
    return {"values": list(vector)}


def _thinking(*parts: Mapping[str, Any]) -> dict[str, Any]:
    usage = {**USAGE, "thoughtsTokenCount": 4, "totalTokenCount": 30}
    return whole(THOUGHT, *parts, usageMetadata=usage)


def answers(model: str, models: Sequence[str]) -> dict[str, Given]:
    """By probe."""
    two = [candidate(said("Hello there."), index=index, finishReason="STOP") for index in (0, 1)]
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}}
    named: dict[str, Given] = {
        **{name: _json(whole()) for name in PROBES if is_ours(name)},
        **{name: _invalid() for name in PROBES if name.startswith("gemini.errors.")},
        "gemini.candidates": _json(response(*two, responseId="r-2")),
        "gemini.unknown-field": _invalid(),
        "gemini.max-tokens": _json(whole(said("1 2 3 4"), finish="MAX_TOKENS", usageMetadata=dict(USED_UP))),
        "gemini.stop": _json(whole(said("1 2 3 4 5 6 "))),
        "gemini.logprobs": _json(
            response(candidate(said("Hello there."), finishReason="STOP", logprobsResult=_logprobs()))
        ),
        "gemini.json": _json(whole(said('{"sunny": true}'))),
        "gemini.json-schema": _json(whole(said('{"city": "Paris", "sunny": true}'))),
        "gemini.enum": _json(whole(said("Woodwind"))),
        "gemini.json-schema.standard": _json(whole(said('{"city": "Oslo", "sunny": false}'))),
        "gemini.vision.text-only": _invalid(),
        "gemini.thoughts": _json(_thinking(said("A dozen."))),
        "gemini.safety.prompt": _json(response(**blocked)),
        "gemini.safety.answer": _json(response({"finishReason": "SAFETY", "index": 0})),
        "gemini.safety.stream": _stream([response(**blocked)]),
        "gemini.stream": _stream(chunks()),
        "gemini.stream.v1": _stream(chunks()),
        "gemini.stream.max-tokens": _stream(
            [chunk(said("1 2 ")), chunk(said("3 4"), finish="MAX_TOKENS", usageMetadata=dict(USED_UP))]
        ),
        "gemini.stream.thoughts": _stream([chunk(THOUGHT), *chunks("A ", "dozen.")]),
        "gemini.stream.array": _json(chunks()),
        "gemini.functions.forced": _json(whole(CALL)),
        "gemini.functions.allowed": _json(whole({"functionCall": {"name": "get_time", "args": {}}})),
        "gemini.functions.standard-schema": _json(whole(CALL)),
        "gemini.functions.lower-types": _json(whole(CALL)),
        "gemini.functions.stream": _stream([chunk(CALL, finish="STOP")]),
        "gemini.functions.parallel": _json(
            whole(CALL, {"functionCall": {"id": "call_2", "name": "get_weather", "args": {"city": "Oslo"}}})
        ),
        "gemini.functions.thinking": _json(_thinking(SIGNED)),
        "gemini.functions.text-response": _invalid(),
        "gemini.functions.unknown-name": _invalid(),
        "gemini.functions.text-only": _invalid(),
        "gemini.models.list": _json({"models": [_entry(one) for one in models]}),
        "gemini.models.empty-json": _json({"models": [_entry(one) for one in models]}),
        "gemini.models.page": _json({"models": [_entry(models[0])], "nextPageToken": "1"}),
        "gemini.models.v1": _json({"models": [_entry(one) for one in models]}),
        "gemini.models.get": _json(_entry(model)),
        "gemini.models.unknown": _missing(),
        "gemini.count": _json({"totalTokens": 12}),
        "gemini.count.request": _json({"totalTokens": 20}),
        "gemini.embed": _json({"embedding": _vector(LONG)}),
        "gemini.embed.length": _json({"embedding": _vector(LONG[:8])}),
        "gemini.embed.batch": _json({"embeddings": [_vector(LONG), _vector(OTHER), _vector(LONG)]}),
        "gemini.auth.no-key": error(403, "PERMISSION_DENIED"),
        "gemini.auth.no-key.malformed": error(403, "PERMISSION_DENIED"),
        "gemini.auth.wrong-key": _wrong_key(),
        "gemini.auth.wrong-key.query": _wrong_key(),
        "gemini.keys.revoked": _wrong_key(),
        "gemini.keys.restricted": error(403, "PERMISSION_DENIED"),
        "gemini.keys.throttled": _throttled(),
        "gemini.keys.throttled.stream": _throttled(),
        "gemini.keys.exhausted": error(429, "RESOURCE_EXHAUSTED"),
        "gemini.limits.body": error(413, "INVALID_ARGUMENT"),
        "gemini.errors.unknown-model": _missing(),
        "gemini.errors.unknown-model.stream": _missing(),
        "gemini.errors.unknown-model.slash": _missing(),
        "gemini.errors.unknown-route": error(404, "NOT_FOUND"),
        "gemini.errors.method": error(405, "UNIMPLEMENTED"),
        "gemini.errors.media-type": error(415, "INVALID_ARGUMENT"),
    }
    for name, given in named.items():
        given["headers"] = {"x-request-id": f"req-{name}", **given["headers"]}
    return named


def is_ours(probe: str) -> bool:
    return probe.startswith("gemini.")

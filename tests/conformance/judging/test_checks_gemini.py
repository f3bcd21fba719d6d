"""Each requirement on Gemini, spoilt in its own way; and what must raise no alarm."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance.requirement import load_register
from wiremark_conformance.sse import BOM
from wiremark_reports.record import Verdict

from tests.conformance.judging import good_gemini as good
from tests.conformance.judging.spoilt_gemini import (
    AGREEING,
    ANSWERS,
    AROUND,
    BOOKS,
    FUNCTIONS,
    Change,
    declined,
)

PLAIN, STREAM, V1, ARRAY = "gemini.plain", "gemini.stream", "gemini.stream.v1", "gemini.stream.array"
CALLS, THOUGHTS, CUT = "gemini.functions.stream", "gemini.stream.thoughts", "gemini.stream.max-tokens"


def _wire(change: Callable[[bytes], bytes], probe: str = STREAM) -> Change:
    """Other bytes for a stream."""
    return lambda w: setattr(w[probe], "chunks", [change(w[probe].wire)])


def _chunk(at: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[at].update(values)


def _candidate(at: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[at]["candidates"][0].update(values)


def _content(at: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[at]["candidates"][0]["content"].update(values)


def _insert(at: int, chunk: Any, probe: str = STREAM) -> Change:
    return lambda w: w.chunks(probe).insert(at, chunk)


def _usage(probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[-1]["usageMetadata"].update(values)


def _failed(**error: Any) -> Change:
    return _insert(2, {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE", **error}})


def _cumulative(world: Any) -> None:
    texts = ["Hel", "Hello ", "Hello there", "Hello there."]
    world[STREAM].chunks = good.chunks(*texts)


def _instead(probe: str, body: Any) -> Change:
    return lambda w: w[probe].__dict__.update(chunks=None, body=body)


STREAMS: list[tuple[str, Change]] = [
    ("gemini.stream.accepted", declined(STREAM)),
    ("gemini.stream.v1.accepted", declined(V1)),
    ("gemini.stream.events", _instead(STREAM, good.whole())),
    ("gemini.stream.events", _instead(V1, good.chunks())),
    ("gemini.stream.content-type", lambda w: w[STREAM].headers.update({"content-type": "text/plain"})),
    ("gemini.stream.complete", lambda w: w[STREAM].fail("truncated")),
    ("gemini.stream.data-json", _insert(1, "hello")),
    ("gemini.stream.last-event-ended", _wire(lambda body: body[:-1])),
    ("gemini.stream.no-bom", _wire(lambda body: BOM + body)),
    ("gemini.stream.utf8", _wire(lambda body: body.replace(b"there", b"th\xffre"))),
    ("gemini.stream.space", _wire(lambda body: body.replace(b"data: ", b"data:"))),
    ("gemini.stream.single-line", _wire(lambda body: body.replace(b', "usage', b'\ndata: , "usage'))),
    ("gemini.stream.only-data", _insert(1, b": keep-alive\n\n")),
    ("gemini.stream.only-data", _wire(lambda body: b"event: message\n" + body)),
    ("gemini.stream.only-data", _insert(2, b"id: 7\n\n")),
    ("gemini.stream.no-done", _insert(9, "[DONE]")),
    ("gemini.stream.google-genai", _insert(1, b": keep-alive\n\n")),
    ("gemini.stream.types", _candidate(1, index="0")),
    ("gemini.stream.types", _content(0, parts={"text": "Hel"})),
    ("gemini.stream.camel-case", _candidate(-1, finish_reason="STOP")),
    ("gemini.stream.candidates", _insert(0, {"candidates": []})),
    ("gemini.stream.role", _content(1, role="assistant")),
    ("gemini.stream.text", lambda w: setattr(w[STREAM], "chunks", good.chunks(""))),
    ("gemini.stream.increments", _cumulative),
    ("gemini.stream.finish", lambda w: w.chunks(STREAM).pop()),
    ("gemini.stream.finish", lambda w: w.chunks(CALLS)[-1]["candidates"][0].pop("finishReason")),
    ("gemini.stream.finish-last", _candidate(0, finishReason="STOP")),
    ("gemini.stream.finish-enum", _candidate(-1, finishReason="Stop")),
    ("gemini.stream.usage", lambda w: w.chunks(STREAM)[-1].pop("usageMetadata")),
    ("gemini.stream.usage.integers", _usage(promptTokenCount="20")),
    ("gemini.stream.usage.total", _usage(totalTokenCount=20)),
    ("gemini.stream.usage.prompt-agrees", _usage(promptTokenCount=21, totalTokenCount=27)),
    ("gemini.stream.response-id", _chunk(2, responseId="r-9")),
    ("gemini.stream.max-tokens", _usage(CUT, candidatesTokenCount=9)),
    ("gemini.stream.max-tokens", _candidate(-1, CUT, finishReason="STOP")),
    ("gemini.stream.thoughts", lambda w: w.chunks(THOUGHTS).insert(2, good.chunk(good.THOUGHT))),
    ("gemini.stream.errors", _failed(code="503")),
    ("gemini.stream.errors", _failed(code=None)),
    ("gemini.stream.errors", _insert(2, {"responseId": "r-1", "error": {"code": 503}})),
    ("gemini.stream.array.accepted", declined(ARRAY)),
    ("gemini.stream.array.form", lambda w: setattr(w[ARRAY], "body", good.whole())),
    ("gemini.stream.array.form", lambda w: setattr(w[ARRAY], "body", w[STREAM].wire)),
    (
        "gemini.stream.array.content-type",
        lambda w: w[ARRAY].headers.update({"content-type": "text/event-stream"}),
    ),
    ("gemini.stream.array.types", lambda w: w[ARRAY].body[0].update(responseId=7)),
    ("gemini.stream.array.finish", lambda w: w[ARRAY].body.pop()),
]
SPOILT = [*ANSWERS, *AGREEING, *FUNCTIONS, *AROUND, *BOOKS, *STREAMS]


def _each(change: Callable[[dict[str, Any]], object]) -> Change:
    """The change on every response, whole, as event or as element."""

    def apply(world: Any) -> None:
        for name, answer in world.answers.items():
            if not good.is_ours(name):
                continue
            told = answer.chunks or (answer.body if isinstance(answer.body, list) else [answer.body])
            for document in told:
                if isinstance(document, dict) and "modelVersion" in document:
                    change(document)

    return apply


def _candidates(change: Callable[[dict[str, Any]], object]) -> Change:
    return _each(lambda document: [change(one) for one in document.get("candidates", ())])


def _streams(change: Callable[[bytes], bytes]) -> Change:
    """Every stream's bytes turned into other bytes that mean the same."""

    def apply(world: Any) -> None:
        for name, answer in world.answers.items():
            if good.is_ours(name) and answer.chunks is not None:
                answer.chunks = [change(answer.wire)]

    return apply


def _split(step: int) -> Change:
    def apply(world: Any) -> None:
        for name, answer in world.answers.items():
            if good.is_ours(name):
                answer.step = step

    return apply


def _finish_alone(world: Any) -> None:
    """The finish reason in a chunk of its own, without content."""
    last = world.chunks(STREAM)[-1]
    world.chunks(STREAM)[-1] = good.chunk({"text": "."})
    world.chunks(STREAM).append({**last, "candidates": [{"finishReason": "STOP", "index": 0}]})


def _usage_alone(world: Any) -> None:
    """The usage in a chunk of its own, without candidates."""
    usage = world.chunks(STREAM)[-1].pop("usageMetadata")
    world.chunks(STREAM).append({"usageMetadata": usage, "responseId": "r-1"})


def _two_candidates(world: Any) -> None:
    second = good.candidate({"text": "Hi."}, index=1)
    world.chunks(STREAM)[0]["candidates"].append(second)
    world.chunks(STREAM)[-1]["candidates"].append({"finishReason": "STOP", "index": 1})


def _bare_models(world: Any) -> None:
    for entry in world["gemini.models.list"].body["models"]:
        entry.update(description="x", version="001", temperature=1, topK=64, topP=0.95)


def _null_reasons(world: Any) -> None:
    for chunk in world["gemini.stream"].chunks:
        for candidate in chunk.get("candidates", ()):
            candidate.setdefault("finishReason", None)


LEGAL: dict[str, Change] = {
    "unknown keys": _each(lambda document: document.update(modelStatus={}, newThing=[1])),
    "no index": _candidates(lambda one: one.pop("index") if one.get("index") == 0 else None),
    "safety ratings": _candidates(
        lambda one: one.update(
            safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]
        )
    ),
    "grounding and citations": _candidates(
        lambda one: one.update(citationMetadata={"citationSources": []}, groundingMetadata={})
    ),
    "details of usage": lambda w: (
        w[PLAIN].body["usageMetadata"].update(promptTokensDetails=[{"modality": "TEXT", "tokenCount": 20}])
    ),
    "cached tokens": lambda w: w[PLAIN].body["usageMetadata"].update(cachedContentTokenCount=20),
    "usage on every chunk": lambda w: [
        chunk.setdefault("usageMetadata", {"promptTokenCount": 20, "totalTokenCount": 20})
        for chunk in w.chunks(STREAM)
    ],
    "the finish reason alone": _finish_alone,
    "the usage alone": _usage_alone,
    "an empty text with the finish reason": _insert(-1, good.chunk({"text": ""})),
    "one chunk": lambda w: setattr(w[STREAM], "chunks", good.chunks("Hello there.")),
    "several candidates in a stream": _two_candidates,
    "equal pieces": lambda w: setattr(w[STREAM], "chunks", good.chunks("ha", "ha", "ha", "ha")),
    "CRLF": _streams(lambda body: body.replace(b"\n", b"\r\n")),
    "extra blank lines": _streams(lambda body: body.replace(b"\n\n", b"\n\n\n")),
    "single bytes": _split(1),
    "pieces of seven bytes": _split(7),
    "raw UTF-8": _streams(lambda body: body.replace(b"there", "☃ 😀".encode())),
    "spread JSON in the array": lambda w: setattr(
        w[ARRAY], "body", json.dumps(good.chunks(), indent=2).replace("\n", "\r\n").encode()
    ),
    "a charset": lambda w: w[PLAIN].headers.update({"content-type": "application/json; charset=UTF-8"}),
    "no ids of calls": lambda w: [
        part["functionCall"].pop("id", None)
        for name in ("gemini.functions.forced", "gemini.functions.parallel")
        for part in w[name].body["candidates"][0]["content"]["parts"]
    ],
    "text beside a call": lambda w: (
        w["gemini.functions.forced"]
        .body["candidates"][0]["content"]["parts"]
        .insert(0, {"text": "Let me look."})
    ),
    "one call although two were asked": lambda w: (
        w["gemini.functions.parallel"].body["candidates"][0]["content"]["parts"].pop()
    ),
    "a function called without being forced": lambda w: (
        w["gemini.functions.auto"].body["candidates"][0]["content"].update(parts=[good.CALL])
    ),
    "a signature in the other alphabet": lambda w: (
        w["gemini.functions.thinking"]
        .body["candidates"][0]["content"]["parts"][1]
        .update(thoughtSignature="EqQB-_Ya")
    ),
    "an unknown field that is ignored": lambda w: w.answers.update({"gemini.unknown-field": w[PLAIN]}),
    "a block for another reason": lambda w: w["gemini.safety.prompt"].body.update(
        promptFeedback={"blockReason": "PROHIBITED_CONTENT"}
    ),
    "content of a blocked answer": lambda w: (
        w["gemini.safety.answer"]
        .body["candidates"][0]
        .update(content={"parts": [{"text": "I"}], "role": "model"})
    ),
    "more about models": _bare_models,
    "no details of errors": lambda w: [
        w[name].body["error"].pop("details") for name in ("gemini.errors.role", "gemini.models.unknown")
    ],
    "404 for a method": lambda w: w["gemini.errors.method"].__dict__.update(
        status=404, body=good.error(404, "NOT_FOUND")["body"]
    ),
    "words that cannot be chosen from": lambda w: w["gemini.enum"].__dict__.update(
        status=400, body=good.error(400, "INVALID_ARGUMENT")["body"]
    ),
    "keys that are null": lambda w: [
        candidate.update(finishMessage=None, citationMetadata=None, tokenCount=None)
        for candidate in w[PLAIN].body["candidates"]
    ],
    "a finish reason that is null in all chunks but the last": _null_reasons,
    "a fraction of a second": lambda w: (
        w["gemini.keys.throttled"].body["error"]["details"][1].update(retryDelay="36.5s")
    ),
    "400 for a body that is too large": lambda w: w["gemini.limits.body"].__dict__.update(
        status=400, body=good.error(400, "INVALID_ARGUMENT")["body"]
    ),
}


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{i}-{r}" for i, (r, _) in enumerate(SPOILT)]
)
def test_what_is_wrong_is_found(world: Any, requirement: str, change: Change) -> None:
    assert world.judge(requirement).verdict is Verdict.PASS
    change(world)
    judged = world.judge(requirement)
    finding = Verdict.FAIL if judged.requirement.level == "MUST" else Verdict.WARN
    assert (judged.verdict, bool(judged.message)) == (finding, True), judged.message


def test_every_requirement_is_shown_to_fail() -> None:
    register = {r.id for r in load_register() if r.area.startswith("gemini")}
    assert register - {requirement for requirement, _ in SPOILT} == set()


@pytest.mark.parametrize("change", LEGAL.values(), ids=LEGAL)
def test_legal_variants_raise_no_alarm(world: Any, change: Change) -> None:
    change(world)
    assert world.findings("gemini") == {}


def test_a_good_endpoint_passes_everything(world: Any) -> None:
    assert world.findings("gemini") == {}

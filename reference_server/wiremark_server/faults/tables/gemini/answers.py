"""Whole answers of Gemini: what their schema does not say."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import put, take, with_header
from wiremark_server.faults.edit import Ask, On
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.gemini.words import GENERATE, PART, answers, config, contents, fault

_USAGE = "/usageMetadata"
_THOUGHT = {"text": "Let me see.", "thought": True}


def _snake(document: Any) -> Any:
    document["usage_metadata"] = document.pop("usageMetadata", None)
    return document


def _spread_calls(document: Any) -> Any:
    """Each of several calls stands in a candidate of its own."""
    for candidate in document["candidates"][:1]:
        calls = [part for part in candidate.get("content", {}).get("parts", ()) if "functionCall" in part]
        if len(calls) > 1:
            document["candidates"] = [
                {**candidate, "content": {"role": "model", "parts": [call]}, "index": index}
                for index, call in enumerate(calls)
            ]
    return document


def _thoughtful(document: Any) -> Any:
    for content in contents(document):
        content["parts"] = [_THOUGHT, *content["parts"]]
    return document


def _unasked(ask: Ask) -> bool:
    return not (config(ask).get("thinkingConfig") or {}).get("includeThoughts")


def _answered_all_the_same(document: Any) -> Any:
    if "promptFeedback" in document:
        document["candidates"] = [{"content": {"role": "model", "parts": [{"text": "Sorry."}]}, "index": 0}]
    return document


def _one_more(count: Any) -> Any:
    return (count or 0) + 1


TABLE: tuple[Fault, ...] = (
    fault(
        "content-type",
        "headers",
        "Whole answers are text/plain.",
        with_header(On(GENERATE, "answer"), b"content-type", b"text/plain"),
        catches=("gemini.content-type",),
    ),
    fault(
        "error-within",
        "errors",
        "Answers with the status 200 have an `error` beside the candidates.",
        answers(put("/error", {"code": 500, "message": "It failed.", "status": "INTERNAL"})),
        catches=("gemini.no-error",),
    ),
    fault(
        "snake-case",
        "shape",
        "The usage of an answer has its name in snake case.",
        answers(_snake),
        catches=("gemini.camel-case", "gemini.usage.present"),
    ),
    fault(
        "response-id-constant",
        "shape",
        "All answers have one `responseId`.",
        answers(put("/responseId", "response")),
        catches=("gemini.response-id.unique",),
    ),
    fault(
        "usage-total",
        "semantics",
        "`totalTokenCount` is one more than its parts.",
        answers(put(f"{_USAGE}/totalTokenCount", _one_more)),
        catches=("gemini.usage.total",),
    ),
    fault(
        "usage-zero",
        "semantics",
        "No tokens are counted.",
        answers(lambda d: put(f"{_USAGE}", {"promptTokenCount": 0, "totalTokenCount": 0})(d)),
        catches=("gemini.usage.positive",),
    ),
    fault(
        "usage-cached",
        "semantics",
        "More tokens come from the cache than the prompt has.",
        answers(put(f"{_USAGE}/cachedContentTokenCount", 100_000)),
        catches=("gemini.usage.cached",),
    ),
    fault(
        "schema-ignored",
        "semantics",
        "A document in JSON does not keep to the schema that was asked for.",
        answers(
            put(f"{PART}/text", '{"city": "Atlantis"}'),
            lambda ask: "responseSchema" in config(ask) or "responseJsonSchema" in config(ask),
        ),
        catches=("gemini.json-schema.valid",),
    ),
    fault(
        "enum-quoted",
        "semantics",
        "The word that is chosen from an enumeration is JSON.",
        answers(
            put(f"{PART}/text", lambda word: f'"{word}"'),
            lambda ask: config(ask).get("responseMimeType") == "text/x.enum",
        ),
        catches=("gemini.enum.word",),
    ),
    fault(
        "thoughts-unasked",
        "semantics",
        "Thoughts are shown to whoever did not ask for them.",
        answers(_thoughtful, _unasked),
        catches=("gemini.thoughts.unasked",),
    ),
    fault(
        "blocked-answered",
        "semantics",
        "A prompt that is blocked has a candidate all the same.",
        answers(_answered_all_the_same),
        catches=("gemini.safety.no-candidates",),
    ),
    fault(
        "calls-spread",
        "shape",
        "Each of several calls stands in a candidate of its own.",
        answers(_spread_calls),
        catches=("gemini.functions.parallel.called",),
    ),
    fault(
        "call-invalid",
        "semantics",
        "The arguments of calls are not those that are declared.",
        answers(put(f"{PART}/functionCall/args", {"place": 7}, absent_too=False)),
        catches=("gemini.functions.call.valid",),
    ),
    fault(
        "call-partial",
        "shape",
        "A call says that more of it is to come.",
        answers(put(f"{PART}/functionCall/willContinue", True)),
        catches=("gemini.functions.call.whole",),
    ),
    fault(
        "call-without-args",
        "shape",
        "Calls have no `args`.",
        answers(take(f"{PART}/functionCall/args")),
        catches=("gemini.functions.call.*",),
    ),
)

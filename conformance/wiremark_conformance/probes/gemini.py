"""Probes of Gemini's answers without functions: what is asked of chat, in Google's format.

The question is the one that chat is asked, so that the formats of one endpoint can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance import gemini
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotPromised, NotTestable
from wiremark_conformance.probes.chat import (
    CITY_SCHEMA,
    COUNTING,
    HELLO,
    RED_SQUARE,
    RIDDLE,
    SMALL_BUDGET,
    STOP,
)
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, model_where, path_at

KEY_HEADER = "x-goog-api-key"
GENERATE, STREAM = "gemini.generate", "gemini.stream"
SSE = "?alt=sse"
CANDIDATES = 2
TOP_LOGPROBS = 2
_MEDIA_TYPE, _, _DATA = RED_SQUARE.removeprefix("data:").partition(";base64,")
# The same schema in the form of this dialect: types in capitals.
CITY: dict[str, Any] = {
    "type": "OBJECT",
    "properties": {"city": {"type": "STRING", "enum": ["Paris", "Oslo"]}, "sunny": {"type": "BOOLEAN"}},
    "required": ["city", "sunny"],
}

FAMILIES = ["Percussion", "String", "Woodwind"]
_ENUM: dict[str, Any] = {
    "maxOutputTokens": 64,
    "responseMimeType": "text/x.enum",
    "responseSchema": {"type": "STRING", "enum": FAMILIES},
}


def said(text: str, role: str | None = "user") -> dict[str, Any]:
    """One content of one text."""
    return {**({"role": role} if role else {}), "parts": [{"text": text}]}


SYSTEM, ASK = {"parts": [{"text": HELLO[0]["content"]}]}, [said(HELLO[1]["content"])]
COUNT = [said(COUNTING[0]["content"])]
IMAGE = {"inlineData": {"mimeType": _MEDIA_TYPE, "data": _DATA}}
IMAGE_ASK = [{"role": "user", "parts": [{"text": "Which colour is this?"}, IMAGE]}]


def draft(
    context: ProbeContext,
    body: Any,
    *,
    operation: str = GENERATE,
    query: str = "",
    model: str | None = None,
    at: int = 0,
    method: str = "POST",
    **how: Any,
) -> Draft:
    """A request in this format, of the target's model; the key in this format's own header where it is taken.

    query: with its `?`; at: which of the operation's paths
    """
    if KEY_HEADER in context.target.contract.raw["auth"]["schemes"]:
        how.setdefault("scheme", KEY_HEADER)
    target = path_at(context, at, operation, model=model or context.target.model)
    return Draft(method, target + query, body, **how)


def hello(config: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The body of the plain question; `config` goes into its generationConfig."""
    limits = {"maxOutputTokens": 64, **(config or {})}
    return {"systemInstruction": SYSTEM, "contents": ASK, "generationConfig": limits, **more}


def ask(config: Mapping[str, Any] | None = None, **more: Any) -> Drafter:
    """The plain question, changed."""
    return lambda context: draft(context, hello(config, **more))


def body(contents: list[dict[str, Any]], config: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": contents, "generationConfig": dict(config), **more}


def _of(contents: list[dict[str, Any]], config: Mapping[str, Any], **how: Any) -> Drafter:
    return lambda context: draft(context, body(contents, config), **how)


def own_content(context: ProbeContext, probe: str) -> dict[str, Any]:
    """The endpoint's own content as history, every part as it came."""
    view = Evidence(context.target, context.exchanges).view(probe)
    if view is None or not view.succeeded:
        raise NotTestable(f"there is no answer of {probe} to send back")
    content = gemini.answer(view).candidates[0].get("content")
    if not isinstance(content, dict) or not content.get("parts"):
        raise NotTestable(f"the answer of {probe} has no content to send back")
    return content


def _echo_back(context: ProbeContext) -> Draft:
    history = [*ASK, own_content(context, "gemini.plain"), said("And once more.")]
    return draft(context, hello(contents=history))


def _blocked(kind: str, *, stream: bool = False) -> Drafter:
    """A question that the contract says is blocked."""

    def asked(context: ProbeContext) -> Draft:
        words = context.target.contract.raw.get("safety")
        if words is None:
            raise NotPromised("the contract does not say what is blocked")
        question = body([said(words[kind])], {"maxOutputTokens": 64})
        operation, query = (STREAM, SSE) if stream else (GENERATE, "")
        return draft(context, question, operation=operation, query=query)

    return asked


def thinker(context: ProbeContext) -> str:
    """A model that thinks."""
    return model_where(context, "that reasons", lambda model: "reasoning" in model.capabilities)


def _riddle(config: Mapping[str, Any], operation: str = GENERATE, query: str = "") -> Drafter:
    return lambda context: draft(
        context, body(_RIDDLE, config), operation=operation, query=query, model=thinker(context)
    )


def _vision_on_text_model(context: ProbeContext) -> Draft:
    model = model_where(context, "without vision", lambda model: "vision" not in model.capabilities)
    return draft(context, body(IMAGE_ASK, {"maxOutputTokens": 16}), model=model)


def _streamed(
    query: str,
    contents: list[dict[str, Any]] | None = None,
    config: Mapping[str, Any] | None = None,
    at: int = 0,
) -> Drafter:
    asked = hello() if contents is None else body(contents, config or {})
    return lambda context: draft(context, asked, operation=STREAM, query=query, at=at)


_EVERYTHING = {
    "temperature": 0.5,
    "topP": 0.9,
    "topK": 40,
    "candidateCount": 1,
    "seed": 7,
    "stopSequences": ["never said"],
    "presencePenalty": 0,
    "frequencyPenalty": 0,
    "responseMimeType": "text/plain",
}
_SNAKE = {
    "system_instruction": SYSTEM,
    "contents": ASK,
    "generation_config": {"max_output_tokens": 64, "top_p": 0.9},
}
_SAFETY = [
    {"category": f"HARM_CATEGORY_{name}", "threshold": "BLOCK_ONLY_HIGH"}
    for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
]
_SYSTEM_HEADERS = (
    ("x-goog-api-client", "google-genai-sdk/3.4.0 gl-python/3.11"),
    ("x-server-timeout", "60"),
)
_SYSTEM_QUERY = "?%24alt=json&prettyPrint=false"
_ROLELESS = [said(HELLO[1]["content"], None)]
_QUESTION = [said("Is it sunny in Paris? Answer in JSON; guess.")]
_FAMILY = [said("Which family of instruments does the oboe belong to?")]
_RIDDLE = [said(RIDDLE[0]["content"])]
_JSON = {"responseMimeType": "application/json", "maxOutputTokens": 256}
_THINK = {"maxOutputTokens": 2048, "thinkingConfig": {"includeThoughts": True}}
_UNSEEN = {"maxOutputTokens": 2048, "thinkingConfig": {"thinkingBudget": 512}}
_SMALL = {"maxOutputTokens": SMALL_BUDGET}
_SCHEMA, _VISION, _THOUGHTS = "gemini.json-schema", "gemini.vision", "gemini.thoughts"
_MODELS = ("models.list",)
_AT_ONCE = "gemini.at-once"


def _at_once(context: ProbeContext) -> Draft:
    """All that is merely to be taken, in one request; asked for one by one where this is refused."""
    asked = hello(_EVERYTHING, contents=_ROLELESS, safetySettings=_SAFETY)
    return draft(context, asked, query=_SYSTEM_QUERY, headers=_SYSTEM_HEADERS)


def _taken(name: str, drafter: Drafter) -> Probe:
    return Probe(name, drafter, capability="gemini", within=_AT_ONCE)


TABLE = (
    Probe("gemini.plain", ask(), capability="gemini"),
    Probe("gemini.v1", lambda c: draft(c, hello(), at=1), capability="gemini.versions"),
    Probe("gemini.echo-back", _echo_back, needs=("gemini.plain",), capability="gemini"),
    Probe("gemini.snake", lambda c: draft(c, _SNAKE), capability="gemini"),
    Probe(_AT_ONCE, _at_once, capability="gemini"),
    _taken("gemini.roleless", ask(contents=_ROLELESS)),
    _taken("gemini.config", ask(_EVERYTHING)),
    _taken("gemini.safety-settings", ask(safetySettings=_SAFETY)),
    _taken(
        "gemini.system-parameters", lambda c: draft(c, hello(), query=_SYSTEM_QUERY, headers=_SYSTEM_HEADERS)
    ),
    Probe("gemini.unknown-field", ask(wiremarkUnknown=True), capability="gemini"),
    Probe("gemini.max-tokens", _of(COUNT, _SMALL), capability="gemini.max-tokens"),
    Probe(
        "gemini.stop",
        _of(COUNT, {"maxOutputTokens": 128, "stopSequences": [STOP]}),
        capability="gemini.stop",
    ),
    Probe("gemini.candidates", ask({"candidateCount": CANDIDATES}), capability="gemini.candidates"),
    Probe(
        "gemini.logprobs",
        ask({"responseLogprobs": True, "logprobs": TOP_LOGPROBS}),
        capability="gemini.logprobs",
    ),
    Probe("gemini.json", _of(_QUESTION, _JSON), capability="gemini.json"),
    Probe(
        "gemini.json-schema",
        _of(_QUESTION, {**_JSON, "responseSchema": CITY}),
        capability=_SCHEMA,
    ),
    Probe(
        "gemini.json-schema.standard",
        _of(_QUESTION, {**_JSON, "responseJsonSchema": CITY_SCHEMA}),
        capability=_SCHEMA,
    ),
    Probe("gemini.enum", _of(_FAMILY, _ENUM), capability=_SCHEMA),
    Probe("gemini.vision", _of(IMAGE_ASK, {"maxOutputTokens": 64}), capability="gemini.vision"),
    Probe("gemini.vision.text-only", _vision_on_text_model, needs=_MODELS, capability="gemini.vision"),
    Probe("gemini.thoughts", _riddle(_THINK), needs=_MODELS, capability="gemini.thoughts"),
    Probe("gemini.thoughts.unseen", _riddle(_UNSEEN), needs=_MODELS, capability=_THOUGHTS),
    Probe("gemini.safety.prompt", _blocked("prompt"), capability="gemini.safety"),
    Probe("gemini.safety.answer", _blocked("answer"), capability="gemini.safety"),
    Probe("gemini.safety.stream", _blocked("prompt", stream=True), capability="gemini.safety"),
    Probe("gemini.stream", _streamed(SSE), capability="gemini.stream"),
    Probe(
        "gemini.stream.v1",
        lambda c: draft(c, hello(), operation=STREAM, query=SSE, at=1),
        capability="gemini.versions",
    ),
    Probe("gemini.stream.max-tokens", _streamed(SSE, COUNT, _SMALL), capability="gemini.stream"),
    Probe("gemini.stream.thoughts", _riddle(_THINK, STREAM, SSE), needs=_MODELS, capability=_THOUGHTS),
    Probe("gemini.stream.array", _streamed(""), capability="gemini.stream.array"),
)

"""Probes of OpenAI Responses without tools: what is asked of chat, in this format.

The question is the one that chat is asked, so that the formats of one endpoint can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_schemas.contracts import Model

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.chat import CITY_SCHEMA, COUNTING, HELLO, RED_SQUARE, RIDDLE
from wiremark_conformance.probes.errors import CUT_OFF
from wiremark_conformance.probes.models import UNKNOWN_MODEL
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, model_where, path
from wiremark_conformance.responses import items_of, response

SYSTEM, ASK = HELLO[0]["content"], HELLO[1]["content"]
BUDGET = 64  # tokens
LEAST_BUDGET = 16  # the smallest that the format knows
TOP_LOGPROBS = 2
SETTINGS: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "metadata": {"purpose": "wiremark"},
    "truncation": "disabled",
    "parallel_tool_calls": False,
    "store": False,
}


def create(context: ProbeContext, body: Mapping[str, Any], **how: Any) -> Draft:
    """A request with the target's model, unless the body names another."""
    operation = how.pop("operation", "responses.create")
    return Draft(
        "POST", path(context, operation), {"model": context.target.model_for("responses"), **body}, **how
    )


def hello(**more: Any) -> dict[str, Any]:
    """The body of the plain question."""
    return {"input": ASK, "instructions": SYSTEM, "max_output_tokens": BUDGET, **more}


def ask(**body: Any) -> Drafter:
    """The plain question, changed."""
    return lambda context: create(context, hello(**body))


def earlier(context: ProbeContext, probe: str) -> Mapping[str, Any]:
    """The response that a probe was answered with, whole or streamed."""
    view = Evidence(context.target, context.exchanges).view(probe)
    if view is None or not view.succeeded:
        raise NotTestable(f"there is no response of {probe}")
    return response(view)


def own_output(context: ProbeContext, probe: str) -> list[Mapping[str, Any]]:
    """The endpoint's own items, every key as it came."""
    found = items_of(earlier(context, probe))
    if not found:
        raise NotTestable(f"there is no output of {probe} to send back")
    return found


def _echo_back(context: ProbeContext) -> Draft:
    first, again = ({"role": "user", "content": text} for text in (ASK, "And once more."))
    return create(context, hello(input=[first, *own_output(context, "responses.plain"), again]))


def _reasons(model: Model) -> bool:
    return "reasoning" in model.capabilities and model.speaks("responses")


def _reasoning_model(context: ProbeContext) -> str:
    own = context.target.contract.model(context.target.model_for("responses"))
    return own.id if own is not None and _reasons(own) else model_where(context, "that reasons", _reasons)


_THINK: dict[str, Any] = {
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "max_output_tokens": 512,
    "store": False,
}


def _reasoning(context: ProbeContext, **more: Any) -> Draft:
    return create(context, {"model": _reasoning_model(context), "input": RIDDLE, **_THINK, **more})


def _reasoning_back(context: ProbeContext) -> Draft:
    again = {"role": "user", "content": "And which is less?"}
    given = [*RIDDLE, *own_output(context, "responses.reasoning"), again]
    return create(context, {"model": _reasoning_model(context), "input": given, **_THINK})


def _count(context: ProbeContext) -> Draft:
    body = {"input": ASK, "instructions": SYSTEM}
    return create(context, body, operation="responses.input_tokens")


def _raw(body: bytes, **how: Any) -> Drafter:
    return lambda context: Draft("POST", path(context, "responses.create"), body, **how)


def _keyless(key: Any) -> Drafter:
    return lambda context: create(context, hello(), key=key)


def _bad(**body: Any) -> Drafter:
    return lambda context: create(context, {"input": ASK, "max_output_tokens": LEAST_BUDGET, **body})


_USER = {"type": "message", "role": "user"}
_PARTS = [{"type": "input_text", "text": "Say "}, {"type": "input_text", "text": "hello."}]
OLDEST = "Be brief."
_ITEMS = [
    {"role": "developer", "content": OLDEST},
    {"role": "user", "content": "Hello?"},
    {"role": "assistant", "content": "Yes?"},
    {**_USER, "content": _PARTS},
]
# Those that the published schema lets be null; `tools`, `tool_choice`, `text` and `user` are not among them.
_NULLS = (
    *("temperature", "top_p", "metadata", "reasoning", "truncation", "previous_response_id", "stream"),
    *("store", "include", "service_tier", "parallel_tool_calls", "background", "max_tool_calls"),
)
_IMAGE = [
    {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "Which colour is this?"},
            {"type": "input_image", "image_url": RED_SQUARE, "detail": "auto"},
        ],
    }
]
_ORPHAN = [{"type": "function_call_output", "call_id": "call_wiremark0", "output": "21"}]
WRONG: Mapping[str, Drafter] = {
    "malformed-json": _raw(CUT_OFF),
    "not-an-object": _raw(b"[]"),
    "temperature": _bad(temperature=3),
    "max-tokens-type": _bad(max_output_tokens="many"),
    "role": _bad(input=[{"role": "robot", "content": ASK}]),
    "tool-type": _bad(tools=[{"type": "wiremark_no_such_tool"}]),
    "tool-choice": _bad(tool_choice={"type": "function", "name": "wiremark_no_such_tool"}),
    "orphan-output": _bad(input=_ORPHAN),
    "two-histories": _bad(previous_response_id="resp_wiremark0", conversation="conv_wiremark0"),
    "unknown-model": _bad(model=UNKNOWN_MODEL),
    "unknown-model.stream": _bad(model=UNKNOWN_MODEL, stream=True),
}

TABLE = (
    Probe("responses.plain", ask(), capability="responses"),
    Probe("responses.items", ask(input=_ITEMS), capability="responses"),
    Probe("responses.echo-back", _echo_back, needs=("responses.plain",), capability="responses"),
    Probe("responses.nulls", ask(**dict.fromkeys(_NULLS)), capability="responses"),
    Probe("responses.settings", ask(**SETTINGS), capability="responses"),
    Probe(
        "responses.max-tokens",
        ask(input=COUNTING, max_output_tokens=LEAST_BUDGET),
        capability="responses.max-tokens",
    ),
    Probe(
        "responses.json",
        ask(
            input='Answer with a JSON object of one key, "answer".',
            text={"format": {"type": "json_object"}},
            max_output_tokens=256,
        ),
        capability="responses.json",
    ),
    Probe(
        "responses.json-schema",
        ask(
            input="Is it sunny in Paris? Answer in JSON; guess.",
            text={
                "format": {"type": "json_schema", "name": "weather", "strict": True, "schema": CITY_SCHEMA}
            },
            max_output_tokens=256,
        ),
        capability="responses.json",
    ),
    Probe(
        "responses.logprobs",
        ask(include=["message.output_text.logprobs"], top_logprobs=TOP_LOGPROBS),
        capability="responses.logprobs",
    ),
    Probe("responses.vision", ask(input=_IMAGE), capability="responses.vision"),
    Probe("responses.reasoning", _reasoning, needs=("models.list",), capability="responses.reasoning"),
    Probe(
        "responses.reasoning.stream",
        lambda c: _reasoning(c, stream=True),
        needs=("models.list",),
        capability="responses.reasoning",
    ),
    Probe(
        "responses.reasoning.echo-back",
        _reasoning_back,
        needs=("models.list", "responses.reasoning"),
        capability="responses.reasoning",
    ),
    Probe("responses.stream", ask(stream=True), capability="responses.stream"),
    Probe(
        "responses.max-tokens.stream",
        ask(input=COUNTING, max_output_tokens=LEAST_BUDGET, stream=True),
        capability="responses.stream",
    ),
    Probe("responses.input-tokens", _count, capability="responses.input-tokens"),
    *(Probe(f"responses.errors.{name}", draft, capability="responses") for name, draft in WRONG.items()),
    Probe("responses.auth.no-key", _keyless("none"), capability="auth"),
    Probe("responses.auth.wrong-key", _keyless("wrong"), capability="auth"),
)

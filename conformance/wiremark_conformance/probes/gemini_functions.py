"""Probes of function calls in Gemini's format, forced wherever the question is not the choice itself."""

from __future__ import annotations

from typing import Any

from wiremark_conformance import gemini
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.gemini import SSE, STREAM, body, draft, said, thinker
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, model_where
from wiremark_conformance.probes.tools import PARAMETERS, QUESTION, TOOL

RESULT = {"sky": "clear", "celsius": 21}
OTHER = "get_time"
_BUDGET = {"maxOutputTokens": 256}  # room for a call by a model that thinks first
_ASK = [said(QUESTION[0]["content"])]
_TWICE = [said("TWICE: what is the weather in Paris, and what is it in Oslo? Call both.")]
_CITY = {"type": "STRING", "description": "Name of the city"}
_FUNCTION = {
    "name": TOOL,
    "description": "The weather in a city",
    "parameters": {"type": "OBJECT", "properties": {"city": _CITY}, "required": ["city"]},
}
FUNCTIONS = [{"functionDeclarations": [_FUNCTION]}]
# The very function that chat is given.
_CHATS = {"name": TOOL, "description": _FUNCTION["description"], "parametersJsonSchema": PARAMETERS}
_STANDARD = [{"functionDeclarations": [_CHATS]}]
# Types in small letters, and keywords that only JSON Schema has.
_LOWER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "const": "celsius"}},
    "required": ["city", "unit"],
}
_TWO = [{"functionDeclarations": [_FUNCTION, {"name": OTHER, "description": "The time in a city"}]}]
_OWN_CALL = {"role": "model", "parts": [{"functionCall": {"name": TOOL, "args": {"city": "Paris"}}}]}


def _calling(mode: str, *names: str) -> dict[str, Any]:
    allowed = {"allowedFunctionNames": list(names)} if names else {}
    return {"functionCallingConfig": {"mode": mode, **allowed}}


def _ask(mode: str | None, tools: Any = FUNCTIONS, *names: str, contents: Any = None, **how: Any) -> Drafter:
    config = {"toolConfig": _calling(mode, *names)} if mode else {}
    asked = body(contents or _ASK, _BUDGET, tools=tools, **config)
    return lambda context: draft(context, asked, **how)


def _called(context: ProbeContext, probe: str) -> dict[str, Any]:
    """The endpoint's content that calls a function, every part as it came, or ours."""
    view = Evidence(context.target, context.exchanges).view(probe)
    if view is None or not view.succeeded:
        return _OWN_CALL
    try:
        answer = gemini.answer(view)
        usable = all(isinstance(call.get("name"), str) for call in answer.calls)
    except NotTestable:
        return _OWN_CALL
    content = answer.candidates[0].get("content")
    return dict(content) if usable and isinstance(content, dict) else _OWN_CALL


def _results(content: dict[str, Any], response: Any, role: str) -> dict[str, Any]:
    """A response to each call of a content, under its id where it has one."""
    calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
    return {
        "role": role,
        "parts": [
            {
                "functionResponse": {
                    "name": call["name"],
                    "response": response,
                    **({"id": call["id"]} if isinstance(call.get("id"), str) else {}),
                }
            }
            for call in calls
        ],
    }


def _round_trip(probe: str, role: str = "user", response: Any = None, **config: Any) -> Drafter:
    def asked(context: ProbeContext) -> Draft:
        content = _called(context, probe)
        history = [*_ASK, content, _results(content, response or RESULT, role)]
        asked = body(history, {"maxOutputTokens": 2048, **config}, tools=FUNCTIONS)
        return draft(context, asked, model=thinker(context) if config else None)

    return asked


def _on_text_model(context: ProbeContext) -> Draft:
    model = model_where(context, "without tools", lambda model: "tools" not in model.capabilities)
    return draft(context, body(_ASK, _BUDGET, tools=FUNCTIONS), model=model)


def _thinking(context: ProbeContext) -> Draft:
    config = {"maxOutputTokens": 2048, "thinkingConfig": {"includeThoughts": True}}
    asked = body(_ASK, config, tools=FUNCTIONS, toolConfig=_calling("ANY"))
    return draft(context, asked, model=thinker(context))


_ON, _FORCED = "gemini.functions", "gemini.functions.forced"
_LOWER_TOOL = [{"functionDeclarations": [{**_FUNCTION, "parameters": _LOWER}]}]

TABLE = (
    Probe("gemini.functions.auto", _ask(None), capability=_ON),
    Probe("gemini.functions.validated", _ask("VALIDATED"), capability=_ON),
    Probe("gemini.functions.none", _ask("NONE"), capability=_ON),
    Probe("gemini.functions.forced", _ask("ANY"), capability=_FORCED),
    Probe("gemini.functions.allowed", _ask("ANY", _TWO, OTHER), capability=_FORCED),
    Probe("gemini.functions.standard-schema", _ask("ANY", _STANDARD), capability=_FORCED),
    Probe("gemini.functions.lower-types", _ask("ANY", _LOWER_TOOL), capability=_FORCED),
    Probe("gemini.functions.stream", _ask("ANY", operation=STREAM, query=SSE), capability=_FORCED),
    Probe("gemini.functions.parallel", _ask("ANY", contents=_TWICE), capability="gemini.functions.parallel"),
    Probe("gemini.functions.thinking", _thinking, needs=("models.list",), capability="gemini.thoughts"),
    Probe("gemini.functions.round-trip", _round_trip(_FORCED), needs=(_FORCED,), capability=_ON),
    Probe(
        "gemini.functions.function-role", _round_trip(_FORCED, "function"), needs=(_FORCED,), capability=_ON
    ),
    Probe(
        "gemini.functions.signed",
        _round_trip("gemini.functions.thinking", thinkingConfig={"includeThoughts": True}),
        needs=("gemini.functions.thinking",),
        capability="gemini.thoughts",
    ),
    Probe(
        "gemini.functions.text-response",
        _round_trip(_FORCED, response="clear"),
        needs=(_FORCED,),
        capability=_ON,
    ),
    Probe("gemini.functions.unknown-name", _ask("ANY", FUNCTIONS, "no_such_function"), capability=_FORCED),
    Probe("gemini.functions.text-only", _on_text_model, needs=("models.list",), capability=_ON),
)

"""Responses request documents → what is asked of the engine, or the problem with them.

The schema has been checked before; here are the rules that a schema cannot say. Optional parameters that do
not change the meaning of an answer are repeated and else ignored; those that would change it and are not
supported are refused, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_server.dialects.openai_responses import items, tools
from wiremark_server.dialects.openai_responses.sealed import Seals
from wiremark_server.dialects.validation import RequestSchema, check_schema
from wiremark_server.domain import problem
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import Generation, OutputFormat, Turn

_SCHEMA = RequestSchema("openai/responses.request")
_INTEGERS = ("max_output_tokens", "max_tool_calls", "top_logprobs")
_UNSUPPORTED = {
    "conversation": "this server keeps no conversations; use 'previous_response_id', or send all items",
    "prompt": "this server keeps no prompts; send 'instructions' and 'input'",
    "context_management": "this server does not compact conversations",
    "moderation": "this server does not moderate",
}
LOGPROBS = "message.output_text.logprobs"
SEALED_REASONING = "reasoning.encrypted_content"
# Settings that the answer repeats, and what they are when the request says nothing.
_DEFAULTS: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def check(document: Mapping[str, Any]) -> None:
    """Raise ProblemError (400) with the JSON path of what the schema does not allow."""
    _SCHEMA.check(dict(document))


def decode(
    document: Mapping[str, Any], request_id: str, earlier: Sequence[items.Item], seals: Seals
) -> Asked:
    """Raise ProblemError (400) with the JSON path of what is wrong.

    document: checked already
    earlier:  items of the conversation that the request continues
    """
    for name, reason in _UNSUPPORTED.items():
        if document.get(name):
            raise problem.invalid_request(f"Unsupported parameter: '{name}'; {reason}.", name)
    for name in _INTEGERS:
        if isinstance(document.get(name), float):
            raise problem.invalid_request(
                f"Invalid type for '{name}': expected an integer, got a decimal number.", name
            )
    conversation = items.read(earlier, items.as_items(document["input"]), seals)
    turns = conversation.turns
    if document.get("instructions"):
        turns = (Turn("system", document["instructions"]), *turns)
    if not turns:
        raise problem.invalid_request("Invalid value for 'input': there is nothing to answer.", "input")
    offered = tools.read_tools(document.get("tools") or ())
    include = document.get("include") or ()
    reasoning = document.get("reasoning") or {}
    generation = Generation(
        request_id=request_id,
        model=document["model"],
        turns=turns,
        tools=offered,
        tool_choice=tools.read_choice(document.get("tool_choice"), offered),
        parallel_tool_calls=document.get("parallel_tool_calls") is not False,
        output=_output((document.get("text") or {}).get("format")),
        max_tokens=document.get("max_output_tokens"),
        logprobs=(document.get("top_logprobs") or 0) if LOGPROBS in include else None,
        reasoning=bool(reasoning) and reasoning.get("effort") != "none",
        truncate=document.get("truncation") == "auto",
    )
    return Asked(
        generation=generation,
        stream=bool(document.get("stream")),
        include_usage=True,
        image_param=conversation.image_param,
        tool_bearing=bool(offered) or any(turn.role == "tool" or turn.tool_calls for turn in turns),
        output_param="text.format",
        seal_reasoning=SEALED_REASONING in include,
        settings=_settings(document),
    )


def _output(form: Mapping[str, Any] | None) -> OutputFormat:
    if form is None or form["type"] == "text":
        return OutputFormat()
    if form["type"] == "json_object":
        return OutputFormat("json_object")
    check_schema(form["schema"], "text.format.schema", strict=bool(form.get("strict")))
    return OutputFormat("json_schema", form["schema"])


def _settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a request as its answer repeats them, defaults filled in."""
    given = {name: document[name] for name in _DEFAULTS if document.get(name) is not None}
    reasoning = document.get("reasoning") or {}
    text = document.get("text") or {}
    return {
        **_DEFAULTS,
        **given,
        "background": bool(document.get("background")),
        "reasoning": {
            "effort": reasoning.get("effort"),
            "summary": reasoning.get("summary") or reasoning.get("generate_summary"),
        },
        "text": {"format": _format(text.get("format")), "verbosity": text.get("verbosity") or "medium"},
        "tools": [tools.echoed(entry) for entry in document.get("tools") or ()],
    }


def _format(form: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if form is None or form["type"] != "json_schema":
        return {"type": form["type"] if form else "text"}
    return {"description": None, "strict": False, **form}

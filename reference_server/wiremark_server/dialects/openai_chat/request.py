"""Chat request documents → what is asked of the engine, or the problem with them.

The schema has been checked before; here are the rules that a schema cannot say. Optional parameters that do
not change the meaning of an answer (`user`, `metadata`, `temperature`, …) and unknown ones are ignored; those
that would change it and are not supported are refused, never dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wiremark_server.dialects.openai_chat.tools import read_choice, read_tools
from wiremark_server.dialects.openai_chat.turns import read_turns
from wiremark_server.dialects.openai_params import stop_sequences, streaming
from wiremark_server.dialects.validation import RequestSchema, check_integers, check_schema
from wiremark_server.domain import problem
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import Generation, OutputFormat

_SCHEMA = RequestSchema("openai/chat.request")
_INTEGERS = ("max_tokens", "max_completion_tokens", "n", "top_logprobs", "seed")
_TEXT = OutputFormat()
_UNSUPPORTED = {
    "functions": "use 'tools' in place of the deprecated 'functions'",
    "function_call": "use 'tool_choice' in place of the deprecated 'function_call'",
    "audio": "this server does not speak",
    "web_search_options": "this server does not search the web",
}


def decode(document: Mapping[str, Any], request_id: str) -> Asked:
    """Raise ProblemError (400) with the JSON path of what is wrong."""
    _SCHEMA.check(document)  # type: ignore[arg-type]
    _refuse_unsupported(document)
    check_integers(document, _INTEGERS)
    stream, include_usage = streaming(document)
    conversation = read_turns(document["messages"])
    tools = read_tools(document["tools"]) if document.get("tools") else ()
    generation = Generation(
        request_id=request_id,
        model=document["model"],
        turns=conversation.turns,
        tools=tools,
        tool_choice=read_choice(document.get("tool_choice"), tools),
        parallel_tool_calls=document.get("parallel_tool_calls") is not False,
        output=_output(document["response_format"]) if document.get("response_format") else _TEXT,
        max_tokens=_budget(document),
        stop=stop_sequences(document.get("stop")),
        seed=document.get("seed"),
        n=document.get("n") or 1,
        logprobs=(document.get("top_logprobs") or 0) if document.get("logprobs") else None,
        reasoning=_reasons(document),
    )
    return Asked(
        generation=generation,
        stream=stream,
        include_usage=include_usage,
        image_param=conversation.image_param,
        tool_bearing=bool(tools) or conversation.tool_bearing,
    )


# Switches of other vendors, and when they are on: OpenRouter's two, DeepSeek's, Qwen's, and vLLM's for that.
_SWITCHES: Mapping[str, Callable[[Any], bool]] = {
    "reasoning": lambda found: isinstance(found, Mapping) and _wanted(found),
    "include_reasoning": lambda found: found is True,
    "thinking": lambda found: isinstance(found, Mapping) and found.get("type") == "enabled",
    "enable_thinking": lambda found: found is True,
    "chat_template_kwargs": lambda found: isinstance(found, Mapping) and found.get("enable_thinking") is True,
}


def _reasons(document: Mapping[str, Any]) -> bool:
    """Asked for by an effort, or by a switch."""
    if document.get("reasoning_effort") not in {None, "none"}:
        return True
    return any(name in document and on(document[name]) for name, on in _SWITCHES.items())


def _wanted(reasoning: Mapping[str, Any]) -> bool:
    if reasoning.get("enabled") is False or reasoning.get("effort") == "none":
        return False
    return any(reasoning.get(name) for name in ("enabled", "effort", "max_tokens"))


def _refuse_unsupported(document: Mapping[str, Any]) -> None:
    if not _UNSUPPORTED.keys().isdisjoint(document):
        for name in _UNSUPPORTED:
            if document.get(name) is not None:
                raise problem.invalid_request(f"Unsupported parameter: '{name}'; {_UNSUPPORTED[name]}.", name)
    if "audio" in (document.get("modalities") or ()):
        raise problem.invalid_request(
            "Unsupported value: 'modalities' may only ask for \"text\".", "modalities"
        )


def _budget(document: Mapping[str, Any]) -> int | None:
    """Of both names for the completion limit, the smaller one holds."""
    older: int | None = document.get("max_tokens")
    newer: int | None = document.get("max_completion_tokens")
    if older is None or newer is None:
        return older if newer is None else newer
    return min(older, newer)


def _output(form: Mapping[str, Any]) -> OutputFormat:
    if form["type"] == "text":
        return _TEXT
    if form["type"] == "json_object":
        return OutputFormat("json_object")
    wanted = form["json_schema"]
    schema = wanted.get("schema")
    if schema is None:
        param = "response_format.json_schema.schema"
        raise problem.invalid_request(f"Missing required parameter: '{param}'.", param)
    check_schema(schema, "response_format.json_schema.schema", strict=bool(wanted.get("strict")))
    return OutputFormat("json_schema", schema)

"""Requests for content → what is asked of the engine, or the problem with them.

Optional fields that do not change the meaning of an answer (`topK`, `labels`, `mediaResolution`, …) are
ignored; those that would change it and are not supported are refused, never dropped, and so are unknown ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_server.dialects.format import RequestHead
from wiremark_server.dialects.gemini import turns
from wiremark_server.dialects.gemini.names import normalised
from wiremark_server.dialects.gemini.parts import PartReader
from wiremark_server.dialects.gemini.schema import to_json_schema
from wiremark_server.dialects.signature import Signatures
from wiremark_server.dialects.validation import RequestSchema, check_schema
from wiremark_server.domain import problem
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import Generation, OutputFormat, Tool, ToolChoice

_SCHEMA = RequestSchema("gemini/generate.request")
_COUNT_SCHEMA = RequestSchema("gemini/count_tokens.request")
_CONFIG = "generationConfig"
_MAX_TOOLS = 128
_UNSUPPORTED = ("speechConfig", "imageConfig")
_DANGEROUS, _UNBLOCKED = "HARM_CATEGORY_DANGEROUS_CONTENT", ("BLOCK_NONE", "OFF")


def model_id(head: RequestHead) -> str:
    """The model that the path names, whether or not its collection is repeated."""
    return head.parameters["model"].removeprefix("models/")


def decode(
    document: Mapping[str, Any], request_id: str, head: RequestHead, signatures: Signatures, *, stream: bool
) -> Asked:
    """Raise ProblemError (400) with the JSON path of what is wrong."""
    asked = normalised(document, "generate.request")
    _SCHEMA.check(asked)
    return _decode(asked, request_id, head, signatures, stream=stream)


def decode_count(
    document: Mapping[str, Any], request_id: str, head: RequestHead, signatures: Signatures
) -> Asked:
    """The same for the counting of tokens, of a whole request or of contents alone."""
    asked = normalised(document, "count_tokens.request")
    _COUNT_SCHEMA.check(asked)
    return _decode(asked.get("generateContentRequest") or asked, request_id, head, signatures, stream=False)


def _decode(
    asked: Mapping[str, Any], request_id: str, head: RequestHead, signatures: Signatures, *, stream: bool
) -> Asked:
    if asked.get("cachedContent"):
        raise problem.invalid_request(
            "Unsupported value for 'cachedContent': this server keeps no contents.", "cachedContent"
        )
    config = asked.get(_CONFIG) or {}
    _refuse_unsupported(config)
    conversation = turns.read(asked["contents"], asked.get("systemInstruction"), PartReader(signatures))
    tools = _tools(asked.get("tools") or ())
    calling = (asked.get("toolConfig") or {}).get("functionCallingConfig") or {}
    thinks = _thinks(config.get("thinkingConfig") or {})
    output_param, output = _output(config)
    generation = Generation(
        request_id=request_id,
        model=model_id(head),
        turns=conversation.turns,
        tools=tools,
        tool_choice=_tool_choice(calling, tools),
        output=output,
        max_tokens=config.get("maxOutputTokens"),
        stop=tuple(config.get("stopSequences") or ()),
        seed=config.get("seed"),
        n=config.get("candidateCount") or 1,
        logprobs=_logprobs(config),
        reasoning=thinks,
        continues=conversation.continues,
        filtered=not _lifted(asked.get("safetySettings") or ()),
    )
    return Asked(
        generation=generation,
        stream=stream,
        include_usage=True,
        image_param=conversation.image_param,
        tool_bearing=bool(tools)
        or any(turn.role == "tool" or turn.tool_calls for turn in conversation.turns),
        output_param=output_param,
        reasoning_param=f"{_CONFIG}.thinkingConfig" if thinks else None,
        hide_reasoning=not (config.get("thinkingConfig") or {}).get("includeThoughts"),
        framing=_framing(head) if stream else "events",
    )


def _framing(head: RequestHead) -> Any:
    alternative = head.query.get("alt") or head.query.get("$alt") or "json"
    if alternative not in {"sse", "json"}:
        raise problem.invalid_request(
            f"Invalid value for 'alt': expected 'sse' or 'json', got {alternative!r}.", "alt"
        )
    return "events" if alternative == "sse" else "array"


def _refuse_unsupported(config: Mapping[str, Any]) -> None:
    for name in _UNSUPPORTED:
        if config.get(name):
            param = f"{_CONFIG}.{name}"
            raise problem.invalid_request(
                f"Unsupported parameter: '{param}'; this server writes text.", param
            )
    if any(kind.upper() != "TEXT" for kind in config.get("responseModalities") or ()):
        param = f"{_CONFIG}.responseModalities"
        raise problem.invalid_request(f"Unsupported value for '{param}': this server writes text.", param)


def _lifted(settings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the client has turned off the filter that this server plays."""
    return any(one["category"] == _DANGEROUS and one["threshold"] in _UNBLOCKED for one in settings)


def _logprobs(config: Mapping[str, Any]) -> int | None:
    if config.get("responseLogprobs"):
        return config.get("logprobs") or 0
    if config.get("logprobs") is not None:
        param = f"{_CONFIG}.logprobs"
        raise problem.invalid_request(f"Invalid value for '{param}': it needs 'responseLogprobs'.", param)
    return None


def _thinks(thinking: Mapping[str, Any]) -> bool:
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    if budget is not None and level:
        param = f"{_CONFIG}.thinkingConfig"
        raise problem.invalid_request(
            f"Invalid value for '{param}': give 'thinkingBudget' or 'thinkingLevel', not both.", param
        )
    return budget != 0 and bool(budget or level or thinking.get("includeThoughts"))


# -- functions and output ---------------------------------------------------------------------------------


def _tools(entries: Sequence[Mapping[str, Any]]) -> tuple[Tool, ...]:
    tools: dict[str, Tool] = {}
    for position, entry in enumerate(entries):
        param = f"tools[{position}]"
        others = [name for name in entry if name != "functionDeclarations"]
        if others:
            where = f"{param}.{others[0]}"
            raise problem.invalid_request(
                f"Unsupported value for '{where}': only 'functionDeclarations'; this server has no tools.",
                where,
            )
        for number, declaration in enumerate(entry.get("functionDeclarations") or ()):
            where, name = f"{param}.functionDeclarations[{number}]", declaration["name"]
            if name in tools:
                raise problem.invalid_request(
                    f"Duplicate function declaration found: {name}. Names must be unique.", f"{where}.name"
                )
            tools[name] = Tool(name, declaration.get("description") or "", _parameters(declaration, where))
    if len(tools) > _MAX_TOOLS:
        raise problem.invalid_request(
            f"Invalid value for 'tools': expected at most {_MAX_TOOLS} functions.", "tools"
        )
    return tuple(tools.values())


def _parameters(declaration: Mapping[str, Any], param: str) -> Mapping[str, Any] | None:
    if "parameters" in declaration and "parametersJsonSchema" in declaration:
        raise problem.invalid_request(
            f"Invalid value for '{param}': give 'parameters' or 'parametersJsonSchema', not both.", param
        )
    if "parameters" in declaration:
        found: Any = to_json_schema(declaration["parameters"])
        name = "parameters"
    else:
        found, name = declaration.get("parametersJsonSchema"), "parametersJsonSchema"
    if found is None or isinstance(found, bool):
        return None
    check_schema(found, f"{param}.{name}", strict=False)
    described: Mapping[str, Any] = found
    return described


def _tool_choice(calling: Mapping[str, Any], tools: tuple[Tool, ...]) -> ToolChoice:
    param = "toolConfig.functionCallingConfig"
    mode, names = calling.get("mode", "AUTO"), tuple(calling.get("allowedFunctionNames") or ())
    if calling.get("streamFunctionCallArguments"):
        where = f"{param}.streamFunctionCallArguments"
        raise problem.invalid_request(f"Unsupported value for '{where}': calls come whole.", where)
    if names and mode not in {"ANY", "VALIDATED"}:
        where = f"{param}.allowedFunctionNames"
        raise problem.invalid_request(
            f"Invalid value for '{where}': it is set only if the mode is ANY or VALIDATED.", where
        )
    known = {tool.name for tool in tools}
    unknown = [name for name in names if name not in known]
    if unknown:
        where = f"{param}.allowedFunctionNames"
        raise problem.invalid_request(
            f"Invalid value for '{where}': 'tools' has no function {unknown[0]!r}.", where
        )
    if mode == "ANY" and not tools:
        raise problem.invalid_request(
            f"Invalid value for '{param}.mode': ANY needs functions to choose from.", f"{param}.mode"
        )
    if mode == "NONE" or not tools:
        return ToolChoice("none")
    return ToolChoice("required" if mode == "ANY" else "auto", names)


_ENUM = "text/x.enum"
_MEDIA_TYPES = ("text/plain", "application/json", _ENUM)


def _output(config: Mapping[str, Any]) -> tuple[str, OutputFormat]:
    """What the text is held to, and the path of it."""
    param = f"{_CONFIG}.responseMimeType"
    kind = config.get("responseMimeType") or "text/plain"
    given = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if kind not in _MEDIA_TYPES:
        expected = " or ".join(repr(name) for name in _MEDIA_TYPES)
        raise problem.invalid_request(f"Unsupported value for '{param}': expected {expected}.", param)
    if not given and kind == _ENUM:
        raise problem.invalid_request(
            f"Invalid value for '{param}': {_ENUM} needs a 'responseSchema'.", param
        )
    if not given:
        return param, OutputFormat("text" if kind == "text/plain" else "json_object")
    param = f"{_CONFIG}.{given[0]}"
    if len(given) > 1 or kind == "text/plain":
        raise problem.invalid_request(
            f"Invalid value for '{param}': one schema is taken, and a 'responseMimeType' that is not plain.",
            param,
        )
    schema = config[given[0]]
    if given[0] == "responseSchema":
        schema = to_json_schema(schema)
    check_schema(schema, param, strict=False)
    if kind != _ENUM:
        return param, OutputFormat("json_schema", schema)
    words = schema.get("enum") if isinstance(schema, dict) else None
    if not words or not all(isinstance(word, str) for word in words):
        raise problem.invalid_request(
            f"Invalid value for '{param}': {_ENUM} takes a STRING with an 'enum' of words to choose from.",
            param,
        )
    return param, OutputFormat("word", schema)

"""Chat Completions as a client speaks it: work as a request, a provider's chunks as deltas. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wiremark_server.domain.generation import (
    Delta,
    Finish,
    FinishReason,
    Generation,
    OutputFormat,
    ReasoningDelta,
    TextDelta,
    TokenLogprob,
    Tool,
    ToolArgumentsDelta,
    ToolCallStart,
    ToolChoice,
    Turn,
    Usage,
)
from wiremark_server.routing.upstream import UpstreamError, Work

# Of the client's own document: what a generation does not hold, or not in full.
_PASSED_ON = (
    "messages",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logit_bias",
    "reasoning_effort",
    "tools",
    "tool_choice",
    "response_format",
)
_FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def request(work: Work) -> dict[str, Any]:
    """The streaming chat request that asks a provider for the work."""
    generation = work.generation
    optional = {
        "max_tokens": generation.max_tokens,
        "stop": list(generation.stop) or None,
        "seed": generation.seed,
        "n": generation.n if generation.n > 1 else None,
        "logprobs": generation.logprobs is not None or None,
        "top_logprobs": generation.logprobs or None,
        "parallel_tool_calls": None if generation.parallel_tool_calls or not generation.tools else False,
        **(_described(generation) if work.document is None else {}),
        **{name: (work.document or {}).get(name) for name in _PASSED_ON if name in (work.document or {})},
    }
    return {
        **{name: value for name, value in optional.items() if value is not None},
        "model": work.model,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _described(generation: Generation) -> Mapping[str, Any]:
    """Conversation, tools and output of a request that came in another format."""
    tools = [_tool(tool) for tool in generation.tools]
    return {
        "messages": [_message(turn) for turn in generation.turns],
        "tools": tools or None,
        "tool_choice": _tool_choice(generation.tool_choice) if tools else None,
        "response_format": _response_format(generation.output),
    }


def _message(turn: Turn) -> Mapping[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": turn.text}
    if turn.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.tool_calls
        ]
    if turn.tool_call_id is not None:
        message["tool_call_id"] = turn.tool_call_id
    return message


def _tool(tool: Tool) -> Mapping[str, Any]:
    parameters = {} if tool.parameters is None else {"parameters": tool.parameters}
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, **parameters},
    }


def _tool_choice(choice: ToolChoice) -> Any:
    if choice.mode == "required" and len(choice.names) == 1:
        return {"type": "function", "function": {"name": choice.names[0]}}
    return choice.mode


def _response_format(output: OutputFormat) -> Mapping[str, Any] | None:
    if output.kind == "text":
        return None
    if output.kind == "json_object":
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": output.schema}}


class Chunks:
    """Turns a provider's chunks into deltas; keeps what it says of tokens.

    usage:    as the provider counted; None as long as it has not told
    finished: every choice that began has ended
    """

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._open: set[int] = set()
        self._done: set[int] = set()
        self._calls: dict[int, dict[int, int]] = {}  # choice → the provider's index of a call → ours

    @property
    def finished(self) -> bool:
        return bool(self._done) and not self._open

    def read(self, chunk: Mapping[str, Any]) -> list[Delta]:
        """The deltas of one chunk. Raises UpstreamError for an error, and for what is no chunk."""
        if chunk.get("error"):
            raise UpstreamError("the provider reports an error in its stream")
        try:
            usage = chunk.get("usage")
            if usage:
                self.usage = _usage(usage)
            return [delta for choice in chunk.get("choices") or () for delta in self._choice(choice)]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UpstreamError(f"a chunk is not in the agreed form: {type(error).__name__}") from None

    def _choice(self, choice: Mapping[str, Any]) -> Iterator[Delta]:
        index = int(choice.get("index") or 0)
        delta = choice.get("delta") or {}
        if index not in self._done:
            self._open.add(index)
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought:
            yield ReasoningDelta(index, str(thought))
        if delta.get("content"):
            yield TextDelta(index, str(delta["content"]), _logprobs(choice.get("logprobs")))
        for call in delta.get("tool_calls") or ():
            yield from self._call(index, call)
        if choice.get("finish_reason"):
            self._open.discard(index)
            self._done.add(index)
            yield Finish(index, _FINISH.get(choice["finish_reason"], "stop"))

    def _call(self, choice: int, call: Mapping[str, Any]) -> Iterator[Delta]:
        known = self._calls.setdefault(choice, {})
        theirs = int(call.get("index") or 0)
        function = call.get("function") or {}
        if theirs not in known:
            known[theirs] = len(known)
            yield ToolCallStart(choice, known[theirs], str(call["id"]), str(function["name"]))
        if function.get("arguments"):
            yield ToolArgumentsDelta(choice, known[theirs], str(function["arguments"]))


def _usage(document: Mapping[str, Any]) -> Usage:
    prompt = document.get("prompt_tokens_details") or {}
    completion = document.get("completion_tokens_details") or {}
    return Usage(
        int(document["prompt_tokens"]),
        int(document["completion_tokens"]),
        int(prompt.get("cached_tokens") or 0),
        int(completion.get("reasoning_tokens") or 0),
    )


def _logprobs(document: Mapping[str, Any] | None) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(
            str(entry["token"]),
            float(entry["logprob"]),
            tuple((str(top["token"]), float(top["logprob"])) for top in entry.get("top_logprobs") or ()),
        )
        for entry in (document or {}).get("content") or ()
    )

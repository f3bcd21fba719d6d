"""What a well-behaved endpoint answers to the probes of the Responses format."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_conformance.probes import PROBES
from wiremark_conformance.probes.responses import SETTINGS
from wiremark_conformance.probes.responses_tools import BOTH, CUSTOM, CUSTOM_TOOLS, OTHER_TOOL, TOOLS

MODEL = "deepseek-v4-flash"
CREATED = 1764547200
USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 6,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 26,
}
Given = dict[str, Any]
Item = dict[str, Any]


def said(text: str = "Hello there.", name: str = "msg_1", status: str = "completed", **part: Any) -> Item:
    content = {"type": "output_text", "text": text, "annotations": [], "logprobs": [], **part}
    return {"id": name, "type": "message", "role": "assistant", "status": status, "content": [content]}


def call(name: str = "fc_1", call_id: str = "call_1", city: str = "Paris", tool: str = "get_weather") -> Item:
    return {
        "id": name,
        "type": "function_call",
        "call_id": call_id,
        "name": tool,
        "arguments": f'{{"city": "{city}"}}',
        "status": "completed",
    }


def note() -> Item:
    return {
        "id": "ctc_1",
        "type": "custom_tool_call",
        "call_id": "call_1",
        "name": CUSTOM,
        "input": "Paris is sunny.",
        "status": "completed",
    }


def thought() -> Item:
    return {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "A dozen is 12."}],
        "encrypted_content": "gAAAA",
        "status": "completed",
    }


def document(*output: Item, **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": CREATED,
        "completed_at": CREATED + 1,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": 64,
        "max_tool_calls": None,
        "metadata": {},
        "model": MODEL,
        "output": [copy.deepcopy(item) for item in output],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": copy.deepcopy(USAGE),
        **more,
    }


def cut(*output: Item, **more: Any) -> dict[str, Any]:
    usage = {**copy.deepcopy(USAGE), "output_tokens": 16, "total_tokens": 36}
    reason = {"reason": "max_output_tokens"}
    return document(*output, status="incomplete", incomplete_details=reason, usage=usage, **more)


# -- streams ----------------------------------------------------------------------------------------------


def _pieces(text: str) -> list[str]:
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def _message(index: int, item: Item) -> list[Item]:
    part = item["content"][0]
    where = {"item_id": item["id"], "output_index": index, "content_index": 0}
    deltas = [
        {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
        for piece in _pieces(part["text"])
    ]
    return [
        {"type": "response.content_part.added", **where, "part": {**part, "text": ""}},
        *deltas,
        {"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []},
        {"type": "response.content_part.done", **where, "part": part},
    ]


def _summary(index: int, item: Item) -> list[Item]:
    part = item["summary"][0]
    where = {"item_id": item["id"], "output_index": index, "summary_index": 0}
    deltas = [
        {"type": "response.reasoning_summary_text.delta", **where, "delta": piece}
        for piece in _pieces(part["text"])
    ]
    return [
        {"type": "response.reasoning_summary_part.added", **where, "part": {**part, "text": ""}},
        *deltas,
        {"type": "response.reasoning_summary_text.done", **where, "text": part["text"]},
        {"type": "response.reasoning_summary_part.done", **where, "part": part},
    ]


def _call(index: int, item: Item) -> list[Item]:
    function = item["type"] == "function_call"
    key = "arguments" if function else "input"
    family = "response.function_call_arguments" if function else "response.custom_tool_call_input"
    where = {"item_id": item["id"], "output_index": index}
    return [
        *({"type": f"{family}.delta", **where, "delta": piece} for piece in _pieces(item[key])),
        {"type": f"{family}.done", **where, key: item[key]},
    ]


_INSIDE = {"message": _message, "reasoning": _summary, "function_call": _call, "custom_tool_call": _call}
_EMPTY: Mapping[str, dict[str, Any]] = {
    "message": {"content": []},
    "reasoning": {"summary": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
}


def events(final: dict[str, Any], queued: bool = False) -> list[dict[str, Any]]:
    """The events that lead to this response."""
    begun = {**final, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    told: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    if queued:
        told.append({"type": "response.queued", "response": {**begun, "status": "queued"}})
    told.append({"type": "response.in_progress", "response": begun})
    for index, item in enumerate(final["output"]):
        added = {**item, **_EMPTY[item["type"]], "status": "in_progress"}
        told.append({"type": "response.output_item.added", "output_index": index, "item": added})
        told += _INSIDE[item["type"]](index, item)
        told.append({"type": "response.output_item.done", "output_index": index, "item": item})
    told.append({"type": f"response.{final['status']}", "response": final})
    return [{**copy.deepcopy(event), "sequence_number": number} for number, event in enumerate(told)]


def stream(final: dict[str, Any], queued: bool = False) -> Given:
    return framed([*events(final, queued), "[DONE]"])


def framed(chunks: Sequence[Any]) -> Given:
    return {
        "headers": {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"},
        "named": True,
        "chunks": list(chunks),
    }


def whole(body: Any) -> Given:
    return {"headers": {"content-type": "application/json"}, "body": body}


def error(status: int, kind: str = "invalid_request") -> Given:
    told = {"message": "It cannot be done.", "type": kind, "param": None, "code": None}
    return {"status": status, "headers": {"content-type": "application/json"}, "body": {"error": told}}


def _listed(name: str, text: str) -> Item:
    content = [{"type": "input_text", "text": text}]
    return {"id": name, "type": "message", "role": "user", "status": "completed", "content": content}


def _page() -> dict[str, Any]:
    return {
        "object": "list",
        "data": [_listed("item_3", "Say hello."), _listed("item_2", "Two.")],
        "first_id": "item_3",
        "last_id": "item_2",
        "has_more": True,
    }


_LOGPROBS = [
    {"token": text, "logprob": -0.1, "bytes": list(text.encode()), "top_logprobs": []}
    for text in ("Hello", " there", ".")
]
_FORM = {"type": "json_schema", "name": "weather", "strict": True, "schema": {}}
_THINKING = {"reasoning": {"effort": "low", "summary": "auto"}, "model": "thinker"}
_THOUGHT_USAGE = {**USAGE, "output_tokens_details": {"reasoning_tokens": 4}}
_REFUSED = {
    **dict.fromkeys(("unknown-model", "unknown-model.stream"), error(404, "not_found")),
}
_MISSING = (
    *("get.unknown", "get.foreign", "get.unstored", "deleted.get", "deleted.again"),
    *("input-items.unknown", "cancel.unknown"),
)


def answers() -> dict[str, Given]:
    """Probe → its answer, for every probe of the format; most get the plain response."""
    plain = document(said())
    tools = {"tools": TOOLS, "tool_choice": {"type": "function", "name": "get_weather"}}
    customs = {"tools": CUSTOM_TOOLS, "tool_choice": "required"}
    settings = {key: value for key, value in SETTINGS.items() if key != "store"}
    background = {"id": "resp_9", "background": True}
    thinking = {**_THINKING, "usage": _THOUGHT_USAGE}
    good: dict[str, Given] = {
        "plain": whole(plain),
        "items": whole(document(said(), id="resp_2")),
        "settings": whole(document(said(), id="resp_3", store=False, **settings)),
        "max-tokens": whole(cut(said("1 2 3 4", status="incomplete"))),
        "json": whole(document(said('{"answer": 42}'))),
        "json-schema": whole(
            document(said('{"city": "Paris", "sunny": true}'), text={"format": _FORM, "verbosity": "medium"})
        ),
        "logprobs": whole(document(said(logprobs=_LOGPROBS))),
        "reasoning": whole(document(thought(), said(), **thinking)),
        "reasoning.stream": stream(document(thought(), said(), **thinking)),
        "stream": stream(document(said(), id="resp_4")),
        "max-tokens.stream": stream(cut(said("1 2 3 4", status="incomplete"))),
        "input-tokens": whole({"object": "response.input_tokens", "input_tokens": 20}),
        "tools.forced": whole(document(call(), **tools)),
        "tools.stream": stream(document(call(), tools=TOOLS, tool_choice="required")),
        "tools.parallel": stream(
            document(call(), call("fc_2", "call_2", "Oslo"), tools=TOOLS, tool_choice="required")
        ),
        "tools.allowed": whole(document(call(tool=OTHER_TOOL), tools=BOTH)),
        "tools.none": whole(document(said(), tools=TOOLS, tool_choice="none")),
        "tools.custom": whole(document(note(), **customs)),
        "tools.custom.stream": stream(document(note(), **customs)),
        "get": whole(plain),
        "get.streamed": whole(document(said(), id="resp_4")),
        "input-items": whole(_page()),
        "cancel.waited-for": error(400),
        "auth.no-key": error(401),
        "auth.wrong-key": error(401),
        "nulls": whole(document(said(), id="resp_12")),
        "alone": whole(document(said(), id="resp_6")),
        "continued": whole(
            document(
                said(),
                id="resp_7",
                previous_response_id="resp_1",
                usage={**USAGE, "input_tokens": 40, "total_tokens": 46},
            )
        ),
        "continued.stream": stream(document(said(), id="resp_8", previous_response_id="resp_4")),
        "continued.unknown": error(400),
        "continued.unstored": error(400),
        "background": whole(document(**background, status="queued", usage=None)),
        "background.get": whole(document(said(), **background)),
        "background.cancel": whole(document(**background, status="cancelled", usage=None)),
        "background.stream": stream(document(said(), id="resp_11", background=True), queued=True),
        "deleted": whole({"id": "resp_12", "object": "response", "deleted": True}),
        "deleted.empty-json": whole({"id": "resp_2", "object": "response", "deleted": True}),
    }
    resumed = [*copy.deepcopy(good["background.stream"]["chunks"][2:])]
    good["background.resume"] = framed(resumed)
    good.update({name: error(404, "not_found") for name in _MISSING})
    found: dict[str, Given] = {}
    for probe in PROBES:
        if not is_ours(probe):
            continue
        name = probe.removeprefix("responses.")
        refused = name.startswith("errors.")
        default = _REFUSED.get(name.removeprefix("errors."), error(400)) if refused else whole(plain)
        found[probe] = copy.deepcopy(good.get(name, default))
    return found


def is_ours(probe: str) -> bool:
    return probe.startswith("responses.")

"""The items of an answer, as its deltas make them, and what there is to tell of each step.

One item is open at a time: reasoning first, then a message or calls. Whoever listens hears of each event by
name and fields; texts are told piece by piece and once more whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wiremark_server.dialects.format import Reply
from wiremark_server.dialects.openai_responses.sealed import Seals
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    TokenLogprob,
    ToolArgumentsDelta,
    ToolCallStart,
)

Listener = Callable[[str, Mapping[str, Any]], None]

_PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
_CALLS = {  # type of a call → the key of its text, the events of it
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}


@dataclass(slots=True)
class _Open:
    """The item that is being made; `pieces` of its text so far."""

    item: dict[str, Any]
    where: Mapping[str, Any]  # item_id and output_index
    pieces: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Output:
    """items: those that are complete; finish: why the answer stopped, None before it has."""

    def __init__(self, reply: Reply, seals: Seals, listen: Listener) -> None:
        self.items: list[dict[str, Any]] = []
        self.finish: FinishReason | None = None
        self._seals = seals
        self._listen = listen
        self._name = reply.request_id.removeprefix("req_")
        self._summary = reply.asked.settings["reasoning"]["summary"] is not None
        self._sealed = reply.asked.seal_reasoning
        self._free = frozenset(tool.name for tool in reply.asked.generation.tools if tool.free)
        self._open: _Open | None = None

    def add(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            match delta:
                case TextDelta():
                    self._text(delta)
                case ToolArgumentsDelta():
                    self._arguments(delta.fragment)
                case ToolCallStart():
                    self._call(delta)
                case ReasoningDelta():
                    self._think(delta.text)
                case Finish():
                    self._end(delta.reason)

    # -- by kind of delta -------------------------------------------------------------------------------

    def _text(self, delta: TextDelta) -> None:
        opened = self._opened("message")
        opened.pieces.append(delta.text)
        opened.logprobs.extend(delta.logprobs)
        self._listen(
            "response.output_text.delta",
            {
                **opened.where,
                "content_index": 0,
                "delta": delta.text,
                "logprobs": logprobs_document(delta.logprobs, with_bytes=False),
            },
        )

    def _think(self, text: str) -> None:
        opened = self._opened("reasoning")
        opened.pieces.append(text)
        if self._summary:
            self._listen(
                "response.reasoning_summary_text.delta", {**opened.where, "summary_index": 0, "delta": text}
            )

    def _call(self, delta: ToolCallStart) -> None:
        self._close("completed")
        kind = "custom_tool_call" if delta.name in self._free else "function_call"
        key, _ = _CALLS[kind]
        self._start({"type": kind, "call_id": delta.id, "name": delta.name, key: ""})

    def _arguments(self, fragment: str) -> None:
        opened = self._open
        assert opened is not None  # noqa: S101 - a call's arguments follow its start
        opened.pieces.append(fragment)
        _, events = _CALLS[opened.item["type"]]
        self._listen(f"{events}.delta", {**opened.where, "delta": fragment})

    def _end(self, reason: FinishReason) -> None:
        self.finish = reason
        if reason == "stop" and all(item["type"] == "reasoning" for item in self.items):
            self._opened("message")  # an answer of no words is still an answer
        self._close("incomplete" if reason in {"length", "content_filter"} else "completed")

    # -- items ------------------------------------------------------------------------------------------

    def _opened(self, kind: str) -> _Open:
        """The open item, if it is of that kind, else a new one."""
        if self._open is None or self._open.item["type"] != kind:
            self._close("completed")
            empty = {"role": "assistant", "content": []} if kind == "message" else {"summary": []}
            return self._start({"type": kind, **empty})
        return self._open

    def _start(self, item: Mapping[str, Any]) -> _Open:
        index = len(self.items)
        item_id = f"{_PREFIXES[item['type']]}_{self._name}{index:02x}"
        opened = _Open(
            {"id": item_id, **item, "status": "in_progress"}, {"item_id": item_id, "output_index": index}
        )
        self._open = opened
        self._listen("response.output_item.added", {"output_index": index, "item": dict(opened.item)})
        if item["type"] == "message":
            part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            self._listen("response.content_part.added", {**opened.where, "content_index": 0, "part": part})
        elif item["type"] == "reasoning" and self._summary:
            part = {"type": "summary_text", "text": ""}
            self._listen(
                "response.reasoning_summary_part.added", {**opened.where, "summary_index": 0, "part": part}
            )
        return opened

    def _close(self, status: str) -> None:
        """Complete the open item, if there is one."""
        opened, self._open = self._open, None
        if opened is None:
            return
        item = opened.item
        _CLOSING[item["type"]](self, opened)
        item["status"] = status
        self.items.append(item)
        self._listen(
            "response.output_item.done", {"output_index": opened.where["output_index"], "item": item}
        )

    def _close_message(self, opened: _Open) -> None:
        text, where = opened.text, {**opened.where, "content_index": 0}
        part = {
            "type": "output_text",
            "text": text,
            "annotations": [],
            "logprobs": logprobs_document(opened.logprobs),
        }
        short = logprobs_document(opened.logprobs, with_bytes=False)
        self._listen("response.output_text.done", {**where, "text": text, "logprobs": short})
        self._listen("response.content_part.done", {**where, "part": part})
        opened.item["content"] = [part]

    def _close_reasoning(self, opened: _Open) -> None:
        text, where = opened.text, {**opened.where, "summary_index": 0}
        if self._summary:
            part = {"type": "summary_text", "text": text}
            self._listen("response.reasoning_summary_text.done", {**where, "text": text})
            self._listen("response.reasoning_summary_part.done", {**where, "part": part})
            opened.item["summary"] = [part]
        if self._sealed:
            opened.item["encrypted_content"] = self._seals.seal(text, opened.item["id"])

    def _close_call(self, opened: _Open) -> None:
        key, events = _CALLS[opened.item["type"]]
        opened.item[key] = opened.text
        named = {"name": opened.item["name"]} if key == "arguments" else {}
        self._listen(f"{events}.done", {**opened.where, **named, key: opened.text})


_CLOSING: Mapping[str, Callable[[Output, _Open], None]] = {
    "message": Output._close_message,  # noqa: SLF001 - the class's own table
    "reasoning": Output._close_reasoning,  # noqa: SLF001
    "function_call": Output._close_call,  # noqa: SLF001
    "custom_tool_call": Output._close_call,  # noqa: SLF001
}


def logprobs_document(tokens: Sequence[TokenLogprob], *, with_bytes: bool = True) -> list[dict[str, Any]]:
    """The items of answers have the bytes of tokens, the events of streams do not."""
    return [
        {
            **_token(entry.token, entry.logprob, with_bytes),
            "top_logprobs": [_token(token, logprob, with_bytes) for token, logprob in entry.top],
        }
        for entry in tokens
    ]


def _token(token: str, logprob: float, with_bytes: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"token": token, "logprob": logprob}
    return {**told, "bytes": list(token.encode())} if with_bytes else told

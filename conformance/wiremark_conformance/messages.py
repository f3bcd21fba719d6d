"""An answer of the Messages format, whole or streamed, as its clients put it together.

Nothing here judges. What is not there raises NotTestable: that it is missing is another check's finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.order import at
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.values import is_count, members

STOP_REASONS = (
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
)
Event = Mapping[str, Any]


@dataclass(slots=True)
class Block:
    """One content block.

    value: as the client has it in the end; the `input` of a streamed call is None when it is not JSON
    start: as the block was opened in a stream
    json:  the pieces of a streamed input, joined
    """

    value: dict[str, Any]
    start: Mapping[str, Any] = field(default_factory=dict)
    json: str = ""
    deltas: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def type(self) -> Any:
        return self.value.get("type")


@dataclass(frozen=True, slots=True)
class Answer:
    """A message; of a stream the counts of later events replace earlier ones, as the SDKs have it."""

    blocks: tuple[Block, ...]
    stop_reason: Any
    stop_sequence: Any
    usage: Mapping[str, Any]

    def of(self, kind: str) -> list[Block]:
        """The blocks of one type."""
        return [block for block in self.blocks if block.type == kind]

    @property
    def text(self) -> str:
        texts = (block.value.get("text") for block in self.of("text"))
        return "".join(text for text in texts if isinstance(text, str))

    @property
    def calls(self) -> list[Block]:
        """The calls of tools; at least one."""
        found = self.of("tool_use")
        if not found:
            raise NotTestable("the answer calls no tool")
        return found

    def count(self, name: str) -> int:
        """A token count."""
        value = self.usage.get(name)
        if not is_count(value):
            raise NotTestable(f"the usage has no integer {name}")
        return value

    @property
    def total_input(self) -> int:
        """Tokens of the prompt: those from a cache and into it are counted beside `input_tokens`."""
        beside = ("cache_creation_input_tokens", "cache_read_input_tokens")
        cached = [value for name in beside if is_count(value := self.usage.get(name))]
        return self.count("input_tokens") + sum(cached)


def answer(view: View) -> Answer:
    """The message of a whole answer or of a stream; raises NotTestable when there is none."""
    return _streamed(view) if view.is_stream else _whole(view)


def events(view: View) -> tuple[Event, ...]:
    """The JSON objects of a stream, whatever their event names are."""
    return tuple(frame.value for frame in view.frames if isinstance(frame.value, dict))


def of_type(view: View, name: str) -> list[Event]:
    """The events of one type."""
    return [event for event in events(view) if event.get("type") == name]


def start(view: View) -> Mapping[str, Any]:
    """The message that a stream starts with."""
    for event in of_type(view, "message_start"):
        if isinstance(event.get("message"), dict):
            message: Mapping[str, Any] = event["message"]
            return message
    raise NotTestable(f"the stream of {view.probe} has no message_start with a message")


def usage_of(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The usage of a message or of a delta, or an empty one."""
    usage = message.get("usage")
    return members(usage)


def _whole(view: View) -> Answer:
    content = view.object.get("content")
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise NotTestable(f"the answer of {view.probe} has no array of content blocks")
    blocks = tuple(Block(block) for block in content)
    message = view.object
    return Answer(blocks, message.get("stop_reason"), message.get("stop_sequence"), usage_of(message))


_JOINED = (("text_delta", "text"), ("thinking_delta", "thinking"), ("signature_delta", "signature"))


def _streamed(view: View) -> Answer:
    if of_type(view, "error"):
        raise NotTestable(f"the server reports an error in the stream of {view.probe}")
    blocks: dict[str, Block] = {}
    usage = dict(usage_of(start(view)))
    usage.pop("output_tokens", None)  # no more than a beginning; the message_delta has the count
    end: Mapping[str, Any] = {}
    for event in events(view):
        key = repr(event.get("index"))
        match event.get("type"):
            case "content_block_start" if isinstance(event.get("content_block"), dict):
                blocks[key] = Block(dict(event["content_block"]), event["content_block"])
            case "content_block_delta" if key in blocks and isinstance(event.get("delta"), dict):
                _add(blocks[key], event["delta"])
            case "message_delta":
                usage.update({name: n for name, n in usage_of(event).items() if n is not None})
                delta = event.get("delta")
                end = delta if isinstance(delta, dict) else end
    for block in blocks.values():
        if block.json:
            block.value["input"], _ = parse_json(block.json)
    return Answer(tuple(blocks.values()), end.get("stop_reason"), end.get("stop_sequence"), usage)


def _add(block: Block, delta: Mapping[str, Any]) -> None:
    block.deltas.append(delta)
    kind = delta.get("type")
    for name, key in _JOINED:
        piece, so_far = delta.get(key), block.value.get(key, "")
        if kind == name and isinstance(piece, str) and isinstance(so_far, str):
            block.value[key] = so_far + piece
    piece = at("/partial_json", delta)
    if kind == "input_json_delta" and isinstance(piece, str):
        block.json += piece

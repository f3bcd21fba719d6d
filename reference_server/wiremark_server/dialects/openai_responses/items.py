"""Items of a conversation → turns, with the rules of the tool round trip.

An assistant's messages and calls that stand together are one turn. Every call gets its result before the
conversation ends, and a result stands after its call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wiremark_server.dialects import images
from wiremark_server.dialects.openai_responses.sealed import Seals
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Role, ToolCall, Turn

Item = Mapping[str, Any]

_ROLES: Mapping[str, Role] = {
    "developer": "system",
    "system": "system",
    "user": "user",
    "assistant": "assistant",
}
_TEXT_OF_PART = {"input_text": "text", "output_text": "text", "refusal": "refusal"}


@dataclass(frozen=True, slots=True)
class Conversation:
    """turns: in order; image_param: JSON path of the first image, None without images"""

    turns: tuple[Turn, ...]
    image_param: str | None


def with_types(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Items whose type is left out, as clients may, with it."""
    return [
        dict(item)
        if item.get("type")
        else {**item, "type": "message" if "role" in item else "item_reference"}
        for item in items
    ]


def as_items(given: str | Sequence[Item]) -> list[dict[str, Any]]:
    """The `input` of a request as items with types."""
    return with_types([{"role": "user", "content": given}] if isinstance(given, str) else given)


def read(earlier: Sequence[Item], items: Sequence[Item], seals: Seals) -> Conversation:
    """The turns of what came before and of a request's own items.

    Raises ProblemError with the JSON path of an item that cannot be taken.
    """
    reader = _Reader(seals)
    for item in earlier:
        reader.take(item, "previous_response_id")
    for position, item in enumerate(items):
        reader.take(item, f"input[{position}]")
    return reader.end()


class _Reader:
    """Goes through the items once, remembering the calls that still want a result."""

    def __init__(self, seals: Seals) -> None:
        self._seals = seals
        self._turns: list[Turn] = []
        self._said: list[str] = []  # by the assistant, in the turn that is being gathered
        self._calls: list[ToolCall] = []
        self._speaking = False
        self._unanswered: dict[str, None] = {}
        self._first_image: str | None = None

    def take(self, item: Item, param: str) -> None:
        handler = _KINDS.get(item["type"])
        if handler is None:
            raise problem.invalid_request(
                f"Unsupported value for '{param}.type': this server does not take {item['type']!r} items.",
                f"{param}.type",
            )
        handler(self, item, param)

    def end(self) -> Conversation:
        self._finish_turn()
        if self._unanswered:
            waiting = next(iter(self._unanswered))
            raise problem.invalid_request(f"No tool output found for function call {waiting}.", "input")
        return Conversation(tuple(self._turns), self._first_image)

    def message(self, item: Item, param: str) -> None:
        role = _ROLES[item["role"]]
        text, pictures = self._content(item["content"], f"{param}.content")
        if role == "assistant":
            self._speaking = True
            self._said.append(text)
            return
        self._finish_turn()
        self._turns.append(Turn(role, text, pictures))

    def call(self, item: Item, param: str) -> None:
        if item["call_id"] in self._unanswered:
            raise problem.invalid_request(
                f"Invalid value for '{param}.call_id': {item['call_id']!r} is taken by an earlier call.",
                f"{param}.call_id",
            )
        arguments = item["arguments"] if item["type"] == "function_call" else item["input"]
        self._speaking = True
        self._calls.append(ToolCall(item["call_id"], item["name"], arguments))
        self._unanswered[item["call_id"]] = None

    def output(self, item: Item, param: str) -> None:
        self._finish_turn()
        call_id = item.get("call_id")
        if call_id not in self._unanswered:
            raise problem.invalid_request(
                f"No tool call found for function call output with call_id {call_id!r}.", f"{param}.call_id"
            )
        del self._unanswered[call_id]
        text, pictures = self._content(item["output"], f"{param}.output")
        self._turns.append(Turn("tool", text, pictures, tool_call_id=call_id))

    def reasoning(self, item: Item, param: str) -> None:
        """Thoughts of earlier turns do not decide the answer; a seal of ours must be whole."""
        sealed = item.get("encrypted_content")
        if sealed is not None and self._seals.altered(sealed):
            raise problem.invalid_request(
                f"Invalid value for '{param}.encrypted_content': it could not be verified.",
                f"{param}.encrypted_content",
            )

    def _finish_turn(self) -> None:
        if self._speaking:
            self._turns.append(Turn("assistant", "".join(self._said), tool_calls=tuple(self._calls)))
            self._said, self._calls, self._speaking = [], [], False

    def _content(self, content: str | Sequence[Mapping[str, Any]], param: str) -> tuple[str, int]:
        """The text of a message or a tool's output, and how many images it has."""
        if isinstance(content, str):
            return content, 0
        texts: list[str] = []
        pictures = 0
        for position, part in enumerate(content):
            kind, where = part["type"], f"{param}[{position}]"
            if kind in _TEXT_OF_PART:
                texts.append(part[_TEXT_OF_PART[kind]])
            elif kind == "input_image" and part.get("image_url"):
                images.check(part["image_url"], f"{where}.image_url")
                self._first_image = self._first_image or where
                pictures += 1
            else:
                raise problem.invalid_request(
                    f"Unsupported content at '{where}': this server takes texts and images from data URLs, "
                    "and stores no files.",
                    f"{where}.type",
                )
        return "".join(texts), pictures


_KINDS: Mapping[str, Callable[[_Reader, Item, str], None]] = {
    "message": _Reader.message,
    "function_call": _Reader.call,
    "custom_tool_call": _Reader.call,
    "function_call_output": _Reader.output,
    "custom_tool_call_output": _Reader.output,
    "reasoning": _Reader.reasoning,
}

"""The conversation in a messages request → turns, with its rules about tool calls and their results.

Consecutive messages of one role are one message. A user message after tool calls begins with one result for
each of them, and every call gets its result right there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from wiremark_server.dialects.anthropic_messages.blocks import Block, BlockReader, Placed, placed
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Turn


@dataclass(frozen=True, slots=True)
class Conversation:
    """turns:       in order, the system prompt first
    image_param: JSON path of the first image, None without images
    continues:   the last turn is the assistant's, to be continued
    """

    turns: tuple[Turn, ...]
    image_param: str | None
    continues: bool


def read(document: Mapping[str, Any], blocks: BlockReader) -> Conversation:
    """Raises ProblemError with the JSON path of a block that cannot be taken, or names unanswered calls."""
    reader = _Reader(blocks)
    if document.get("system"):
        reader.system(placed(document["system"], "system"))
    for role, gathered in _merged(document["messages"]):
        _ROLES[role](reader, gathered)
    return reader.end()


def _merged(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Placed]]]:
    """Role and blocks; messages of one role in a row become one."""
    for role, group in groupby(enumerate(messages), key=lambda entry: str(entry[1]["role"])):
        gathered: list[Placed] = []
        for position, message in group:
            gathered += placed(message["content"], f"messages[{position}].content")
        yield role, gathered


class _Reader:
    """Goes through the messages once, remembering the calls that still want a result."""

    def __init__(self, blocks: BlockReader) -> None:
        self._blocks = blocks
        self._turns: list[Turn] = []
        self._unanswered: dict[str, None] = {}

    def system(self, blocks: list[Placed]) -> None:
        self._require_results("messages")
        self._turns.append(Turn("system", self._blocks.read(blocks, "system").text))

    def user(self, blocks: list[Placed]) -> None:
        results = [entry for entry in blocks if entry[1]["type"] == "tool_result"]
        rest = blocks[len(results) :]
        if results != blocks[: len(results)]:
            param = next(param for param, block in rest if block["type"] == "tool_result")
            raise problem.invalid_request(
                f"Invalid order at '{param}': tool_result blocks come before the other content of a message.",
                param,
            )
        for param, block in results:
            self._result(param, block)
        self._require_results(rest[0][0] if rest else "messages")
        if rest or not results:
            said = self._blocks.read(rest, "user")
            self._turns.append(Turn("user", said.text, said.images))

    def assistant(self, blocks: list[Placed]) -> None:
        self._require_results("messages")
        said = self._blocks.read(blocks, "assistant")
        self._turns.append(Turn("assistant", said.text, tool_calls=tuple(said.calls)))
        self._unanswered = dict.fromkeys(call.id for call in said.calls)

    def end(self) -> Conversation:
        self._require_results("messages")
        last = self._turns[-1]
        continues = last.role == "assistant"
        if continues and last.text != last.text.rstrip():
            raise problem.invalid_request(
                "Invalid value for 'messages': a final message of the assistant, which is to be continued, "
                "cannot end with white space.",
                "messages",
            )
        return Conversation(tuple(self._turns), self._blocks.first_image, continues)

    def _result(self, param: str, block: Block) -> None:
        call_id = block["tool_use_id"]
        if call_id not in self._unanswered:
            raise problem.invalid_request(
                f"Unexpected 'tool_use_id' at '{param}': {call_id!r} is not a tool_use of the message "
                "before, or is answered already.",
                f"{param}.tool_use_id",
            )
        del self._unanswered[call_id]
        said = self._blocks.read(placed(block.get("content"), f"{param}.content"), "result")
        failed = bool(block.get("is_error"))
        self._turns.append(Turn("tool", said.text, said.images, tool_call_id=call_id, failed=failed))

    def _require_results(self, param: str) -> None:
        if self._unanswered:
            raise problem.invalid_request(
                "`tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(self._unanswered)}. Each call must have its result at the beginning of the next "
                "message.",
                param,
            )


_ROLES: Mapping[str, Callable[[_Reader, list[Placed]], None]] = {
    "user": _Reader.user,
    "assistant": _Reader.assistant,
    "system": _Reader.system,
}

"""The conversation of a chat request, and the rules of the tool round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from wiremark_server.dialects import images
from wiremark_server.dialects.openai_chat.tools import read_calls
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Role, ToolCall, Turn

_ROLES: Mapping[str, Role] = {
    "developer": "system",
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_TEXT_OF_PART = {"text": "text", "refusal": "refusal"}


class Conversation(Struct, frozen=True):
    """image_param: JSON path of the first image, None without one; tool_bearing: tools have taken part"""

    turns: tuple[Turn, ...]
    image_param: str | None
    tool_bearing: bool


def read_turns(messages: Sequence[Mapping[str, Any]]) -> Conversation:
    """Raises ProblemError for an unreadable part, a tool's result without its call, a call without result."""
    turns: list[Turn] = []
    first_image: str | None = None
    tool_bearing = False
    unanswered: dict[str, None] = {}
    for position, message in enumerate(messages):
        role, content = message["role"], message.get("content")
        if role == "tool":
            tool_bearing = True
            _take_result(message["tool_call_id"], unanswered, f"messages[{position}]")
        elif unanswered:
            raise _missing_results(unanswered, f"messages[{position}]")
        images = 0
        if not isinstance(content, str):
            content, image_paths = _parts(content or (), f"messages[{position}].content")
            images = len(image_paths)
            if images and first_image is None:
                first_image = image_paths[0]
        calls: tuple[ToolCall, ...] = ()
        if role == "assistant" and message.get("tool_calls"):
            tool_bearing = True
            calls = read_calls(message["tool_calls"])
            unanswered.update(dict.fromkeys(call.id for call in calls))
        turns.append(Turn(_ROLES[role], content, images, calls, message.get("tool_call_id")))
    if unanswered:
        raise _missing_results(unanswered, "messages")
    return Conversation(tuple(turns), first_image, tool_bearing)


def _take_result(call_id: str, unanswered: dict[str, None], param: str) -> None:
    if call_id not in unanswered:
        raise problem.invalid_request(
            f"Invalid parameter: '{param}' answers the tool call {call_id!r}, which no preceding assistant "
            "message with 'tool_calls' has made, or which is answered already.",
            f"{param}.tool_call_id",
        )
    del unanswered[call_id]


def _missing_results(unanswered: Mapping[str, None], param: str) -> problem.ProblemError:
    return problem.invalid_request(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. These did not have response messages: {', '.join(unanswered)}.",
        param,
    )


def _parts(parts: Sequence[Mapping[str, Any]], param: str) -> tuple[str, list[str]]:
    """Text of a message and the paths of its images."""
    texts: list[str] = []
    image_paths: list[str] = []
    for position, part in enumerate(parts):
        kind, where = part["type"], f"{param}[{position}]"
        if kind in _TEXT_OF_PART:
            texts.append(part[_TEXT_OF_PART[kind]])
        elif kind == "image_url":
            images.check(part["image_url"]["url"], f"{where}.image_url.url")
            image_paths.append(where)
        else:
            raise problem.invalid_request(
                f"Unsupported content at '{where}': this server does not take {kind!r} parts.",
                f"{where}.type",
            )
    return "".join(texts), image_paths

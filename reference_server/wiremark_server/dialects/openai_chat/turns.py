"""The conversation of a chat request, and the rules of the tool round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_server.dialects import images
from wiremark_server.dialects.openai_chat.tools import read_calls
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Role, Turn

_ROLES: Mapping[str, Role] = {
    "developer": "system",
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_TEXT_OF_PART = {"text": "text", "refusal": "refusal"}


def read_turns(messages: Sequence[Mapping[str, Any]]) -> tuple[tuple[Turn, ...], str | None]:
    """The turns, and the JSON path of the first image (None without one).

    Raises ProblemError for an unreadable part, a tool result without its call, or a call without a result.
    """
    turns: list[Turn] = []
    first_image: str | None = None
    unanswered: dict[str, None] = {}
    for position, message in enumerate(messages):
        param = f"messages[{position}]"
        role = message["role"]
        if role == "tool":
            _take_result(message["tool_call_id"], unanswered, param)
        elif unanswered:
            raise _missing_results(unanswered, param)
        text, image_paths = _content(message.get("content"), f"{param}.content")
        first_image = first_image or next(iter(image_paths), None)
        calls = read_calls(message.get("tool_calls") or ()) if role == "assistant" else ()
        unanswered.update(dict.fromkeys(call.id for call in calls))
        turns.append(Turn(_ROLES[role], text, len(image_paths), calls, message.get("tool_call_id")))
    if unanswered:
        raise _missing_results(unanswered, "messages")
    return tuple(turns), first_image


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


def _content(content: str | Sequence[Mapping[str, Any]] | None, param: str) -> tuple[str, list[str]]:
    """Text of a message and the paths of its images."""
    if isinstance(content, str):
        return content, []
    texts: list[str] = []
    image_paths: list[str] = []
    for position, part in enumerate(content or ()):
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

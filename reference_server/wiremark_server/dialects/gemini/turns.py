"""The conversation of a request → turns, with the rules of function calls and their responses.

Every call gets a response in the content after it, found by its id, else by its name and in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wiremark_server.dialects.gemini.parts import Function, PartReader, Said
from wiremark_server.domain import problem
from wiremark_server.domain.generation import ToolCall, Turn

_OF_USER = frozenset({"text", "inlineData", "functionResponse"})
_OF_MODEL = frozenset({"text", "functionCall"})
_OF_SYSTEM = frozenset({"text"})
_TAKEN = {"user": _OF_USER, "function": _OF_USER, "model": _OF_MODEL}


@dataclass(frozen=True, slots=True)
class Conversation:
    """turns:       in order, the system instruction first
    image_param: JSON path of the first image, None without images
    continues:   the last turn is the model's, to be continued
    """

    turns: tuple[Turn, ...]
    image_param: str | None
    continues: bool


def read(
    contents: Sequence[Mapping[str, Any]],
    system: Mapping[str, Any] | None,
    parts: PartReader,
    param: str = "",
) -> Conversation:
    """param: JSON path of what holds the contents, with a dot at its end.

    Raises ProblemError with the JSON path of what cannot be taken.
    """
    turns: list[Turn] = []
    if system is not None:
        said = parts.read(system.get("parts") or (), f"{param}systemInstruction", _OF_SYSTEM)
        turns.append(Turn("system", said.text))
    unanswered: list[ToolCall] = []
    image_params: list[str] = []
    for position, content in enumerate(contents):
        where = f"{param}contents[{position}]"
        said = parts.read(content.get("parts") or (), where, _taken(content, where))
        turns += _results(said, unanswered, where)
        image_params += said.images
        if content.get("role") == "model":
            unanswered = [_numbered(call, len(turns), number) for number, call in enumerate(said.calls)]
            turns.append(Turn("assistant", said.text, tool_calls=tuple(unanswered)))
        elif said.texts or said.images or not said.responses:
            turns.append(Turn("user", said.text, len(said.images)))
    if unanswered:
        raise _unmatched(f"{param}contents")
    last = turns[-1]
    return Conversation(tuple(turns), next(iter(image_params), None), last.role == "assistant")


def _taken(content: Mapping[str, Any], param: str) -> frozenset[str]:
    role = content.get("role") or "user"
    if role not in _TAKEN:
        raise problem.invalid_request(
            f"Please use a valid role at '{param}.role': user, model.", f"{param}.role"
        )
    return _TAKEN[role]


def _numbered(call: Function, turn: int, number: int) -> ToolCall:
    """The call under its own id, else under one of ours."""
    return ToolCall(call.id or f"call_{turn}_{number}", call.name, call.text)


def _results(said: Said, unanswered: list[ToolCall], param: str) -> list[Turn]:
    """The responses as turns, taken from the calls that want one."""
    if len(said.responses) != len(unanswered):
        raise _unmatched(param)
    turns = []
    for response in said.responses:
        call = next((one for one in unanswered if _answers(response, one)), None)
        if call is None:
            raise problem.invalid_request(
                f"Invalid value for '{response.param}': no call of {response.name!r} is waiting for it.",
                response.param,
            )
        unanswered.remove(call)
        turns.append(Turn("tool", response.text, tool_call_id=call.id, failed=response.failed))
    return turns


def _answers(response: Function, call: ToolCall) -> bool:
    return call.id == response.id if response.id else call.name == response.name


def _unmatched(param: str) -> problem.ProblemError:
    return problem.invalid_request(
        "Please ensure that the number of function response parts is equal to the number of function call "
        "parts of the function call turn, which comes immediately before.",
        param,
    )

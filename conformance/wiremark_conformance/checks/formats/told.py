"""What an answer tells, whatever its format: who read how many tokens, which tool is called, why it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wiremark_conformance import gemini
from wiremark_conformance import responses as responses_format
from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.messages import answer
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.values import members, shown

Stop = Literal["end", "budget", "tools", "filter"]

_CHAT: Mapping[Any, Stop] = {
    "stop": "end",
    "length": "budget",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "filter",
}
_MESSAGES: Mapping[Any, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",  # chat does not tell the two apart
    "max_tokens": "budget",
    "model_context_window_exceeded": "budget",
    "tool_use": "tools",
    "refusal": "filter",
}
_GEMINI: Mapping[Any, Stop] = {
    "STOP": "end",
    "MAX_TOKENS": "budget",
    **dict.fromkeys(("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION"), "filter"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, as far as formats can be compared.

    prompt: tokens in, those of a cache included
    answer: tokens out
    calls:  names and arguments of the tools called, in order
    stop:   why it ended; raw: the format's own word for that
    budget: of the tokens out, as the question has it; None when it has none
    """

    prompt: int
    answer: int
    text: str
    calls: tuple[tuple[Any, Any], ...]
    stop: Stop
    raw: str
    budget: int | None = None

    @property
    def spent(self) -> bool:
        """All tokens were made that were asked for, so that this is why the answer ended."""
        return self.budget is not None and self.answer >= self.budget


def _stop(words: Mapping[Any, Stop], found: Any) -> Stop:
    if not isinstance(found, str) or found not in words:
        raise NotTestable(f"the stop reason {shown(found)} has no counterpart")
    return words[found]


def chat(view: View) -> Told:
    """What a whole chat answer tells."""
    found = view.choices[0].get("finish_reason")
    calls = []
    for call in view.message.get("tool_calls") or ():
        function = members(call).get("function")
        function = members(function)
        arguments, _ = parse_json(str(function.get("arguments")))
        calls.append((function.get("name"), arguments))
    return Told(
        view.count("prompt_tokens"),
        view.count("completion_tokens"),
        view.content,
        tuple(calls),
        _stop(_CHAT, found),
        shown(found),
        view.asked.get("max_tokens"),
    )


def messages(view: View) -> Told:
    """What a whole message tells."""
    said = answer(view)
    return Told(
        said.total_input,
        said.count("output_tokens"),
        said.text,
        tuple((call.value.get("name"), call.value.get("input")) for call in said.of("tool_use")),
        _stop(_MESSAGES, said.stop_reason),
        shown(said.stop_reason),
        view.asked.get("max_tokens"),
    )


_INCOMPLETE: Mapping[Any, Stop] = {"max_output_tokens": "budget", "content_filter": "filter"}


def responses(view: View) -> Told:
    """What a whole response tells. A call is not a reason of its own there; that it is made says so."""
    document = responses_format.response(view)
    calls = [
        (item.get("name"), parse_json(str(item.get("arguments")))[0])
        for item in responses_format.items(view, "function_call")
    ]
    status, details = document.get("status"), document.get("incomplete_details")
    stop: Stop = "tools" if calls else "end"
    if status == "incomplete":
        stop = _stop(_INCOMPLETE, members(details).get("reason"))
    return Told(
        responses_format.count(view, "input_tokens"),
        responses_format.count(view, "output_tokens"),
        responses_format.text(view),
        tuple(calls),
        stop,
        shown(status),
        view.asked.get("max_output_tokens"),
    )


def contents(view: View) -> Told:
    """What a whole answer of Gemini tells, whose stop reason does not say that a function was called."""
    said = gemini.answer(view)
    found = said.finish()
    calls = [part["functionCall"] for part in said.parts() if isinstance(part.get("functionCall"), dict)]
    stop, config = _stop(_GEMINI, found), view.asked.get("generationConfig")
    return Told(
        said.count("promptTokenCount"),
        said.answered,
        said.text(),
        tuple((call.get("name"), call.get("args")) for call in calls),
        "tools" if calls and stop == "end" else stop,
        shown(found),
        members(config).get("maxOutputTokens"),
    )


@dataclass(frozen=True, slots=True)
class Format:
    """A format beside chat: how its answers are read, and its probe for each question that chat is asked.

    plain:  a question answered in words
    budget: one that its budget cuts off
    tools:  one that must call a tool
    models: the list of models; None where it is chat's own
    """

    read: Callable[[View], Told]
    plain: str
    budget: str
    tools: str
    models: str | None = None


CHAT = Format(chat, "chat.plain", "chat.max-tokens", "chat.tools.forced", "models.list")
FORMATS: Mapping[str, Format] = {
    "messages": Format(
        messages, "messages.plain", "messages.max-tokens", "messages.tools.forced", "messages.models.list"
    ),
    "gemini": Format(
        contents,
        "gemini.plain",
        "gemini.max-tokens",
        "gemini.functions.standard-schema",
        "gemini.models.list",
    ),
    "responses": Format(responses, "responses.plain", "responses.max-tokens", "responses.tools.forced"),
}

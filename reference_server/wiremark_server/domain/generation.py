"""What a client asks of a model and what the engine gives back, free of any wire format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

Role = Literal["system", "user", "assistant", "tool", "prompt"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class ToolCall(Struct, frozen=True):
    """A call the assistant made; `arguments` is JSON text, passed through byte for byte, or a free text."""

    id: str
    name: str
    arguments: str


class Turn(Struct, frozen=True):
    """One message of the conversation; one of the role `prompt` is a bare text to go on with.

    images: image parts, already checked
    failed: a tool's turn, and the tool could not do what was asked
    """

    role: Role
    text: str
    images: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    failed: bool = False


class Tool(Struct, frozen=True):
    """A function the model may call; `parameters` is a JSON Schema or None for no arguments.

    free: it takes a text in place of a JSON object; `parameters` is then the schema of a string, or None
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    free: bool = False


class ToolChoice(Struct, frozen=True):
    """mode `required` with `names` set restricts the choice to those tools."""

    mode: Literal["none", "auto", "required"] = "auto"
    names: tuple[str, ...] = ()


class OutputFormat(Struct, frozen=True):
    """kind: `word` is one of the texts that the schema enumerates, bare and not as JSON."""

    kind: Literal["text", "json_object", "json_schema", "word"] = "text"
    schema: Mapping[str, Any] | None = None


class Generation(Struct, frozen=True):
    """One request to the engine.

    max_tokens: completion budget per choice, reasoning included; None means the model's own limit
    logprobs:   None when not asked, else how many alternatives per token (0 to 20)
    seed:       the client's seed; the engine mixes it with its own
    continues:  the last turn is the beginning of the answer; only what follows it is produced
    filtered:   what the content filter blocks is blocked
    truncate:   turns at the beginning are left out rather than that the prompt does not fit
    others:     further conversations of the same request; conversation p has the choices p·n to p·n + n - 1
    """

    request_id: str
    model: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_tool_calls: bool = True
    output: OutputFormat = OutputFormat()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    n: int = 1
    logprobs: int | None = None
    reasoning: bool = False
    continues: bool = False
    filtered: bool = True
    truncate: bool = False
    others: tuple[tuple[Turn, ...], ...] = ()

    @property
    def parts(self) -> tuple[Generation, ...]:
        """The request as one generation for each of its conversations."""
        if not self.others:
            return (self,)
        return tuple(replace(self, turns=turns, others=()) for turns in (self.turns, *self.others))

    @property
    def choices(self) -> int:
        """Answers in all."""
        return self.n * (1 + len(self.others))


class TokenLogprob(Struct, frozen=True):
    """One token with its log probability (≤ 0) and the alternatives, most likely first."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class TextDelta(Struct, frozen=True):
    """A fragment of the answer's text. Fragments concatenate to the whole text of the choice.

    refusal: the text refuses to answer, and formats that tell refusals apart say so
    """

    choice: int
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()
    refusal: bool = False


class ReasoningDelta(Struct, frozen=True):
    choice: int
    text: str


class ToolCallStart(Struct, frozen=True):
    """Opens call number `index` of a choice, 0-based and contiguous, once the call before is whole."""

    choice: int
    index: int
    id: str
    name: str


class ToolArgumentsDelta(Struct, frozen=True):
    """A fragment of the JSON arguments of call `index`."""

    choice: int
    index: int
    fragment: str


class Finish(Struct, frozen=True):
    """stop:           the client's stop sequence that ended the choice, which is not in its text
    prompt_blocked: with `content_filter`: nothing was produced at all
    """

    choice: int
    reason: FinishReason
    stop: str | None = None
    prompt_blocked: bool = False


Delta = TextDelta | ReasoningDelta | ToolCallStart | ToolArgumentsDelta | Finish


class Usage(Struct, frozen=True):
    """Token counts; `cached` is part of `prompt`, `reasoning` part of `completion`."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.completion

"""An answer of the Gemini format, whole or as events, as its clients put it together.

Nothing here judges. What is not there raises NotTestable: that it is missing is another check's finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.values import is_count, listed, members

FINISH_REASONS = frozenset(
    """
    STOP MAX_TOKENS SAFETY RECITATION LANGUAGE OTHER BLOCKLIST PROHIBITED_CONTENT SPII MALFORMED_FUNCTION_CALL
    IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_OTHER NO_IMAGE IMAGE_RECITATION UNEXPECTED_TOOL_CALL
    TOO_MANY_TOOL_CALLS MISSING_THOUGHT_SIGNATURE MALFORMED_RESPONSE FINISH_REASON_UNSPECIFIED
    """.split()  # noqa: SIM905 - readable
)
Chunk = Mapping[str, Any]


def without_nulls(value: Any) -> Any:
    """A document as its readers take it: in protobuf's JSON a key that is null is one that is not there."""
    if isinstance(value, dict):
        return {key: without_nulls(below) for key, below in value.items() if below is not None}
    return [without_nulls(below) for below in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Answer:
    """An answer in its chunks; a whole answer is one. A candidate without an index is number 0."""

    chunks: tuple[Chunk, ...]

    @cached_property
    def candidates(self) -> tuple[Mapping[str, Any], ...]:
        """The candidates of all chunks, in the order of arrival; at least one."""
        found = tuple(candidate for chunk in self.chunks for candidate in candidates(chunk))
        if not found:
            raise NotTestable("the answer has no candidates")
        return found

    def of(self, index: int) -> tuple[Mapping[str, Any], ...]:
        """What the chunks say of one candidate."""
        return tuple(one for one in self.candidates if number(one) == index)

    @cached_property
    def numbers(self) -> list[int]:
        """The indexes of the candidates, in the order of their first appearance."""
        return list(dict.fromkeys(number(one) for one in self.candidates))

    def parts(self, index: int = 0) -> list[Mapping[str, Any]]:
        """The parts of one candidate, those of all chunks in a row."""
        return [part for one in self.of(index) for part in parts(one)]

    def text(self, index: int = 0) -> str:
        """What clients show: the text of the parts that are no thoughts."""
        texts = (part.get("text") for part in self.parts(index) if part.get("thought") is not True)
        return "".join(text for text in texts if isinstance(text, str))

    @property
    def thoughts(self) -> list[Mapping[str, Any]]:
        """The parts that are thoughts."""
        return [part for part in self.parts() if part.get("thought") is True]

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        """The function calls of the first candidate; at least one."""
        found = [part["functionCall"] for part in self.parts() if isinstance(part.get("functionCall"), dict)]
        if not found:
            raise NotTestable("the answer calls no function")
        return found

    def finish(self, index: int = 0) -> Any:
        """The last finish reason of a candidate; None when there is none."""
        found = [one["finishReason"] for one in self.of(index) if one.get("finishReason")]
        return found[-1] if found else None

    @property
    def usage(self) -> Mapping[str, Any]:
        """The usage of the answer; of a stream, the last."""
        found: list[Mapping[str, Any]] = [
            chunk["usageMetadata"] for chunk in self.chunks if isinstance(chunk.get("usageMetadata"), dict)
        ]
        if not found:
            raise NotTestable("the answer has no usageMetadata")
        return found[-1]

    def count(self, name: str, default: int | None = None) -> int:
        """A token count; `default` where it may be absent."""
        value = self.usage.get(name, default)
        if not is_count(value):
            raise NotTestable(f"the usage has no integer {name}")
        return int(value)

    @property
    def answered(self) -> int:
        """Tokens out: what the candidates say and what they thought."""
        return self.count("candidatesTokenCount", 0) + self.count("thoughtsTokenCount", 0)


def number(candidate: Mapping[str, Any]) -> int:
    index = candidate.get("index")
    return index if is_count(index) else 0


def candidates(chunk: Chunk) -> list[Mapping[str, Any]]:
    return [one for one in listed(chunk.get("candidates")) if isinstance(one, dict)]


def parts(candidate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = members(candidate.get("content"))
    return [part for part in listed(content.get("parts")) if isinstance(part, dict)]


def answer(view: View) -> Answer:
    """The answer, whole or as events."""
    return Answer(view.chunks if view.is_stream else (view.object,))

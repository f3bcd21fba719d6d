"""What the simulated model understands of a conversation: names, numbers and the things it is told to do.

Every rule is a plain pattern on the last user message, listed here so that a test author can steer an
answer with an ordinary sentence:

    Say exactly: …            Repeat after me: …          Echo: …        the rest of the message, verbatim
    Say "…"   Reply with "…"  Reply with the word OK      the quoted text or the single word
    Count to N                                            "1, 2, 3, …, N"
    Write 300 tokens … (or words)                         exactly that many tokens of prose
    What is my X?                                         found in an earlier "My X is …"
    BLOCK-THIS-PROMPT   BLOCK-YOUR-ANSWER                 stopped by the content filter, before or within
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from wiremark_server.domain.generation import Turn

PROMPT_BLOCK, ANSWER_BLOCK = "BLOCK-THIS-PROMPT", "BLOCK-YOUR-ANSWER"
_ECHO = re.compile(
    r"\b(?:repeat after me|repeat (?:this )?exactly|(?:say|reply with|respond with|answer with) exactly|echo)"
    r"\s*:\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
_SAY = re.compile(
    r"\b(?:say|reply with|respond with|answer with)(?: only| just| exactly)?"
    r"(?: the (?:single |one )?word)?:?\s+"
    r"(?:\"([^\"]+)\"|“([^”]+)”|'([^']+)'|(\w+)\s*[.!]?\s*$)",
    re.IGNORECASE,
)
_REFUSE = re.compile(r"\brefuse to answer\b", re.IGNORECASE)
_COUNT = re.compile(r"\bcount (?:from (?:1|one) )?(?:up )?to (\d{1,9})\b", re.IGNORECASE)
_LENGTH = re.compile(
    r"\b(?:write|generate|produce|output)\b[^.?!\n]{0,60}?\b(\d{1,9}) (?:tokens|words)\b", re.IGNORECASE
)
_MEMORY = re.compile(r"\bwhat(?:'s|\u2019s| is| was) my ([\w ]{1,40}?)\s*\?", re.IGNORECASE)
_NAME = re.compile(r"\b(?:my name is|i am called|call me) +([^\s.,;!?]+)", re.IGNORECASE)
_ENTITY = re.compile(r"[^\W\d_a-z]\w*(?:[ -](?:de |of |la |del )?[^\W\d_a-z]\w*)*")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w]|\.\d)")
_WORD = re.compile(r"[^\W\d_]{4,}")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

# Capitalised only because a sentence starts with them, or too common to tell two tools apart.
_COMMON = frozenset(
    """
    a an and any are ask at be both by call can compare could do does each find for from function
    get give hello hi how i if in invoke is it its know let list look me my need now of ok on or
    please run say show tell that the then there these this time to today tool use using want what
    when where which who why will with would you your about after also answer before between data
    given have here into just like make more name only return returns some string text than their
    them they user value were
    """.split()  # noqa: SIM905 - readable
)


_STEERING = (
    *("say", "repl", "respond", "answer", "repeat", "echo"),
    *("refuse", "count", "tokens", "words", " my "),
)


def steers(text: str) -> bool:
    """Whether a rule may fit: each needs one of these words, and that is sooner known than where it fits."""
    lower = text.lower()
    for word in _STEERING:  # noqa: SIM110 - asked of every message, and a generator takes twice as long
        if word in lower:
            return True
    return False


def blocked(text: str) -> Literal["prompt", "answer"] | None:
    """What the content filter that is played here does with a message."""
    if PROMPT_BLOCK in text:
        return "prompt"
    return "answer" if ANSWER_BLOCK in text else None


def dictated(text: str) -> str | None:
    """The rest of a message after "Say exactly:" or its like."""
    found = _ECHO.search(text)
    return found[1].strip() if found else None


def echoed(text: str) -> str | None:
    """What the message asks to be said verbatim."""
    rest = dictated(text)
    if rest is not None:
        return rest
    found = _SAY.search(text)
    return next((group for group in found.groups() if group), None) if found else None


def refusal_wanted(text: str) -> bool:
    """Whether the message asks for a refusal, so that clients can be shown one."""
    return _REFUSE.search(text) is not None


def count_target(text: str) -> int | None:
    found = _COUNT.search(text)
    return int(found[1]) if found else None


def length_wanted(text: str) -> int | None:
    """Tokens the message asks for."""
    found = _LENGTH.search(text)
    return int(found[1]) if found else None


def recalled(turns: Sequence[Turn]) -> str | None:
    """The answer to "What is my X?" from what the user said earlier, most recent first."""
    text = turns[-1].text
    question = _MEMORY.search(text)
    if question is None:
        return None
    subject = question[1].strip()
    patterns = [re.compile(rf"\bmy {re.escape(subject)} is ([^.,;!?\n]+)", re.IGNORECASE)]
    if subject.lower() == "name":
        patterns.insert(0, _NAME)
    for turn in reversed(turns[:-1]):
        if turn.role == "user":
            for pattern in patterns:
                fact = pattern.search(turn.text)
                if fact:
                    return f"Your {subject} is {fact[1].strip()}."
    return f"You have not told me your {subject} yet."


def entities(text: str) -> tuple[str, ...]:
    """Things named in a message, in order, each once: quoted texts, else capitalised words."""
    quoted = re.findall(r"\"([^\"]{1,80})\"|“([^”]{1,80})”", text)
    found = [first or second for first, second in quoted] or [
        name for name in _ENTITY.findall(text) if name[0].isupper() and name.lower() not in _COMMON
    ]
    return tuple(dict.fromkeys(found))


def numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in _NUMBER.findall(text))


def keywords(text: str) -> frozenset[str]:
    """Meaningful words of a message or of a tool's name and description, lower case, plural s removed."""
    spaced = _CAMEL.sub(" ", text).replace("_", " ").replace("-", " ")
    words = (word.lower() for word in _WORD.findall(spaced))
    return frozenset(word.removesuffix("s") for word in words if word not in _COMMON)

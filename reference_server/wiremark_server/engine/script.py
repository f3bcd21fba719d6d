"""Decides what to answer: a pure function of the engine's seed, the client's seed and the request.

Limits of the request (max_tokens, stop, n, logprobs) and its id do not change what would be said, only how
much of it is heard. The rules, first match wins:

    the content filter, unless it is off       nothing at all, or a few words
    "refuse to answer"                         a refusal
    tool_choice required or named              call; of several allowed tools the one the message is about
    tool_choice auto, last turn is the user's  call each tool whose name or description shares a meaningful
                                               word with the message (one call unless calls may be parallel;
                                               two things named, "Paris and Tokyo", make two calls); none
                                               when the message says "Say exactly: …" and names no tool
    a JSON output format                       a document valid against the schema
    last turn is a tool's result               a sentence that quotes the result
    the sentences of `reading`                 echo, counting, length, memory
    images in the last user turn               says how many there are
    anything else                              seeded prose

An answer that continues the last turn leaves out what that turn already says of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from wiremark_server.domain.generation import Generation, Tool, ToolCall, Turn
from wiremark_server.engine import jsonout, reading
from wiremark_server.engine.plan import Choice, Draft, cut
from wiremark_server.engine.protocol import UnsupportedSchema
from wiremark_server.engine.text import Prose
from wiremark_server.engine.tokens import encode

MAX_CALLS = 8  # parallel calls in one answer
_BLOCKED_AFTER = 8  # tokens of an answer that the content filter stops
_OF_USER = ("user", "prompt")
_REFUSAL = "I'm sorry, but I can't help with that."
QUOTE_LIMIT = 2_000  # characters of a tool's result that are quoted


class Script:
    """What a model of this seed says. limit: completion tokens of one choice."""

    def __init__(self, seed: int, limit: int) -> None:
        self._prose = Prose(seed)
        self._limit = limit
        self._key = seed.to_bytes(16, "big", signed=True)

    def choices(self, generation: Generation) -> tuple[Choice, ...]:
        """The whole answer, one entry per choice. Raises UnsupportedSchema."""
        words = self._prose.words
        out: list[Choice] = []
        for part in generation.parts:
            base = _content_hash(self._key, part)
            for number in range(part.n):
                digest = base.copy() if part.n > 1 else base
                digest.update(number.to_bytes(4, "big"))
                draft = self._draft(part, digest.digest())
                out.append(cut(len(out), draft, part, self._limit, words))
        return tuple(out)

    def _draft(self, generation: Generation, digest: bytes) -> Draft:
        state = int.from_bytes(digest[:8], "big")
        said = _last_user_text(generation.turns)
        blocked = reading.blocked(said) if generation.filtered else None
        if blocked is not None:
            words = self._prose.pieces(state, _BLOCKED_AFTER) if blocked == "answer" else ()
            return Draft(words, blocked=blocked)
        steered = reading.steers(said)
        if steered and reading.refusal_wanted(said):
            return Draft(encode(_REFUSAL), refused=True)
        reasoning: Sequence[str] = ()
        if generation.reasoning:
            reasoning = self._prose.pieces(state ^ 0x5DEECE66D, 16 + digest[8] % 32)
        calls = self._calls(generation, digest)
        if calls:
            return Draft(reasoning=reasoning, calls=calls)
        text = self._text(generation, said, digest, state, steered=steered)
        if generation.continues:
            text = _continued(text, generation.turns[-1].text)
        return Draft(text=text, reasoning=reasoning)

    # -- text ------------------------------------------------------------------------------------------

    def _text(
        self, generation: Generation, said: str, digest: bytes, state: int, *, steered: bool
    ) -> Sequence[str]:
        turns = generation.turns
        if generation.output.kind != "text":
            document = self._document(generation, said, state)
            return encode(str(document) if generation.output.kind == "word" else _json(document))
        length = 24 + digest[9] % 96
        if generation.max_tokens is not None and not generation.stop and not generation.continues:
            length = min(length, generation.max_tokens + 1)  # one more shows that it is cut
        if not turns:
            return self._prose.pieces(state, length)
        if turns[-1].role == "tool":
            return encode(_quoted_results(turns))
        told = self._told(said, turns, state) if steered else None
        if told is not None:
            return told
        images = turns[-1].images if turns[-1].role in _OF_USER else 0
        if images:
            seen = "I see 1 image." if images == 1 else f"I see {images} images."
            return encode(f"{seen} {self._prose.text(state, length)}")
        return self._prose.pieces(state, length)

    def _told(self, said: str, turns: Sequence[Turn], state: int) -> Sequence[str] | None:
        """What the message tells the model to say; None when it only asks."""
        echoed = reading.echoed(said)
        if echoed is not None:
            return encode(echoed)
        target = reading.count_target(said)
        if target is not None:
            last = min(target, self._limit)  # every number is at least one token
            return encode(", ".join(str(number) for number in range(1, last + 1)))
        wanted = reading.length_wanted(said)
        if wanted is not None:
            wanted = min(wanted, self._limit + 1)
            return self._prose.pieces(state, wanted)[:wanted]
        recalled = reading.recalled(turns) if turns[-1].role in _OF_USER else None
        return None if recalled is None else encode(recalled)

    def _document(self, generation: Generation, said: str, state: int) -> Any:
        if generation.output.schema is not None:
            return jsonout.generate(
                generation.output.schema, self._hints(said, reading.entities(said), state)
            )
        return {
            "answer": self._prose.text(state, 8),
            "keywords": list(reading.entities(said)),
            "confidence": state % 100 / 100,
        }

    # -- tools -----------------------------------------------------------------------------------------

    def _calls(self, generation: Generation, digest: bytes) -> tuple[ToolCall, ...]:
        choice = generation.tool_choice
        if not generation.tools or choice.mode == "none" or not generation.turns:
            return ()
        said = _last_user_text(generation.turns)
        allowed = [tool for tool in generation.tools if not choice.names or tool.name in choice.names]
        forced = choice.mode == "required"
        about = _tools_about(said, allowed)
        if not about and forced:
            about = allowed[:1]
        if not about or (not forced and generation.turns[-1].role not in _OF_USER):
            return ()
        if not forced and reading.dictated(said) is not None and about[0].name not in said:
            return ()
        spoken = frozenset[str]().union(*(reading.keywords(tool.name) for tool in about))
        names = tuple(name for name in reading.entities(said) if name.lower() not in spoken)
        asked: list[tuple[Tool, tuple[str, ...]]] = [(tool, names) for tool in about]
        if not generation.parallel_tool_calls:
            asked = asked[:1]
        elif len(asked) == 1 and len(names) > 1 and _takes_text(asked[0][0]):
            asked = [(asked[0][0], (name,)) for name in names]
        calls = []
        for number, (tool, about_names) in enumerate(asked[:MAX_CALLS]):
            state = int.from_bytes(digest[:8], "big") + number
            try:
                arguments = self._arguments(tool, said, about_names, state)
            except UnsupportedSchema:
                if forced:
                    raise
                return ()  # a model that may answer in words does so rather than call with invalid arguments
            calls.append(ToolCall(_call_id(digest, number), tool.name, arguments))
        return tuple(calls)

    def _arguments(self, tool: Tool, said: str, names: tuple[str, ...], state: int) -> str:
        if tool.free and not tool.parameters:
            return ", ".join(names) or self._prose.text(state, 8)
        if not tool.parameters:
            return "{}"
        document = jsonout.generate(tool.parameters, self._hints(said, names, state))
        if tool.free:
            return str(document)
        if not isinstance(document, dict):
            raise UnsupportedSchema(f"the parameters of tool {tool.name!r} do not describe an object")
        return _json(document)

    def _hints(self, said: str, names: tuple[str, ...], state: int) -> jsonout.Hints:
        return jsonout.Hints(said, names, reading.numbers(said), self._prose.words, state)


def _content_hash(key: bytes, generation: Generation) -> blake2b:
    """Everything that decides the answer, and nothing else."""
    content = [generation.model, str(generation.seed), generation.output.kind]
    for turn in generation.turns:
        content += (turn.role, str(turn.images), turn.tool_call_id or "", str(len(turn.text)), turn.text)
    content += [tool.name for tool in generation.tools]
    return blake2b("\0".join(content).encode("utf-8", "surrogatepass"), digest_size=16, key=key)


def _last_user_text(turns: Sequence[Turn]) -> str:
    for turn in reversed(turns):
        if turn.role in _OF_USER:
            return turn.text
    return ""


def _tools_about(said: str, tools: Sequence[Tool]) -> list[Tool]:
    """Tools the message is about, best match first; each stands for a word that no better one covers."""
    words = reading.keywords(said)
    scored = []
    for position, tool in enumerate(tools):
        by_name = words & reading.keywords(tool.name)
        by_description = words & reading.keywords(tool.description)
        if by_name or by_description or tool.name in said:
            weight = 2 * len(by_name) + len(by_description) + 8 * (tool.name in said)
            scored.append((-weight, position, tool, by_name | {tool.name} if tool.name in said else by_name))
    scored.sort(key=lambda row: row[:2])
    chosen: list[Tool] = []
    covered: set[str] = set()
    for _, _, tool, by_name in scored:
        if not chosen or by_name - covered:
            chosen.append(tool)
            covered |= by_name
    return chosen


def _takes_text(tool: Tool) -> bool:
    """Whether a name from the message can be one of the tool's arguments."""
    properties = (tool.parameters or {}).get("properties")
    return isinstance(properties, Mapping) and any(
        isinstance(schema, Mapping) and schema.get("type") == "string" and "enum" not in schema
        for schema in properties.values()
    )


def _continued(pieces: Sequence[str], beginning: str) -> Sequence[str]:
    """What is left to say when the answer has begun already; something else when it begins otherwise."""
    text = "".join(pieces)
    return encode(text[len(beginning) :]) if text.startswith(beginning) else pieces


def _quoted_results(turns: Sequence[Turn]) -> str:
    """ "According to get_weather: 21 °C." for every result at the end of the conversation."""
    names = {call.id: call.name for turn in turns for call in turn.tool_calls}
    results: list[str] = []
    for turn in reversed(turns):
        if turn.role != "tool":
            break
        source = names.get(turn.tool_call_id or "", "the tool")
        lead = f"{source} failed" if turn.failed else f"According to {source}"
        results.append(f"{lead}: {turn.text[:QUOTE_LIMIT]}")
    return "\n".join(reversed(results))


def _call_id(digest: bytes, number: int) -> str:
    return "call_" + blake2b(digest + number.to_bytes(2, "big"), digest_size=12).hexdigest()


def _json(document: Any) -> str:
    return msgspec.json.encode(document).decode()

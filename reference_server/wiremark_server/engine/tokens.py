"""A stand-in tokenizer: exact, reversible, the same in every process.

A piece is a word of up to eight letters, a number of up to three digits or up to three punctuation marks,
each with the one space before it, or a run of white space. Two properties are relied on everywhere:
`"".join(encode(text)) == text`, and the first k pieces of a text encode to exactly those k pieces.

Prompt formula (pieces):
    3 to prime the reply
    + for each turn: 4, the pieces of its text, 85 for each image, 1 for a tool call id,
      and for each tool call 1 for the name plus the pieces of its arguments
    + for each tool: 4 and the pieces of its compact JSON; 8 more when there are tools at all
    + the pieces of the output schema's compact JSON
A bare prompt is its own pieces, at least one. Conversations of one request add up.
A tool's name is one piece in prompt and completion alike: it stands for the special token of a real model.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from wiremark_server.domain.generation import Generation

IMAGE_TOKENS = 85  # what OpenAI documents for one low-detail image

_any = re.compile(r" ?[^\W\d_]{1,8}| ?\d{1,3}| ?(?:[^\w\s]|_){1,3}|\s{1,16}").findall
# The same of ASCII, which is found in half the time.
_ascii = re.compile(r" ?[A-Za-z]{1,8}| ?[0-9]{1,3}| ?[^A-Za-z0-9\s]{1,3}|\s{1,16}").findall
_TURN_PIECES = {
    role: ["<turn>", role, "<text>", "</turn>"] for role in ("system", "user", "assistant", "tool")
}
_NO_PROMPT = ["<start>"]
_REPLY_PIECES = ["<turn>", "assistant", "<text>"]
_TOOLS_PIECES = ["<tools>"] + ["<rule>"] * 6 + ["</tools>"]
_TOOL_PIECES = ["<tool>", "<name>", "<schema>", "</tool>"]
_IMAGE_PIECES = ["<image>"] * IMAGE_TOKENS


def encode(text: str) -> list[str]:
    """Cut a text into its pieces: their concatenation is the text."""
    return _ascii(text) if text.isascii() else _any(text)


def count(text: str) -> int:
    """Pieces of a text."""
    return len(encode(text))


def prompt_pieces(generation: Generation) -> list[str]:
    """The whole prompt as the engine sees it, in the order a prefix cache would see it."""
    return [piece for part in generation.parts for piece in _conversation_pieces(part)]


def _conversation_pieces(generation: Generation) -> list[str]:
    if generation.turns and generation.turns[0].role == "prompt":
        return encode(generation.turns[0].text) or _NO_PROMPT
    pieces: list[str] = []
    if generation.tools:
        pieces += _TOOLS_PIECES
        for tool in generation.tools:
            pieces += _TOOL_PIECES
            pieces += encode(_compact([tool.name, tool.description, tool.parameters]))
    if generation.output.schema is not None:
        pieces += encode(_compact(generation.output.schema))
    for turn in generation.turns:
        pieces += _TURN_PIECES[turn.role]
        pieces += encode(turn.text)
        if turn.images:
            pieces += _IMAGE_PIECES * turn.images
        if turn.tool_call_id is not None:
            pieces.append(turn.tool_call_id)
        for call in turn.tool_calls:
            pieces.append(call.name)
            pieces += encode(call.arguments)
    pieces += _REPLY_PIECES
    return pieces


def count_prompt(generation: Generation) -> int:
    """Prompt tokens by the formula above."""
    return len(prompt_pieces(generation) if generation.others else _conversation_pieces(generation))


def _compact(value: Any) -> str:
    return msgspec.json.encode(value).decode()

"""On which line of a JSON text a value stands, so that a defect of a file can be told with its place."""

from __future__ import annotations

import json
import re

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def line_of(text: str, pointer: str) -> int:
    """The line, from 1, of what a JSON pointer names; of what is around it where that is not there.

    text: a JSON document that could be read
    """
    at = _after_space(text, 0)
    for step in pointer.split("/")[1:]:
        found = _child(text, at, step.replace("~1", "/").replace("~0", "~"))
        if found is None:
            break
        at = found
    return text.count("\n", 0, at) + 1


def _child(text: str, at: int, step: str) -> int | None:
    """Where the value of a key or at a position begins, in the object or array that begins at `at`."""
    if text[at] not in "{[":
        return None
    named, number = text[at] == "{", 0
    at = _after_space(text, at + 1)
    while text[at] not in "}]":
        name = str(number)
        if named:
            name, at = _DECODER.raw_decode(text, at)
            at = _after_space(text, _after_space(text, at) + 1)  # the colon
        if name == step:
            return at
        _, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
        at = _after_space(text, at + 1) if text[at] == "," else at
        number += 1
    return None


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()

"""Texts that a client may also give as tokens: of its own vocabulary, so as text of as many tokens.

What the ids stand for is not known here. Each becomes a word of its own, spelled with up to eight letters
after a space, which the stand-in tokenizer takes for one token; equal ids give equal words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wiremark_server.domain import problem

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LARGEST = len(_LETTERS) ** 8 - 1


def texts(given: str | Sequence[Any], param: str) -> tuple[str, ...]:
    """A text, texts, a token array or token arrays, all as texts.

    Raises ProblemError for an id that no vocabulary has; `param` is the JSON path of what is given.
    """
    if isinstance(given, str):
        return (given,)
    if isinstance(given[0], str):
        return tuple(given)
    if isinstance(given[0], list):
        return tuple(_text(ids, f"{param}[{position}]") for position, ids in enumerate(given))
    return (_text(given, param),)


def _text(ids: Iterable[Any], param: str) -> str:
    return "".join(_word(token, f"{param}[{position}]") for position, token in enumerate(ids))


def _word(token: float, param: str) -> str:
    if not isinstance(token, int):  # to a schema 10.0 is an integer
        raise problem.invalid_request(
            f"Invalid type for '{param}': expected an integer, got a decimal number.", param
        )
    if token > _LARGEST:
        raise problem.invalid_request(f"Invalid value for '{param}': there is no such token.", param)
    letters = ""
    while token or not letters:
        token, letter = divmod(token, len(_LETTERS))
        letters += _LETTERS[letter]
    return f" {letters}"

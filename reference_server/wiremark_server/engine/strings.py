"""Strings of a given format, pattern and length.

Formats: those of JSON Schema 2020-12 below. Patterns: sequences of literals, classes, groups, alternatives,
anchors and counted repeats, i.e. the regular expressions without look-around, back references and word
boundaries. What cannot be made gives None; the caller refuses.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Mapping
from re import _constants as _ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_FORMATS: Mapping[str, Callable[[random.Random], str]] = {
    "date-time": lambda rng: f"{_date(rng)}T{_time(rng)}Z",
    "date": lambda rng: _date(rng),
    "time": lambda rng: f"{_time(rng)}Z",
    "duration": lambda rng: f"PT{rng.randrange(1, 60)}M",
    "email": lambda rng: f"user{rng.randrange(1000)}@example.com",
    "idn-email": lambda rng: f"user{rng.randrange(1000)}@example.com",
    "hostname": lambda rng: f"host{rng.randrange(1000)}.example.com",
    "idn-hostname": lambda rng: f"host{rng.randrange(1000)}.example.com",
    "ipv4": lambda rng: f"192.0.2.{rng.randrange(256)}",
    "ipv6": lambda rng: f"2001:db8::{rng.randrange(1, 65536):x}",
    "uri": lambda rng: f"https://example.com/{rng.randrange(1000)}",
    "uri-reference": lambda rng: f"/items/{rng.randrange(1000)}",
    "iri": lambda rng: f"https://example.com/{rng.randrange(1000)}",
    "iri-reference": lambda rng: f"/items/{rng.randrange(1000)}",
    "uri-template": lambda _: "/items/{id}",
    "uuid": lambda rng: (
        f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4{rng.getrandbits(12):03x}"
        f"-a{rng.getrandbits(12):03x}-{rng.getrandbits(48):012x}"
    ),
    "json-pointer": lambda rng: f"/items/{rng.randrange(100)}",
    "relative-json-pointer": lambda rng: f"{rng.randrange(3)}/items",
    "regex": lambda _: "^[a-z]+$",
}


def _date(rng: random.Random) -> str:
    return f"20{rng.randrange(20, 30)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"


def _time(rng: random.Random) -> str:
    return f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"


def make(
    rng: random.Random, wish: str, least: int, most: int | None, format_: str | None, pattern: str | None
) -> str | None:
    """A string of `least` to `most` characters that has the format and holds the pattern.

    wish: what to say when there is room to choose. None when nothing suitable was found.
    """
    top = sys.maxsize if most is None else most
    if least > top or least > 1_000_000:
        return None
    if pattern is not None:
        return _matching(rng, wish, least, top, pattern)
    if format_ is not None and format_ in _FORMATS:
        made = _FORMATS[format_](rng)
        return made if least <= len(made) <= top else None
    return _fit(wish, least, top)


def _fit(wish: str, least: int, most: int) -> str:
    if len(wish) < least:
        wish = (wish + " " if wish else "x") * (least // (len(wish) + 1) + 1)
        wish = wish[:least].replace("  ", " x")
        wish = wish + "x" * (least - len(wish))
    return wish[:most]


def _matching(rng: random.Random, wish: str, least: int, most: int, pattern: str) -> str | None:
    try:
        compiled = re.compile(pattern)
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    fitted = _fit(wish, least, most)
    if compiled.search(fitted):
        return fitted
    for extra in (0, 1, 2, 4, 8, 16, max(least, 1), max(least - 1, 0)):
        try:
            made = "".join(_produce(rng, parsed, extra))
        except _Unsupported:
            return None
        if len(made) < least and "$" not in pattern:
            made = made + "x" * (least - len(made))
        if least <= len(made) <= most and compiled.search(made):
            return made
    return None


class _Unsupported(Exception):  # noqa: N818 - a signal inside this module
    pass


def _produce(rng: random.Random, parsed: Any, extra: int) -> list[str]:
    """Text for a parsed pattern; open repeats get `extra` more rounds than they must."""
    out: list[str] = []
    for op, argument in parsed:
        if op is _ops.LITERAL:
            out.append(chr(argument))
        elif op is _ops.NOT_LITERAL:
            out.append("x" if argument != ord("x") else "y")
        elif op is _ops.ANY:
            out.append(rng.choice("abcdefghij"))
        elif op is _ops.IN:
            out.append(_one_of(rng, argument))
        elif op is _ops.BRANCH:
            out += _produce(rng, rng.choice(argument[1]), extra)
        elif op is _ops.SUBPATTERN:
            out += _produce(rng, argument[-1], extra)
        elif op in (_ops.MAX_REPEAT, _ops.MIN_REPEAT):
            low, high, inner = argument
            for _ in range(min(low + extra, high if high is not _ops.MAXREPEAT else low + extra)):
                out += _produce(rng, inner, extra)
        elif op is _ops.AT and argument in _ANCHORS:
            continue
        else:
            raise _Unsupported
    return out


_ANCHORS = (_ops.AT_BEGINNING, _ops.AT_END, _ops.AT_BEGINNING_STRING, _ops.AT_END_STRING)
_CATEGORIES = {
    _ops.CATEGORY_DIGIT: "0123456789",
    _ops.CATEGORY_WORD: "abcdefghijklmnopqrstuvwxyz0123456789_",
    _ops.CATEGORY_SPACE: " ",
    _ops.CATEGORY_NOT_DIGIT: "abcdefghij",
    _ops.CATEGORY_NOT_SPACE: "abcdefghij",
    _ops.CATEGORY_NOT_WORD: "-.",
}
_USUAL = "aeinorstAEINORST0123456789_-.:/ @#+*~"


def _one_of(rng: random.Random, members: Any) -> str:
    negated = bool(members) and members[0][0] is _ops.NEGATE
    allowed: list[str] = []
    ranges: list[tuple[int, int]] = []
    for op, argument in members:
        if op is _ops.LITERAL:
            ranges.append((argument, argument))
        elif op is _ops.RANGE:
            ranges.append(argument)
        elif op is _ops.CATEGORY:
            allowed += _CATEGORIES.get(argument, "")
        elif op is not _ops.NEGATE:
            raise _Unsupported
    if negated:
        free = [
            char
            for char in _USUAL
            if char not in allowed and not any(low <= ord(char) <= high for low, high in ranges)
        ]
        if not free:
            raise _Unsupported
        return rng.choice(free)
    if ranges and (not allowed or rng.random() < 0.5):
        low, high = rng.choice(ranges)
        return chr(rng.randint(low, high))
    return rng.choice(allowed)

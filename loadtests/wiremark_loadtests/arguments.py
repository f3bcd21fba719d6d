"""Types of command-line arguments: text to a checked value, or a sentence."""

from __future__ import annotations

from argparse import ArgumentTypeError


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    return _whole(text, "a whole number of 1 or more")


def whole_seconds(text: str) -> int:
    """A duration of at least one second."""
    return _whole(text, "a whole number of seconds, 1 or more")


def _whole(text: str, wanted: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if number < 1:
        raise ArgumentTypeError(f"{text!r} is not {wanted}")
    return number


def processes(text: str) -> int:
    """A number of processes, or -1 for one on each core."""
    return -1 if text == "-1" else _whole(text, "a number of processes, or -1 for one on each core")

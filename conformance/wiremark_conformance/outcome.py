"""What a check may say beside "nothing is wrong", and how it says that it cannot tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Silent:
    """Answered with success, and what was asked for was left undone without a word."""

    message: str


# None: the requirement is met. A string: a finding, as a sentence about what was seen.
Outcome = str | Silent | None


class NotTestable(Exception):  # noqa: N818 - an outcome, not an error
    """What had to be there first is not there; the text says what is missing."""


class NotPromised(Exception):  # noqa: N818 - an outcome, not an error
    """The contract says nothing about the situation that the requirement is about."""

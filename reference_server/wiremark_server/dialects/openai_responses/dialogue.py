"""What one Responses request has around it: what it continues, and where its answer is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Any]


def _nowhere(document: bytes) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Dialogue:
    """earlier: items of the conversation that the request continues
    stored: the answer can be retrieved later
    keep:   is given the answer's document whenever it has changed for good
    now:    seconds since the epoch, UTC
    """

    earlier: Sequence[Item] = ()
    stored: bool = False
    keep: Callable[[bytes], None] = _nowhere
    now: Callable[[], float] = float

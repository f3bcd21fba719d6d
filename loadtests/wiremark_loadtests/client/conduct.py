"""How a client behaves that does not simply send, read to the end, and keep its connection. Pure."""

from __future__ import annotations

from dataclasses import dataclass

# Where a client may hang up: while it sends, right after it, or after so many reads of the answer.
CUT_STAGES = ("sending", "sent", "head", "first-token", "middle")
_READS = {"head": 1, "first-token": 2}
MIDDLE_READS = (3, 24)  # least and most reads before a client hangs up in the middle
SLOW_READ = 512  # bytes that a slow reader takes at once
SLOW_WINDOW = 4096  # bytes that its kernel takes for it


class HungUp(Exception):  # noqa: N818  what was wanted
    """The client hung up as it was to."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """cut_after: reads after which to hang up: 0 right after sending, -1 while sending; None stays
    read_rate:    bytes a second that are read; None reads what there is
    """

    cut_after: int | None = None
    read_rate: int | None = None


STEADY = Conduct()


def cut_after(stage: str, middle: int) -> int:
    """`cut_after` of a stage; `middle` is how many reads the middle is away."""
    return {"sending": -1, "sent": 0, "middle": middle}.get(stage, _READS.get(stage, 0))

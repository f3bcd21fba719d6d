"""How much load at which moment: steps and ramps in a row. Pure.

A level is a number of users in a closed loop, and requests per second in an open one. As text, stages
are separated by commas: `10@30` is level 10 for 30 seconds, `10-50@60` climbs from 10 to 50 within 60.
So `10@60,200@5,10@60` is a spike and `50@1800` a soak.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_STAGE = re.compile(r"(?P<start>\d+(\.\d+)?)(-(?P<end>\d+(\.\d+)?))?@(?P<seconds>\d+(\.\d+)?)s?", re.ASCII)


class BadStages(ValueError):  # noqa: N818  the user's mistake, not the program's
    """The text does not name stages; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Stage:
    """`seconds` long, the level going evenly from `start` to `end`."""

    seconds: float
    start: float
    end: float

    @property
    def total(self) -> float:
        """The integral of the level: the arrivals of the stage, when the level is a rate."""
        return (self.start + self.end) / 2 * self.seconds


@dataclass(frozen=True)
class Stages:
    """Stages one after the other."""

    all: tuple[Stage, ...]

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.all)

    @property
    def highest(self) -> float:
        return max(max(stage.start, stage.end) for stage in self.all)

    def level(self, at: float) -> float | None:
        """The level at a moment in seconds; None after the end."""
        begin = 0.0
        for stage in self.all:
            if at < begin + stage.seconds:
                return stage.start + (stage.end - stage.start) * (at - begin) / stage.seconds
            begin += stage.seconds
        return None

    def moment(self, total: float) -> float | None:
        """When the integral of the level reaches `total`; None when it never does.

        Arrivals of a rate that changes are those of rate 1, moved to these moments.
        """
        begin = 0.0
        for stage in self.all:
            if total <= stage.total:
                return begin + _time_within(stage, total)
            total -= stage.total
            begin += stage.seconds
        return None


def _time_within(stage: Stage, total: float) -> float:
    """Solve start * t + slope / 2 * t² = total for the t within the stage."""
    slope = (stage.end - stage.start) / stage.seconds
    root = math.sqrt(max(0.0, stage.start * stage.start + 2 * slope * total))
    denominator = stage.start + root  # the form of the quadratic's solution that cancels nothing
    return 2 * total / denominator if denominator else 0.0


def constant(level: float, seconds: float) -> Stages:
    return Stages((Stage(seconds, level, level),))


def parse(text: str) -> Stages:
    """Read `LEVEL@SECONDS` and `FROM-TO@SECONDS`, separated by commas; raise BadStages."""
    stages = []
    for part in text.split(","):
        found = _STAGE.fullmatch(part.strip())
        if found is None:
            raise BadStages(f"{part.strip()!r} is not a stage; write LEVEL@SECONDS or FROM-TO@SECONDS")
        start = float(found["start"])
        stage = Stage(float(found["seconds"]), start, float(found["end"] or start))
        if stage.seconds <= 0:
            raise BadStages(f"{part.strip()!r} takes no time; a stage needs more than 0 seconds")
        stages.append(stage)
    if not any(stage.total for stage in stages):
        raise BadStages(f"{text!r} never rises above 0")
    return Stages(tuple(stages))

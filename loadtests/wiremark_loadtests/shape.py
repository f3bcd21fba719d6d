"""The stages of a closed loop as Locust knows them: how many users at each moment."""

from __future__ import annotations

from typing import Any

from locust import LoadTestShape

from wiremark_loadtests.traffic.stages import Stages


class StagesShape(LoadTestShape):
    abstract = True  # Locust is given an instance; it must not find the class in a locustfile

    def __init__(self, stages: Stages) -> None:
        base: Any = super()  # without annotations
        base.__init__()
        self._stages = stages

    def tick(self) -> tuple[int, float] | None:
        """Users wanted now and how many to add in a second: a step comes at once."""
        clock: Any = self
        level = self._stages.level(clock.get_run_time())
        return None if level is None else (round(level), max(1.0, self._stages.highest))

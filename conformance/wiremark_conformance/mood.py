"""Requirements that depend on the model's mood: asked again when they fail, and told as a rate.

One unlucky sample says nothing about an endpoint, so a finding counts at its level only when the model
would more likely than not show it again: when the whole 95 % interval of the rate lies below one half.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from wiremark_reports.record import Verdict

from wiremark_conformance.judge import Judgement

FINDINGS = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.SILENT})
_Z = 1.959964  # standard deviations that hold 95 % of a normal distribution


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something held, and the 95 % interval (Wilson's) of the rate behind it."""

    passes: int
    samples: int

    @property
    def value(self) -> float:
        return self.passes / self.samples

    @property
    def interval(self) -> tuple[float, float]:
        n, p = self.samples, self.value
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        reach = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
        return max(0.0, middle - reach), min(1.0, middle + reach)

    def __str__(self) -> str:
        """With pass^k: the chance that as many tries in a row all hold."""
        low, high = self.interval
        k = self.samples
        return (
            f"held in {self.passes} of {k} tries: rate {self.value:.2f}"
            f" (95 % interval {low:.2f} to {high:.2f}),"
            f" pass^{k} {self.value**k:.2f} ({low**k:.2f} to {high**k:.2f})"
        )


def settle(first: Judgement, again: Iterable[Judgement]) -> Judgement:
    """The judgement on several samples, the first of which was a finding.

    Samples that could not be judged do not count.
    """
    judged = [first, *(j for j in again if j.verdict in FINDINGS or j.verdict is Verdict.PASS)]
    rate = Rate(sum(j.verdict is Verdict.PASS for j in judged), len(judged))
    verdict = first.verdict if rate.interval[1] < 0.5 else Verdict.WARN
    return first._replace(verdict=verdict, message=f"{first.message}; {rate}")

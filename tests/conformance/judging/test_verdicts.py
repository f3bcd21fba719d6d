"""Where a finding begins: of each case the verdict, to the letter."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_reports.record import Verdict

from tests.conformance.judging import verdicts_chat
from tests.conformance.judging.spoiling import Change

TABLE = [*verdicts_chat.TABLE]
_EXACT = {"pass": Verdict.PASS, "untestable": Verdict.NOT_TESTABLE, "undeclared": Verdict.UNDECLARED}


@pytest.mark.parametrize(
    ("requirement", "change", "said"), TABLE, ids=[f"{i}-{r}-{s}" for i, (r, _, s) in enumerate(TABLE)]
)
def test_the_verdict_is(world: Any, requirement: str, change: Change, said: str) -> None:
    change(world)
    judged = world.judge(requirement)
    finding = Verdict.FAIL if judged.requirement.level == "MUST" else Verdict.WARN
    assert judged.verdict is _EXACT.get(said, finding), judged.message

"""Where a finding begins: of each case the verdict, to the letter."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_reports.record import Verdict

from tests.conformance.judging import (
    verdicts_allowed,
    verdicts_billing,
    verdicts_chat,
    verdicts_endpoint,
    verdicts_gemini,
    verdicts_messages,
    verdicts_pieces,
    verdicts_places,
    verdicts_responses,
    verdicts_stream,
    verdicts_tools,
    verdicts_views,
    verdicts_words,
)
from tests.conformance.judging.good_openai import EVERYTHING
from tests.conformance.judging.spoiling import Change
from tests.conformance.judging.world import PAGES

_OF_EVERYTHING = (
    *verdicts_allowed.TABLE,
    *verdicts_billing.TABLE,
    *verdicts_chat.TABLE,
    *verdicts_endpoint.TABLE,
    *verdicts_gemini.TABLE,
    *verdicts_messages.TABLE,
    *verdicts_pieces.TABLE,
    *verdicts_places.TABLE,
    *verdicts_responses.TABLE,
    *verdicts_stream.TABLE,
    *verdicts_tools.TABLE,
    *verdicts_views.TABLE,
    *verdicts_words.TABLE,
)
TABLE = [
    *((EVERYTHING, *case) for case in _OF_EVERYTHING),
    *((PAGES, *case) for case in verdicts_endpoint.PAGES),
    *(("banana2", *case) for case in (*verdicts_endpoint.TASKS, *verdicts_places.SPLIT)),
]
_EXACT = {"pass": Verdict.PASS, "untestable": Verdict.NOT_TESTABLE, "undeclared": Verdict.UNDECLARED}


@pytest.mark.parametrize(
    ("contract", "requirement", "change", "said"),
    TABLE,
    ids=[f"{i}-{name}-{said}" for i, (_, name, _, said) in enumerate(TABLE)],
)
def test_the_verdict_is(worlds: Any, contract: str, requirement: str, change: Change, said: str) -> None:
    world = worlds(contract)
    change(world)
    judged = world.judge(requirement)
    finding = Verdict.FAIL if judged.requirement.level == "MUST" else Verdict.WARN
    assert judged.verdict is _EXACT.get(said, finding), judged.message

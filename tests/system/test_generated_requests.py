"""The reference server under generated requests, in this process; `make fuzz` does it at length."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_conformance.judge import Evidence, judge_one
from wiremark_conformance.properties import PROPERTIES
from wiremark_conformance.properties.search import search
from wiremark_reports.record import Verdict

EXAMPLES = 15
SEED = 11


@pytest.mark.parametrize("contract", ["openai", "hermes-tokens", "openresponses", "gemini", "every-format"])
def test_the_reference_server_settles_every_request(judged: Any, contract: str) -> None:
    served = judged.serve(contract)
    target = judged.target(served)
    found = {
        name: exchange
        for name, wanted in PROPERTIES.items()
        if (exchange := search(wanted, target, served.send, EXAMPLES, SEED)) is not None
    }
    evidence = Evidence(target, found)
    for requirement in ("properties.settled", "properties.valid", "properties.invalid"):
        judgement = judge_one(requirement, evidence)
        assert judgement.verdict in {Verdict.PASS, Verdict.UNDECLARED}, judgement.message

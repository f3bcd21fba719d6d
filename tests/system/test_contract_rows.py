"""Each promise of the five systems is held by a check that is green, and red when the promise is broken.

`rows.yaml` says for every row what breaks it and what must then fail. The contracts themselves are
served and judged whole.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract

SYSTEMS = [name for name in contracts.bundled() if contracts.load(name).models]
BAD = {Verdict.FAIL, Verdict.WARN, Verdict.SILENT}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_contract_served_is_a_contract_kept(judged: Any, name: str) -> None:
    assert judged(name).findings == []


def test_options_of_all_systems_go_together(judged: Any) -> None:
    assert judged(contracts.load(str(Path(__file__).with_name("mixture.yaml")))).findings == []


_TABLE = Path(__file__).with_name("rows.yaml")
ROWS: Mapping[str, Any] = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))["rows"]
SYSTEMS_OF = {"H": 13, "C": 10, "A": 6, "B": 13, "M": 6}  # rows of each system, by their letter
BREAKS = [
    pytest.param(row["contract"], broken, id=f"{name}-{number}")
    for name, row in ROWS.items()
    for number, broken in enumerate(row["broken"])
    if "client" not in broken
]


def test_every_row_is_there_and_something_breaks_it() -> None:
    promised = {f"{letter}{number}" for letter, last in SYSTEMS_OF.items() for number in range(1, last + 1)}
    assert promised <= set(ROWS)
    assert not [name for name, row in ROWS.items() if not row["broken"]]
    known = {requirement.id for requirement in load_register()}
    named = {name for row in ROWS.values() for broken in row["broken"] for name in broken.get("fails", ())}
    assert named <= known
    without = {name for name, row in ROWS.items() if not any("fault" in broken for broken in row["broken"])}
    assert without & promised == set()  # anybody can serve each row broken


def test_what_no_black_box_shows_is_held_by_tests_that_are_there() -> None:
    checkout = _TABLE.parents[2]
    for place in (place for row in ROWS.values() for place in row.get("tests", ())):
        path, _, name = place.partition("::")
        found = ast.parse((checkout / path).read_text(encoding="utf-8")).body
        assert name in [node.name for node in found if isinstance(node, ast.FunctionDef)], place


@pytest.mark.parametrize(("contract", "broken"), BREAKS)
def test_a_broken_promise_is_found(
    judged: Any,
    altered: Callable[[str, Mapping[str, Any]], Contract],
    contract: str,
    broken: Mapping[str, Any],
) -> None:
    served: Contract | str = altered(contract, broken["served"]) if "served" in broken else contract
    faults = [broken["fault"]] if "fault" in broken else []
    verdicts = judged(served, held_to=contract, only=broken["fails"], faults=faults)
    found = {name: verdicts[name] for name in broken["fails"]}
    passed = {name: (one.verdict.value, one.message) for name, one in found.items() if one.verdict not in BAD}
    assert not passed

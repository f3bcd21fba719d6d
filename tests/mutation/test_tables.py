"""Mutants of tables: how they are made, told and exchanged, and where a changed table gets to."""

from __future__ import annotations

from pathlib import Path

import pytest
from wiremark_conformance.checks import errors
from wiremark_conformance.checks.billing import check_ledger
from wiremark_conformance.checks.chat_stream import check_framing as chat
from wiremark_conformance.checks.contract import check_errors
from wiremark_conformance.checks.errors import check_envelope
from wiremark_conformance.checks.responses_stream import check_framing as responses
from wiremark_conformance.judge import CHECKS

from tests.mutation import sample
from tests.mutation.entries import changed
from tests.mutation.exchanging import NotImportableError
from tests.mutation.making import made, with_tables
from tests.mutation.mutants import Change, Made
from tests.mutation.tables import reach, retabled

MODULE = """
from re import compile

__all__ = ["GOOD"]
GOOD: frozenset[str] = frozenset({"a"})
LONG = {"first": ("one", "two", "three", "four", "five"), "second": ("six", "seven", "eight", "nine")}


def is_good(name):
    return name in GOOD
"""


def test_what_a_module_gives_to_a_name_is_changed_entry_by_entry(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(MODULE)
    assert [one.function for one in made(file)] == ["is_good"]
    tables = [changed("m", one) for one in with_tables(file) if one.is_table]
    assert {one.function for one in tables} == {"GOOD", "LONG"}
    assert Change("m", "GOOD", "frozenset({'a'})", "frozenset({'A'})") in tables
    assert Change("m", "LONG", "'second': ('six', 'seven', 'eight', 'nine')",
                  "'second': ('six', 'XXsevenXX', 'eight', 'nine')") in tables  # fmt: skip


def _table(name: str, value: str) -> Made:
    return Made(name, f"def {name}():\n    return None", f"def {name}():\n    return {value}", is_table=True)


def test_whoever_has_imported_a_table_has_the_changed_one_for_a_while() -> None:
    books = vars(check_ledger)
    before = errors.REFUSED
    reached = reach(errors, "REQUESTS")
    assert {errors, check_ledger} <= set(reached.modules())
    with retabled(errors, _table("REQUESTS", "('errors.method',)"), reached):
        assert errors.REFUSED[0] == "errors.method"
        assert "errors.malformed-json" not in errors.REFUSED
        assert books["REFUSED"] is errors.REFUSED
    assert errors.REFUSED is before
    assert books["REFUSED"] is before


def test_checks_that_are_made_of_a_table_are_made_anew() -> None:
    reached = reach(chat, "FRAMING")
    assert responses in reached.remade
    before = dict(CHECKS)
    with (
        pytest.raises(NotImportableError, match="checks for other requirements"),
        retabled(chat, _table("FRAMING", "()"), reached),
    ):
        raise AssertionError("the checks were made")
    assert dict(CHECKS) == before


def test_a_table_is_read_by_the_functions_that_name_it() -> None:
    assert list(reach(check_envelope, "_STACK_TRACE").readers(check_envelope)) == ["no_internals"]
    assert check_errors in reach(check_errors, "_TABLE").remade


def test_a_draw_is_told_by_its_seed() -> None:
    root = Path(errors.__file__).parents[2]
    modules = ["checks/cors/check_cors", "checks/cors/check_allow", "checks/cache/check_cache", "told"]
    drawn = sample.draw(root, modules, 7)
    assert sample.draw(root, modules, 7) == drawn
    assert len(drawn) == 3
    assert {len(some) for some in drawn.values()} == {12}

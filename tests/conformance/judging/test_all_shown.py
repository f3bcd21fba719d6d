"""Every requirement is shown to fail by one of the tables of these tests."""

from __future__ import annotations

import runpy
from pathlib import Path

from wiremark_conformance.requirement import load_register

TABLES = sorted(Path(__file__).parent.glob("test_checks_*.py"))


def test_every_requirement_is_shown_to_fail() -> None:
    modules = [runpy.run_path(str(path)) for path in TABLES]
    tables = [module.get(name, []) for module in modules for name in ("SPOILT", "FOR_PAGES", "FOR_AGENTS")]
    shown = {requirement for table in tables for requirement, _ in table}
    assert {requirement.id for requirement in load_register()} - shown == set()

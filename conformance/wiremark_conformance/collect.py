"""Requirements as pytest items: `register/<area>.yaml` is the file, a requirement is the test.

The register is collected, not Python files, so a host's `python_files` and `python_functions` do
not matter; everything else in this package is kept from collection, whatever the host's patterns.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wiremark_conformance.outcomes import SHOWN, finding
from wiremark_conformance.requirement import Requirement, load_register

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from wiremark_conformance.session import Run
    from wiremark_conformance.verdicts import Conclusion

PACKAGE = Path(__file__).parent
REGISTER = PACKAGE / "register"


class Finding(Exception):  # noqa: N818 - about the endpoint, not an error of ours
    """What is shown instead of a traceback."""


class RequirementItem(pytest.Item):
    """One requirement; its name is the requirement's id."""

    def __init__(self, *, requirement: Requirement, run: Run, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.requirement = requirement
        self.run = run
        self.conclusion: Conclusion | None = None
        for name in markers(requirement):
            self.add_marker(name)

    def setup(self) -> None:
        self.conclusion = self.run.conclude(self.requirement.id)
        result = self.conclusion.result
        self.user_properties += [
            ("requirement", result.requirement),
            ("level", result.level),
            ("verdict", result.verdict.value),
            ("source", result.source_ref),
        ]
        # pytest counts what breaks in setup as an error, which is not a failure.
        if SHOWN[result.verdict].phase == "error":
            raise Finding(finding(result))

    def runtest(self) -> None:
        assert self.conclusion is not None  # noqa: S101 - setup ran
        result, note = self.conclusion.result, self.conclusion.note
        if self.conclusion.accepted:
            pytest.xfail(note)
        if note or SHOWN[result.verdict].phase == "failed":
            raise Finding(finding(result, note))
        if SHOWN[result.verdict].phase == "skipped":
            raise pytest.skip.Exception(f"{result.verdict}: {result.message}")

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """A finding is its own text; putting a traceback together first would take longer than judging."""
        if excinfo.errisinstance(Finding):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"requirement {self.name}"


class RegisterFile(pytest.File):
    """The requirements of one area."""

    run: Run

    def collect(self) -> Iterator[RequirementItem]:
        for requirement in load_register():
            if requirement.area == self.path.stem:
                yield RequirementItem.from_parent(
                    self, name=requirement.id, requirement=requirement, run=self.run
                )


class Collection:
    """The hooks that turn the register into items; registered only when the suite runs."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """A host's norecursedirs and collect_ignore do not reach into this package."""
        if not collection_path.is_relative_to(PACKAGE):
            return None
        return not (collection_path == PACKAGE or collection_path.is_relative_to(REGISTER))

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        collected = yield
        if not file_path.is_relative_to(PACKAGE):
            return collected
        if file_path.parent != REGISTER or file_path.suffix != ".yaml":
            return []
        node = RegisterFile.from_parent(parent, path=file_path)
        node.run = self.run
        return [node]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if not isinstance(item, RequirementItem) or call.excinfo is None:
            return report
        if call.excinfo.errisinstance(Finding):
            report.longrepr = str(call.excinfo.value)
        elif call.excinfo.errisinstance(pytest.skip.Exception) and isinstance(report.longrepr, tuple):
            report.longrepr = (str(item.path), 0, report.longrepr[2])
        return report


def markers(requirement: Requirement) -> tuple[str, ...]:
    """Level, area and the parts of the capability: `must`, `chat`, `stream`, `usage`."""
    parts = requirement.capability.split(".") if requirement.capability else []
    return tuple(dict.fromkeys([requirement.level.lower(), requirement.area, *parts]))

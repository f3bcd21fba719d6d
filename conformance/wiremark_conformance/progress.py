"""What a person sees while the requests are made: the budget first, then on a terminal how far it is."""

from __future__ import annotations

from types import TracebackType

import pytest

from wiremark_conformance.budget import Budget


class Progress:
    """A line that is written over on a terminal; elsewhere only the budget is told."""

    def __init__(self, config: pytest.Config, needed: Budget, total: int) -> None:
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")
        self._needed = needed
        self._total = total
        self._lively = bool(getattr(self._reporter, "isatty", False))

    def __enter__(self) -> Progress:
        if self._reporter is not None:
            self._reporter.write_line(f"wiremark: {self._needed}")
        return self

    def tell(self, settled: int) -> None:
        """How many of the probes are settled."""
        if self._reporter is not None and self._lively:
            self._reporter.rewrite(f"wiremark: asked {settled} of {self._total}", erase=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reporter is not None and self._lively:
            self._reporter.rewrite("", erase=True)

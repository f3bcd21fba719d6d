"""One run of the suite inside a pytest session: prove, probe once, judge many, report.

Before the session starts the endpoint is proven to answer (`smoke`), so that a wrong base URL ends
with one line and nothing written. After collection the probes that the selected requirements need
are made, each once. Then every item only judges what is already there.

The probes of a session are made once, in one process: under pytest-xdist the suite sets the
distribution of tests aside and says so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from wiremark_reports import writer
from wiremark_reports.record import Verdict
from wiremark_reports.render import terminal

from wiremark_conformance import recorded, redact, sdk, smoke
from wiremark_conformance.budget import Budget, budget
from wiremark_conformance.client import Client
from wiremark_conformance.collect import Collection, RequirementItem, markers
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import probes_for
from wiremark_conformance.outcomes import SHOWN
from wiremark_conformance.plugin import RUN
from wiremark_conformance.prober import Prober
from wiremark_conformance.progress import Progress
from wiremark_conformance.requirement import load_register
from wiremark_conformance.settings import SettingError, Settings, resolve
from wiremark_conformance.target import Target
from wiremark_conformance.verdicts import Conclusion, Facts, Verdicts, untouched
from wiremark_conformance.version import version

_NO_REPORT = frozenset({pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR})


def attach(config: pytest.Config, base_url: str) -> None:
    """Make this pytest session a run of the suite. Raises pytest.UsageError; makes no request."""
    register = load_register()
    try:
        settings = resolve(config, base_url, register, os.environ)
    except SettingError as error:
        raise pytest.UsageError(str(error)) from None
    run = Run(config, settings)
    config.stash[RUN] = run
    for name in sorted({marker for requirement in register for marker in markers(requirement)}):
        config.addinivalue_line("markers", f"{name}: wiremark requirements of this level, area or capability")
    if settings.report is not None and not config.getoption("xmlpath", default=None):
        config.option.xmlpath = str(settings.report / "junit.xml")
    run.undistributed = _keep_in_one_process(config)
    config.pluginmanager.register(Collection(run), "wiremark-collection")
    config.pluginmanager.register(run, "wiremark-run")


def _keep_in_one_process(config: pytest.Config) -> bool:
    """Take back pytest-xdist's distribution; whether there was one."""
    if config.getoption("dist", default="no") == "no" and not config.getoption("tx", default=None):
        return False
    config.option.dist, config.option.tx, config.option.numprocesses = "no", [], None
    return True


class Run:
    """The state of one run, and the hooks of the session that it follows."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        endpoint = settings.endpoint
        self.config = config
        self.settings = settings
        self.target = Target(
            contract=settings.contract,
            model=settings.model or "",
            base_path=endpoint.base_path,
            credentials=settings.credentials,
            base_url=endpoint.url,
            host_header=endpoint.host_header,
        )
        self.prober = Prober(Client(endpoint), workers=settings.concurrency)
        self.redactor = redact.Redactor(settings.credentials.keys.values())
        self.known: dict[str, Exchange] = {}
        self.verdicts: Verdicts | None = None
        self.samples: dict[str, list[Mapping[str, Exchange]]] = {}
        self.undistributed = False
        self.unjudgeable = False  # the endpoint could not be judged, and nothing was
        self.started = datetime.now(UTC)
        self.began = time.monotonic()
        self.ended: float | None = None
        self.written: Path | None = None

    # -- the session, in order ------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        if self.config.option.collectonly:
            return
        try:
            proof = smoke.prove(self.target, self.settings.model, self.prober.send)
        except smoke.UnjudgeableError as problem:
            self.unjudgeable = True
            raise pytest.UsageError(self.redactor.text(str(problem))) from None
        except smoke.UnknownModelError as problem:
            raise pytest.UsageError(self.redactor.text(str(problem))) from None
        self.target = replace(self.target, model=proof.model)
        self.known[proof.exchange.probe] = proof.exchange

    def pytest_report_header(self) -> list[str]:
        target = self.target
        held = f"held to the contract {target.contract.name!r}, model {target.model or 'not looked up'}"
        lines = [f"wiremark {version()}: {target.base_url} {held}"]
        if self.settings.examples:
            lines.append(
                f"wiremark: {self.settings.examples} generated requests per property;"
                f" repeat them with --wiremark-seed={self.settings.seed}"
            )
        if self.undistributed:
            lines.append("wiremark: probes are made once, in one process; tests are not distributed")
        return lines

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        if self.config.option.collectonly or session.testsfailed:
            return
        ids = [
            item.requirement.id
            for item in session.items
            if isinstance(item, RequirementItem) and self.target.declares(item.requirement.capability)
        ]
        names = probes_for(ids)
        with Progress(self.config, self._within_budget(names), len(names)) as progress:
            exchanges = self.prober.run(names, self.target, self.known, progress.tell)
        evidence = Evidence(self.target, {**exchanges, **self._generated(names), **self._official(names)})
        self.verdicts = Verdicts(evidence, self.settings.deviations, self.started.date(), self._again)

    def _official(self, names: Sequence[str]) -> Mapping[str, Exchange]:
        """What the SDKs that were asked for saw."""
        chosen = [name for name in names if name in sdk.SCENARIOS]
        return sdk.run([n for n in chosen if sdk.SCENARIOS[n].sdk in self.settings.sdks], self.target)

    def _generated(self, names: Sequence[str]) -> Mapping[str, Exchange]:
        """The telling exchange of each property that was selected, when examples are asked for."""
        if not self.settings.examples:
            return {}
        from wiremark_conformance.properties import PROPERTIES, search

        examples, seed = self.settings.examples, self.settings.seed
        found = {
            name: search.search(PROPERTIES[name], self.target, self.prober.send, examples, seed)
            for name in names
            if name in PROPERTIES
        }
        return {name: exchange for name, exchange in found.items() if exchange is not None}

    def _within_budget(self, names: Sequence[str]) -> Budget:
        """What the run needs; ends the session when that is more than was allowed."""
        needed = budget(names, self.target, self.known, self.settings.examples)
        allowed = self.settings.max_requests
        if allowed is not None and needed.requests > allowed:
            raise pytest.exit.Exception(
                f"wiremark: the run needs {needed}, and --wiremark-max-requests allows {allowed};"
                " select fewer requirements with -m or -k, or allow more",
                returncode=pytest.ExitCode.USAGE_ERROR,
            )
        return needed

    def conclude(self, requirement_id: str) -> Conclusion:
        """The verdict on a requirement, from the exchanges of this session."""
        if self.verdicts is None:
            raise RuntimeError("an item ran before the probes were made")
        return self.verdicts.conclude(requirement_id)

    def _again(self, requirement_id: str, evidence: Evidence) -> Sequence[Mapping[str, Exchange]]:
        """Further samples of what a requirement of a model in a mood looks at, kept for the recording."""
        kept = untouched(requirement_id, evidence)
        names = probes_for([requirement_id])
        self.samples[requirement_id] = [
            {name: found for name, found in made.items() if name not in kept}
            for made in (self.prober.run(names, self.target, kept) for _ in range(self.settings.repeats - 1))
        ]
        return [{**kept, **made} for made in self.samples[requirement_id]]

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.verdicts is None or not self.conclusions or exitstatus in _NO_REPORT:
            return
        if self.settings.report is not None:
            writer.write(self.facts().report(self.conclusions), self.settings.report)
            self.written = self.settings.report
        if self.settings.record is not None:
            recorded.write(self.settings.record, self.facts(), self.verdicts, self.samples)

    # -- what is shown --------------------------------------------------------------------------

    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, tuple[str, Mapping[str, bool]]] | None:
        verdict = dict(getattr(report, "user_properties", ())).get("verdict")
        if verdict is None or hasattr(report, "wasxfail"):
            return None
        shown = SHOWN[Verdict(str(verdict))]
        if report.when != ("setup" if shown.phase == "error" else "call"):
            return None
        if shown.phase != "error" and report.outcome != shown.phase:
            return None  # a stale deviation fails
        return shown.category, shown.letter, (shown.word, {shown.colour: True})

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.conclusions:
            terminalreporter.section("wiremark")
            terminalreporter.write_line(terminal.summary(self.facts().report(self.conclusions), self.written))
            if self.settings.record is not None:
                terminalreporter.write_line(f"recording: {self.settings.record}")

    # -- what is kept ---------------------------------------------------------------------------

    @property
    def findings(self) -> bool:
        """Whether an item failed, as against could not be judged."""
        return any(conclusion.is_finding for conclusion in self.conclusions.values())

    @property
    def conclusions(self) -> Mapping[str, Conclusion]:
        """What has been concluded so far."""
        return {} if self.verdicts is None else self.verdicts.conclusions

    def facts(self) -> Facts:
        """What is known of the run when it has ended; the time it took is measured once."""
        if self.ended is None:
            self.ended = time.monotonic()
        return Facts(
            version=version(),
            target=self.target,
            started=self.started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            seconds=round(self.ended - self.began, 3),
            requests=self.prober.requests,
        )

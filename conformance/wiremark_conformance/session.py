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
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from wiremark_reports import writer
from wiremark_reports.record import Deviation, Report, Result, Verdict
from wiremark_reports.render import terminal

from wiremark_conformance import mood, redact, sdk, smoke
from wiremark_conformance.budget import Budget, budget
from wiremark_conformance.client import Client
from wiremark_conformance.collect import Collection, RequirementItem, markers
from wiremark_conformance.deviations import Standing, standing
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import CHECKS, Judgement, judge_one, probes_for
from wiremark_conformance.outcomes import SHOWN
from wiremark_conformance.plugin import RUN
from wiremark_conformance.prober import Prober
from wiremark_conformance.progress import Progress
from wiremark_conformance.requirement import load_register
from wiremark_conformance.settings import SettingError, Settings, resolve
from wiremark_conformance.target import Target
from wiremark_conformance.version import version

_NO_REPORT = frozenset({pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR})


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A result and what the deviations file makes of it.

    accepted: the finding is a known deviation
    note:     what is to be said before the finding; with `accepted` false it makes the item fail
    """

    result: Result
    accepted: bool = False
    note: str = ""


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
        self.evidence: Evidence | None = None
        self.conclusions: dict[str, Conclusion] = {}
        self.undistributed = False
        self.unjudgeable = False  # the endpoint could not be judged, and nothing was
        self.started = datetime.now(UTC)
        self.began = time.monotonic()
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
        self.evidence = Evidence(
            self.target, {**exchanges, **self._generated(names), **self._official(names)}
        )

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
        if requirement_id not in self.conclusions:
            self.conclusions[requirement_id] = self._conclude(requirement_id, self.evidence, _today())
        return self.conclusions[requirement_id]

    def _judged(self, requirement_id: str, evidence: Evidence) -> Judgement:
        """The judgement, on several samples when one of a model in a mood was a finding."""
        first = judge_one(requirement_id, evidence)
        repeats = self.settings.repeats
        if not first.requirement.mood or first.verdict not in mood.FINDINGS or repeats < 2:
            return first
        again = CHECKS[requirement_id].probes
        kept = {name: exchange for name, exchange in evidence.exchanges.items() if name not in again}
        names = probes_for([requirement_id])
        samples = (self.prober.run(names, self.target, kept) for _ in range(repeats - 1))
        return mood.settle(
            first, [judge_one(requirement_id, Evidence(self.target, {**kept, **made})) for made in samples]
        )

    def _conclude(self, requirement_id: str, evidence: Evidence | None, today: date) -> Conclusion:
        if evidence is None:
            raise RuntimeError("an item ran before the probes were made")
        judgement = self._judged(requirement_id, evidence)
        requirement, verdict = judgement.requirement, judgement.verdict
        deviation = self.settings.deviations.get(requirement_id)
        stands = standing(verdict, deviation, today)
        secrets = self.settings.credentials.keys.values()
        shown = verdict not in {Verdict.PASS, Verdict.UNDECLARED}
        result = Result(
            requirement=requirement.id,
            level=requirement.level,
            verdict=verdict,
            area=requirement.area,
            text=requirement.text,
            source_kind=requirement.source.kind,
            source_ref=requirement.source.ref,
            message=self.redactor.text(judgement.message),
            evidence=tuple(
                redact.evidence(evidence.exchanges[probe], secrets)
                for probe in judgement.probes
                if shown and probe in evidence.exchanges
            ),
            deviation=deviation if stands is Standing.COVERED else None,
        )
        return Conclusion(result, stands is Standing.COVERED, _note(stands, deviation))

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.settings.report is not None and self.conclusions and exitstatus not in _NO_REPORT:
            writer.write(self.report(), self.settings.report)
            self.written = self.settings.report

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
            terminalreporter.write_line(terminal.summary(self.report(), self.written))

    # -- what is kept ---------------------------------------------------------------------------

    @property
    def findings(self) -> bool:
        """Whether an item failed, as against could not be judged."""
        return any(
            not conclusion.accepted
            and (conclusion.note or SHOWN[conclusion.result.verdict].phase == "failed")
            for conclusion in self.conclusions.values()
        )

    def report(self) -> Report:
        return Report(
            version=version(),
            base_url=self.target.base_url,
            contract=self.target.contract.name,
            model=self.target.model or None,
            roles=tuple(sorted(self.target.credentials.roles)),
            started=self.started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            seconds=round(time.monotonic() - self.began, 3),
            requests=self.prober.requests,
            results=tuple(conclusion.result for conclusion in self.conclusions.values()),
        )


def _today() -> date:
    return datetime.now(UTC).date()


def _note(stands: Standing, deviation: Deviation | None) -> str:
    if deviation is None or stands is Standing.NONE:
        return ""
    entry = f"{deviation.owner}: {deviation.reason}"
    notes = {
        Standing.COVERED: f"known deviation until {deviation.expires} ({entry})",
        Standing.EXPIRED: f"the deviation accepted until {deviation.expires} has expired ({entry})",
        Standing.STALE: f"this is met, so the deviations file must no longer list it ({entry})",
    }
    return notes[stands]

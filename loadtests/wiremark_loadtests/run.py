"""One load run, from the mark in the ledger before it to the audit after it. Free of Locust."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wiremark_reports import reader, writer
from wiremark_reports.files import LOAD, PAGE, REPORT
from wiremark_reports.files import replace as replace_file
from wiremark_reports.render import html

from wiremark_loadtests import summary
from wiremark_loadtests.bill.audit import Audit
from wiremark_loadtests.bill.auditor import Auditor
from wiremark_loadtests.bill.billing import CannotJudge
from wiremark_loadtests.bill.findings import UnknownModelError
from wiremark_loadtests.bill.live import LiveAudit
from wiremark_loadtests.bill.spool import Spool
from wiremark_loadtests.measure import timeline
from wiremark_loadtests.measure.tally import Tally
from wiremark_loadtests.settings import Settings

# A gateway may settle after the last byte: "visible within seconds of the call" is what contracts promise.
_SETTLE_SECONDS = 5.0
_TIMELINE = "timeline.csv"
_SETTLE_PAUSE = 0.25
_LATE = {"missing", "wrong-total", "charged-failure"}  # what may pass when the ledger has caught up


@dataclass(frozen=True, slots=True)
class Result:
    """What a run ended with; `document` is load.json."""

    document: dict[str, Any]
    text: str
    exit_code: int


class Run:
    """A run of `users` users. `begin` before the first request, `finish` after the last.

    What it keeps on disk goes with `close`, or with the end of a `with` block.
    """

    def __init__(
        self,
        settings: Settings,
        users: int,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.tally = Tally(timeline.width_for(settings.demand.seconds or 0))
        self.lost_workers = 0
        self.expected = 0  # µUSD by the receipts so far
        self.result: Result | None = None  # when it has ended
        self.live: LiveAudit | None = None  # when somebody is watching
        self.users = users
        self._spool = Spool(settings.out)
        self._auditor = Auditor(settings)
        self._now, self._monotonic, self._pause = now, monotonic, pause
        self._started = now()
        self._started_at = monotonic()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._spool.close()

    @property
    def can_look(self) -> bool:
        """Whether there is a ledger to look at."""
        return self._auditor.has_ledger

    @property
    def receipts(self) -> int:
        """How many there are so far."""
        return self._spool.count

    def document(self) -> dict[str, Any]:
        """load.json as it would be now; the last one when the run has ended."""
        if self.result is not None:
            return self.result.document
        return summary.document(self.settings, self.users, self.tally, self._started, self.seconds, None)

    @property
    def seconds(self) -> float:
        """Since the beginning, up to the end."""
        if self.result is not None:
            return float(self.result.document["seconds"])
        return self._monotonic() - self._started_at

    def begin(self) -> None:
        """Reach the endpoint and mark where its ledger stands; raise CannotJudge."""
        self._auditor.begin()
        self._started, self._started_at = self._now(), self._monotonic()

    def hand_over(self) -> Tally:
        """What is new since the last call: a worker's part of the run, kept by the master from now on.

        Users hold on to the tally, so it is emptied, not replaced.
        """
        return self.tally.take()

    def take(self, part: dict[str, Any], behind_ms: int = 0) -> None:
        """Add what a worker handed over; `behind_ms` is how far its clock is behind ours."""
        tally = Tally.from_wire(part)
        if behind_ms:
            tally.shift(behind_ms)
        self.tally.merge(tally)
        self.bank()

    def bank(self) -> None:
        """Put the newest receipts on disk."""
        receipts = self.tally.take_receipts()
        self.expected += self._auditor.expected(receipts)
        self._spool.add(receipts)
        if self.live is not None:
            self.live.told(receipts, self._monotonic())

    def look(self) -> LiveAudit:
        """Hold what is known so far against the ledger as it is now."""
        if self.live is None:
            self.live = LiveAudit(self.settings.contract)
            self.live.told(self._spool, self._monotonic())
        try:
            rows = self._auditor.news()
            in_flight = max(0, self.tally.started - self._spool.count)
            self.live.listed(rows, self._monotonic(), in_flight)
            self.live.problem = ""
        except (CannotJudge, UnknownModelError) as error:
            self.live.problem = str(error)
        return self.live

    def finish(self) -> Result:
        """Audit the bill, write load.json and report.html, and say how it went."""
        seconds = self.seconds
        self.bank()
        found, problem = None, ""
        try:
            found = self._audit()
        except (CannotJudge, UnknownModelError) as error:
            problem = f"the audit was not possible: {error}"
        if self.lost_workers:
            found = _without_blame(found)
            lost = f"{self.lost_workers} worker(s) never reported, so their receipts are missing"
            problem = f"{lost}; {problem}" if problem else lost
        document = summary.document(self.settings, self.users, self.tally, self._started, seconds, found)
        text = summary.text(document, can_audit=self._auditor.has_ledger, problem=problem)
        if self._spool.problem:
            text += f"\n{self._spool.problem}"
        if self.settings.out is not None:
            try:
                text += f"\nreport: {write(document, self.settings.out)}"
            except OSError as error:
                problem = f"the report cannot be written to {self.settings.out}: {error.strerror or error}"
                text += f"\n{problem}"
        self.close()
        self.result = Result(document, text, summary.exit_code(document, problem))
        return self.result

    def _audit(self) -> Audit | None:
        """Audit, and again for a short while as long as charges are missing."""
        deadline = self._monotonic() + _SETTLE_SECONDS
        while True:
            found = self._auditor.audit(self._spool)
            late = found is not None and any(entry.kind in _LATE for entry in found.discrepancies)
            if not late or self._monotonic() > deadline:
                return found
            self._pause(_SETTLE_PAUSE)


def _without_blame(audited: Audit | None) -> Audit | None:
    """The audit when receipts were lost: rows that nobody can explain now are no fault of the endpoint."""
    if audited is None or audited.basis == "balance":
        return None
    kept = tuple(entry for entry in audited.discrepancies if entry.kind != "unexplained")
    return replace(audited, discrepancies=kept)


def write(document: dict[str, Any], folder: Path) -> Path:
    """Write load.json, timeline.csv, and the page of it and of the report beside it; return the page's path.

    A report.json that cannot be read does not cost the load report: the page is then of the load alone.
    Raises OSError.
    """
    replace_file(folder / LOAD, writer.dump(document))
    replace_file(folder / _TIMELINE, summary.timeline_csv(document))
    try:
        report = writer.to_json(reader.read(folder / REPORT))
    except reader.ReportError:
        report = None
    replace_file(folder / PAGE, html.page(report, document))
    return folder / PAGE

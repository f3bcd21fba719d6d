"""The values a report is made of; their JSON form is `meta/report.json` in the schemas."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What was found for one requirement. INFRA and HARNESS_ERROR never count as FAIL."""

    PASS = "pass"  # noqa: S105  # no password
    FAIL = "fail"
    WARN = "warn"  # a SHOULD that is not met
    UNDECLARED = "undeclared"  # the contract does not claim the capability
    UNSUPPORTED = "unsupported"  # an honest 4xx or 501 for an optional capability
    SILENT = "silent"  # 200, and what was asked for was ignored
    NOT_TESTABLE = "not-testable"  # something that had to work first did not, or a key role is missing
    INFRA = "infra"  # 429, 5xx, time-out, TLS: the endpoint could not be judged
    HARNESS_ERROR = "harness-error"  # the check itself broke


# A report with one of these, not covered by an accepted deviation, is not ok.
BLOCKING = frozenset({Verdict.FAIL, Verdict.INFRA, Verdict.HARNESS_ERROR})

# What a reader has to look at, gravest first; the rest is either good or was not asked for.
FINDINGS = (Verdict.FAIL, Verdict.HARNESS_ERROR, Verdict.INFRA, Verdict.SILENT, Verdict.WARN)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One exchange as text, secrets already removed."""

    probe: str
    request: str
    response: str
    curl: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """A finding that is known and accepted until `expires` (UTC date, ISO 8601)."""

    requirement: str
    reason: str
    owner: str
    expires: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one requirement."""

    requirement: str
    level: str
    verdict: Verdict
    area: str
    text: str
    source_kind: str
    source_ref: str
    message: str = ""
    evidence: tuple[Evidence, ...] = ()
    deviation: Deviation | None = None

    @property
    def blocks(self) -> bool:
        """Whether this alone makes the report not ok."""
        return self.verdict in BLOCKING and self.deviation is None


@dataclass(frozen=True, slots=True)
class Report:
    """One conformance run. `started` is RFC 3339 in UTC; `requests` counts HTTP requests made."""

    version: str
    base_url: str
    contract: str
    model: str | None
    roles: tuple[str, ...]
    started: str
    seconds: float
    requests: int
    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        """No fail, infra or harness-error that an accepted deviation does not cover."""
        return not any(result.blocks for result in self.results)

"""Other clients' traffic judged: a HAR held to a contract, exchange by exchange."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract, Dialect
from wiremark_schemas.credentials import Credentials
from wiremark_schemas.yamlfile import BadFile

from wiremark_conformance import redact
from wiremark_conformance.endpoint import BadBaseUrl, Endpoint
from wiremark_conformance.evidence import Evidence, View
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import CHECKS, Judgement, combined, judge_as
from wiremark_conformance.replay import har, situations
from wiremark_conformance.replay.har import Entry
from wiremark_conformance.replay.situations import Situation
from wiremark_conformance.requirement import Requirement, load_register
from wiremark_conformance.settings import DEFAULT_CONTRACT
from wiremark_conformance.target import Target
from wiremark_conformance.verdicts import Facts, Judged, Verdicts, once
from wiremark_conformance.version import version


@dataclass(frozen=True, slots=True)
class _Matched:
    """An entry, and the operation of the contract that it calls. base_path: what stands before its path."""

    entry: Entry
    operation: str
    base_path: str

    @property
    def base_url(self) -> str:
        return self.entry.exchange.origin + self.base_path


def read(path: Path, contract_name: str | None, base_url: str | None, model: str | None) -> Judged:
    """What can be said of a HAR's exchanges. Raises BadFile."""
    entries = har.read(path)
    contract = contracts.load(contract_name or DEFAULT_CONTRACT)
    found = [match for entry in entries if (match := _match(contract, entry)) is not None]
    base = _base_url(base_url, found)
    if base is None:
        raise BadFile(
            f"{path}: no exchange in it calls a route of the contract {contract.name!r}; "
            "name the contract with --contract"
        )
    ours = {match.entry.number: match for match in found if match.base_url == base}
    bare = _target(contract, base, [entry.exchange for entry in entries])
    target = replace(bare, model=model or _model(bare, ours.values()))
    judged: dict[str, list[Judgement]] = {}
    notes: list[str] = []
    for entry in entries:
        match = ours.get(entry.number)
        reason = _judge(target, match, judged) if match else f"it calls no promised route below {base}"
        if reason:
            notes.append(f"{entry.label} ({entry.exchange.request.method} {_shown(entry)}): {reason}")
    found_here = [match.entry for match in ours.values()]
    return replace(_concluded(path, target, found_here, judged, tuple(notes)), entries=len(entries))


def _judge(target: Target, match: _Matched, judged: dict[str, list[Judgement]]) -> str:
    """Add what is to be said of an entry; why nothing is, else ""."""
    if match.entry.unread:
        return match.entry.unread
    exchange = match.entry.exchange
    dialect = _dialect(target.contract, match.operation, exchange)
    situation = situations.of(match.operation, dialect, exchange)
    if isinstance(situation, str):
        return situation
    for judgement in _of_situation(target, situation, exchange):
        told = judgement._replace(probes=(match.entry.label,))
        judged.setdefault(judgement.requirement.id, []).append(told)
    return ""


def _of_situation(target: Target, situation: Situation, exchange: Exchange) -> Sequence[Judgement]:
    found: list[Judgement] = []
    for name, probe in situations.requirements(situation).items():
        evidence = Evidence(target, {probe: replace(exchange, probe=probe)})
        judgement = judge_as(name, probe, evidence)
        # The probe whose place it takes is of no interest to a reader.
        found.append(judgement._replace(message=judgement.message.removeprefix(f"{probe}: ")))
    return found


def _concluded(
    path: Path,
    target: Target,
    entries: Sequence[Entry],
    judged: Mapping[str, Sequence[Judgement]],
    notes: tuple[str, ...],
) -> Judged:
    started = min((entry.exchange.started for entry in entries), default="")
    evidence = Evidence(target, {entry.label: entry.exchange for entry in entries})
    verdicts = Verdicts(evidence, {}, date.min, once)
    for requirement in load_register():
        seen = judged.get(requirement.id, ())
        verdicts.add(combined(requirement, seen) if seen else _not_seen(requirement, target, path))
    seconds = round(sum(entry.exchange.elapsed_ns for entry in entries) / 1e9, 3)
    return Judged(Facts(version(), target, started, seconds, len(entries)), verdicts.conclusions, notes)


def _not_seen(requirement: Requirement, target: Target, path: Path) -> Judgement:
    if not target.declares(requirement.capability):
        reason = f"the contract {target.contract.name!r} does not promise {requirement.capability!r}"
        return Judgement(requirement, Verdict.UNDECLARED, reason, ())
    if requirement.id in _passive():
        reason = f"{path.name} has no exchange that shows it"
    else:
        probes = ", ".join(CHECKS[requirement.id].probes[:3])
        reason = f"{path.name} has other clients' requests, and this needs the suite's own: {probes}"
    return Judgement(requirement, Verdict.NOT_TESTABLE, reason, ())


@cache
def _passive() -> frozenset[str]:
    known = (*situations.SITUATIONS, *situations.ERRORS.values())
    return frozenset(name for situation in known for name in situations.requirements(situation))


# -- whose traffic it is ---------------------------------------------------------------------------------


def _match(contract: Contract, entry: Entry) -> _Matched | None:
    """The operation with the longest path that the URL ends with."""
    path = urlsplit(entry.url).path
    found: list[tuple[int, _Matched]] = []
    for operation, route in contract.raw["operations"].items():
        if route["method"] != entry.exchange.request.method:
            continue
        for template in contract.paths(operation):
            relative = template.removeprefix(contract.base_path)
            pattern = "".join(
                "[^/]+" if piece.startswith("{") else re.escape(piece)
                for piece in re.split(r"(\{[^}]*\})", relative)
            )
            if hit := re.fullmatch(f"(.*){pattern}", path):
                found.append((len(relative), _Matched(entry, operation, hit[1])))
    return max(found, key=lambda one: one[0], default=(0, None))[1]


def _base_url(given: str | None, found: Sequence[_Matched]) -> str | None:
    """The URL below which the endpoint stands: as given, else where most requests with a body went."""
    if given is not None:
        try:
            return Endpoint.parse(given).url
        except BadBaseUrl as problem:
            raise BadFile(str(problem)) from None
    posts = [match for match in found if match.entry.exchange.request.method == "POST"] or found
    counted = Counter(match.base_url for match in posts)
    return counted.most_common(1)[0][0] if counted else None


def _target(contract: Contract, base_url: str, exchanges: Sequence[Exchange]) -> Target:
    """Its credentials are the keys that stand in the file, so that none is shown."""
    url = urlsplit(base_url)
    keys = redact.credentials_in(exchange.request for exchange in exchanges)
    named = {f"client {number}": key for number, key in enumerate(keys, start=1)}
    return Target(contract, "", url.path, Credentials(named), base_url, url.netloc)


def _model(target: Target, ours: Iterable[_Matched]) -> str:
    """The model that was asked most often; "" when none was named."""
    evidence = Evidence(target, {})
    views = (View(evidence, match.entry.exchange) for match in ours if match.operation != "models.get")
    asked = Counter(view.asked_model for view in views if view.asked_model)
    return asked.most_common(1)[0][0] if asked else ""


def _dialect(contract: Contract, operation: str, exchange: Exchange) -> Dialect:
    """What an error is to look like; on a route that dialects share the request says it."""
    spoken = contract.dialect_of(operation)
    if spoken is not None:
        return spoken
    named = {name.lower() for name, _ in exchange.request.headers}
    query = urlsplit(exchange.request.target).query
    if "anthropic-version" in named and "anthropic" in contract.dialects:
        return "anthropic"
    if ("x-goog-api-key" in named or "key=" in query) and "gemini" in contract.dialects:
        return "gemini"
    return contract.dialect


def _shown(entry: Entry) -> str:
    """Without user and query, where keys may stand, and not longer than a line."""
    split = urlsplit(entry.url)
    plain = f"{entry.exchange.origin}{split.path}" if split.netloc else f"{split.scheme}:{split.path}"
    return plain if len(plain) <= 100 else plain[:99] + "…"

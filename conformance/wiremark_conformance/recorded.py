"""A run of the suite as a recording, and a recording as a run: the same verdicts in the same order.

What a report needs beside the exchanges stands in the recording's `meta`: the contract, the target, the
times, the accepted deviations, and which requirements were judged. Keys are replaced by a name for each
role, in the exchanges and in the credentials alike, so that what was judged about a key is judged again
about its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from wiremark_reports.record import Deviation
from wiremark_schemas.contracts import Contract
from wiremark_schemas.credentials import Credentials
from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator

from wiremark_conformance import recording
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.probes import PROBES
from wiremark_conformance.recording import BadRecording, Recording, Sample
from wiremark_conformance.redact import MARK, MIN_SECRET, Redactor
from wiremark_conformance.requirement import load_register
from wiremark_conformance.target import Target
from wiremark_conformance.verdicts import Facts, Judged, Verdicts, untouched
from wiremark_conformance.version import version

_SHORT = "-"  # for a key too short to be looked for in texts, which stays so
_OTHER = f"{MARK[:-1]}:other]"  # for a credential that is no role's
_TARGET = ("base_url", "base_path", "host_header", "model")

Samples = Mapping[str, Sequence[Mapping[str, Exchange]]]


def write(path: Path, facts: Facts, verdicts: Verdicts, samples: Samples) -> None:
    """Record a run that has ended. Raises OSError."""
    target = facts.target
    meta = {
        "version": facts.version,
        "contract": target.contract.raw,
        "target": {name: getattr(target, name) for name in _TARGET},
        "keys": names(target.credentials),
        "started": facts.started,
        "seconds": facts.seconds,
        "requests": facts.requests,
        "deviations": [asdict(deviation) for deviation in verdicts.deviations.values()],
        "requirements": list(verdicts.conclusions),
    }
    made_again = tuple(
        Sample(requirement, number, exchange)
        for requirement, made in samples.items()
        for number, exchanges in enumerate(made, start=2)
        for exchange in exchanges.values()
    )
    whole = Recording(meta, tuple(verdicts.evidence.exchanges.values()), made_again)
    recording.write(path, whole, redactor(target.credentials))


def redactor(credentials: Credentials) -> Redactor:
    """Puts the name of each role in the place of its key."""
    marks = {credentials[role]: name for role, name in names(credentials).items()}
    return Redactor(marks, marks, _OTHER)


def names(credentials: Credentials) -> dict[str, str]:
    """What stands for the key of each role; roles that share a key share its name."""
    first: dict[str, str] = {}
    for role, key in credentials.keys.items():
        first.setdefault(key, f"{MARK[:-1]}:{role}]" if len(key) >= MIN_SECRET else _SHORT)
    return {role: first[key] for role, key in credentials.keys.items()}


def read(path: Path) -> Judged:
    """The run in a file, judged again, offline.

    Raises BadRecording for what is no whole recording of a run by this version of wiremark.
    """
    found = recording.read(path, lambda meta: _check_version(path, meta))
    _check(path, found)
    facts, verdicts = _verdicts(found)
    for requirement in found.meta["requirements"]:
        verdicts.conclude(requirement)
    return Judged(facts, verdicts.conclusions)


def _verdicts(found: Recording) -> tuple[Facts, Verdicts]:
    meta = found.meta
    contract = Contract(meta["contract"]["name"], meta["contract"])
    target = Target(contract=contract, credentials=Credentials(meta["keys"]), **meta["target"])
    facts = Facts(meta["version"], target, meta["started"], meta["seconds"], meta["requests"])
    evidence = Evidence(target, {exchange.probe: exchange for exchange in found.exchanges})
    deviations = {entry["requirement"]: Deviation(**entry) for entry in meta["deviations"]}
    samples = _samples(found.samples)

    def again(requirement: str, first: Evidence) -> Sequence[Mapping[str, Exchange]]:
        kept = untouched(requirement, first)
        return [{**kept, **made} for made in samples.get(requirement, {}).values()]

    return facts, Verdicts(evidence, deviations, date.fromisoformat(meta["started"][:10]), again)


def _samples(found: Sequence[Sample]) -> Mapping[str, Mapping[int, dict[str, Exchange]]]:
    samples: dict[str, dict[int, dict[str, Exchange]]] = {}
    for sample in found:
        made = samples.setdefault(sample.requirement, {}).setdefault(sample.number, {})
        made[sample.exchange.probe] = sample.exchange
    return samples


# -- what is refused -------------------------------------------------------------------------------------


def _check_version(path: Path, meta: Mapping[str, Any]) -> None:
    recorder = meta.get("version")
    if not isinstance(recorder, str):
        raise BadRecording(f"{path}:1: this does not say which version of wiremark recorded it; record again")
    if recorder != version():
        raise BadRecording(
            f"{path}:1: this was recorded by wiremark {recorder}, and this is {version()}: its "
            "requests and checks may be others; judge it with that version, or record again"
        )


def _check(path: Path, found: Recording) -> None:
    meta = found.meta
    if defects := violations(validator("meta/recording", "run"), meta):
        raise BadRecording(f"{path}:1: this is no recording of a run: {defects[0]}")
    if defects := violations(validator("meta/contract"), meta["contract"]):
        raise BadRecording(f"{path}:1: its contract is none: {defects[0]}")
    register = load_register()
    if strangers := [name for name in meta["requirements"] if name not in register]:
        raise BadRecording(f"{path}:1: there is no requirement {strangers[0]!r}")
    try:
        date.fromisoformat(meta["started"][:10])
    except ValueError:
        raise BadRecording(f"{path}:1: there is no day {meta['started'][:10]!r}") from None
    made: dict[tuple[str, str, int], int] = {}
    marks = [(exchange.probe, "", 1) for exchange in found.exchanges]
    marks += [(sample.exchange.probe, sample.requirement, sample.number) for sample in found.samples]
    for number, mark in enumerate(marks, start=2):
        if mark[0] not in PROBES:
            raise BadRecording(f"{path}:{number}: there is no probe {mark[0]!r}")
        if (before := made.setdefault(mark, number)) != number:
            raise BadRecording(
                f"{path}:{number}: the exchange of {mark[0]!r} stands in line {before} already"
            )

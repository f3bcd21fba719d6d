"""One trial: a server that misbehaves in one way, all probes made, everything judged."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.credentials import Credentials

from wiremark_conformance.client import Client
from wiremark_conformance.endpoint import Endpoint
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.judge import judge_given, probes_for, with_needs
from wiremark_conformance.prober import Patience, Prober, Sender
from wiremark_conformance.probes import PROBES
from wiremark_conformance.requirement import load_register
from wiremark_conformance.selftest import outside
from wiremark_conformance.selftest.asgi import AsgiSender
from wiremark_conformance.selftest.subject import Instance, Subject
from wiremark_conformance.target import Target

_ORIGIN = "http://wiremark.invalid"
FOUND = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.SILENT, Verdict.HARNESS_ERROR})
_ONCE = Patience(attempts=1)  # what is busy on purpose is not asked again
_SAMPLE = 6  # of the questions that a fault has nothing to do with, one in so many is asked all the same
_contract = functools.cache(contracts.load)


class BrokenTrialError(Exception):
    """A trial that says nothing about the suite; the text says what broke."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a server is told to do wrong, or differently.

    name:   of the fault or variant, or what is mixed
    rate:   share of the requests that each variant shows on
    seed:   of everything that is drawn
    socket: over TCP, because the bytes and the end of the connection matter
    owed:   patterns of the requirements that it is about; their areas are asked whole and of the rest a
            sample. Empty: everything is asked
    """

    name: str
    contract: str
    faults: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    rate: float = 1.0
    seed: int = 0
    socket: bool = False
    owed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the suite said of it.

    fired: requirement → message of every finding, harness errors among them
    broke: why the trial could not be made, else ""
    """

    trial: Trial
    fired: Mapping[str, str]
    broke: str = ""


def run(trial: Trial, subject: Subject) -> Outcome:
    """Never raises for what the server does; a trial that breaks says so in its outcome."""
    try:
        evidence = observe(trial, subject, asked(trial), probes_for(required(trial)))
        judgements = judge_given(evidence)
    except BrokenTrialError as reason:
        return Outcome(trial, {}, broke=str(reason))
    except Exception as error:  # noqa: BLE001 - one broken trial is reported and the others go on
        return Outcome(trial, {}, broke=f"{type(error).__name__}: {error}")
    return Outcome(
        trial, {j.requirement.id: f"{j.verdict}: {j.message}" for j in judgements if j.verdict in FOUND}
    )


def observe(trial: Trial, subject: Subject, probes: Sequence[str], others: Sequence[str] = ()) -> Evidence:
    """What the server under trial answered. Raises BrokenTrialError when what broke was not meant to.

    probes: those that are made, needs first
    others: those of which all that is made in other ways is made too
    """
    with subject.open(
        trial.contract, trial.faults, trial.variants, trial.rate, trial.seed, socket=trial.socket
    ) as instance:
        return _observed(instance, probes, others)


def asked(trial: Trial) -> tuple[str, ...]:
    """The probes of a trial, needs first: those of the areas that it is about, and a sample of the others."""
    if not trial.owed:
        return tuple(PROBES)
    areas = {load_register()[name].area for name in required(trial)}
    owed = probes_for(r.id for r in load_register() if r.area in areas)
    drawn = (name for name in PROBES if zlib.crc32(f"{trial.seed} {name}".encode()) % _SAMPLE == 0)
    return with_needs((*owed, *drawn))


def required(trial: Trial) -> tuple[str, ...]:
    """The requirements that it is about."""
    return tuple(r.id for r in load_register() if any(fnmatchcase(r.id, p) for p in trial.owed))


def _observed(instance: Instance, probes: Sequence[str], others: Sequence[str]) -> Evidence:
    contract = _contract(instance.contract)
    sender: Sender
    broken: Sequence[str] = ()
    if instance.base_url:
        endpoint = Endpoint.parse(instance.base_url)
        sender, host, base_url = Client(endpoint), endpoint.host_header, endpoint.url
    else:
        sender = inside = AsgiSender(instance.application, instance.run, _ORIGIN)
        broken = inside.broken
        host, base_url = _ORIGIN.removeprefix("http://"), _ORIGIN + contract.base_path
    target = Target(
        contract, contract.models[0].id, contract.base_path, Credentials(instance.keys), base_url, host
    )
    prober = Prober(sender, _ONCE, workers=1, sleep=lambda _: None)
    exchanges = {
        **prober.run(probes, target, {}),
        **outside.ask(others, target, sender.send),
    }
    crashes = (*instance.crashes, *broken)
    if crashes:
        raise BrokenTrialError(f"the server itself broke: {crashes[0]}")
    return Evidence(target, exchanges)

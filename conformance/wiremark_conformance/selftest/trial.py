"""One trial: a server that misbehaves in one way, all probes made, everything judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.credentials import Credentials

from wiremark_conformance.client import Client
from wiremark_conformance.endpoint import Endpoint
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.judge import judge
from wiremark_conformance.prober import Patience, Prober, Sender
from wiremark_conformance.probes import PROBES
from wiremark_conformance.requirement import load_register
from wiremark_conformance.selftest.asgi import AsgiSender
from wiremark_conformance.selftest.subject import Instance, Subject
from wiremark_conformance.target import Target

_ORIGIN = "http://wiremark.invalid"
_FOUND = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.SILENT, Verdict.HARNESS_ERROR})
_ONCE = Patience(attempts=1)  # what is busy on purpose is not asked again


@dataclass(frozen=True, slots=True)
class Trial:
    """What a server is told to do wrong, or differently.

    name:   of the fault or variant, or what is mixed
    rate:   share of the requests that each variant shows on
    seed:   of everything that is drawn
    socket: over TCP, because the bytes and the end of the connection matter
    """

    name: str
    contract: str
    faults: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    rate: float = 1.0
    seed: int = 0
    socket: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the suite said of it.

    fired:  requirement → message of every finding, harness errors among them
    passed: requirements that were met
    broke:  why the trial could not be made, else ""
    """

    trial: Trial
    fired: Mapping[str, str]
    passed: frozenset[str] = frozenset()
    broke: str = ""


def run(trial: Trial, subject: Subject) -> Outcome:
    """Never raises for what the server does; a trial that breaks says so in its outcome."""
    try:
        with subject.open(
            trial.contract, trial.faults, trial.variants, trial.rate, trial.seed, socket=trial.socket
        ) as instance:
            return _judged(trial, instance)
    except Exception as error:  # noqa: BLE001 - one broken trial is reported and the others go on
        return Outcome(trial, {}, broke=f"{type(error).__name__}: {error}")


def _judged(trial: Trial, instance: Instance) -> Outcome:
    contract = contracts.load(instance.contract)
    sender: Sender
    if instance.base_url:
        endpoint = Endpoint.parse(instance.base_url)
        sender, host, base_url = Client(endpoint), endpoint.host_header, endpoint.url
    else:
        sender = AsgiSender(instance.application, instance.run, _ORIGIN)
        host, base_url = _ORIGIN.removeprefix("http://"), _ORIGIN + contract.base_path
    target = Target(
        contract, contract.models[0].id, contract.base_path, Credentials(instance.keys), base_url, host
    )
    prober = Prober(sender, _ONCE, workers=1, sleep=lambda _: None)
    judgements = judge(load_register(), Evidence(target, prober.run(tuple(PROBES), target, {})))
    return Outcome(
        trial,
        {j.requirement.id: f"{j.verdict}: {j.message}" for j in judgements if j.verdict in _FOUND},
        frozenset(j.requirement.id for j in judgements if j.verdict is Verdict.PASS),
    )

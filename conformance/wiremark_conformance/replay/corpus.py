"""Known bugs on the wire: files of answers that real servers gave, and the requirements that catch them.

The request of each answer is the one that the suite's probe makes, so a file holds answers alone and
stays short enough to be read. `transmission` is what goes over a socket: a test serves it to the suite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from wiremark_reports.figures import findings
from wiremark_schemas import contracts, yamlfile
from wiremark_schemas.contracts import Contract
from wiremark_schemas.credentials import ROLES, Credentials
from wiremark_schemas.yamlfile import BadFile

from wiremark_conformance import arrival
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import CHECKS, judge_given
from wiremark_conformance.probes import PROBES, ProbeContext
from wiremark_conformance.target import Target
from wiremark_conformance.verdicts import Conclusion, Facts, Judged, Verdicts, once
from wiremark_conformance.version import version

_ORIGIN = "http://corpus.invalid"
_STARTED = "2026-01-01T00:00:00.000Z"
_STEP_NS = 1_000_000  # between two arrivals


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint sends to one probe. cut: the connection ends before the body has."""

    probe: str
    head: str
    body: bytes
    cut: bool

    @property
    def transmission(self) -> tuple[bytes, ...]:
        """The bytes on the wire, in the pieces in which they are sent."""
        lines = [line for line in self.head.split("\n") if line]
        pieces = _events(self.body) if "text/event-stream" in self.head.lower() else None
        if pieces is None:
            lines.append(f"content-length: {len(self.body) + self.cut}")
            sent = [self.body] if self.body else []
        else:
            lines.append("transfer-encoding: chunked")
            sent = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
            sent += [] if self.cut else [b"0\r\n\r\n"]
        return ("\r\n".join([*lines, "", ""]).encode("latin-1"), *sent)


@dataclass(frozen=True, slots=True)
class Case:
    """One file. expect: every requirement that finds something, and no other."""

    bug: str
    title: str
    source: str
    contract: Contract
    expect: frozenset[str]
    answers: tuple[Answer, ...]

    def target(self, base_url: str = "", host: str = "") -> Target:
        """The endpoint that has the bug; where nothing listens unless it is said where."""
        contract = self.contract
        keys = {role: f"key-of-{role}" for role in ROLES}
        return Target(
            contract,
            contract.models[0].id if contract.models else "some-model",
            contract.base_path,
            Credentials(keys),
            base_url or _ORIGIN + contract.base_path,
            host or _ORIGIN.partition("//")[2],
        )

    def exchanges(self, target: Target) -> Mapping[str, Exchange]:
        """Each answer with the request that the suite makes for it. Raises BadFile when it makes none."""
        found: dict[str, Exchange] = {}
        for answer in self.answers:
            context = ProbeContext(target, dict(found))
            request = PROBES[answer.probe].build(context)
            if request is None:
                raise BadFile(
                    f"{self.bug}: {answer.probe} is not asked: {PROBES[answer.probe].obstacle(context)}"
                )
            arrived = [(at * _STEP_NS, data) for at, data in enumerate(answer.transmission)]
            found[answer.probe] = arrival.read(
                answer.probe,
                request,
                arrived,
                started=_STARTED,
                elapsed_ns=len(arrived) * _STEP_NS,
                origin=_ORIGIN,
            )
        return found


def load(path: Path) -> Case:
    """A file of the corpus, or one of the same form. Raises BadFile with file and line."""
    return _case(yamlfile.read(path, "file of answers"), str(path))


def read(path: Path) -> Judged:
    """What the suite says of a file's answers. Raises BadFile."""
    case = load(path)
    target = case.target()
    exchanges = case.exchanges(target)
    verdicts = Verdicts(Evidence(target, exchanges), {}, date.fromisoformat(_STARTED[:10]), once)
    for judgement in judge_given(verdicts.evidence):
        verdicts.add(judgement)
    facts = Facts(version(), target, _STARTED, 0.0, len(exchanges))
    return Judged(facts, verdicts.conclusions, known=_known(case, verdicts.conclusions))


def _known(case: Case, conclusions: Mapping[str, Conclusion]) -> str:
    """What a file says that it shows, and what was found of it."""
    found = {result.requirement for result in findings(c.result for c in conclusions.values())}
    said = {"found": sorted(case.expect & found), "not found": sorted(case.expect - found)}
    told = "; ".join(f"{word} by {', '.join(names)}" for word, names in said.items() if names)
    return f"known bug {case.bug}: {case.title} ({case.source}) {told}"


@cache
def bundled() -> tuple[Case, ...]:
    """The corpus that comes with the package, by class."""
    folder = files("wiremark_conformance").joinpath("corpus")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return tuple(_case(folder.joinpath(name).read_bytes().decode(), name) for name in names)


def _case(text: str, source: str) -> Case:
    document, lines = yamlfile.parse(text, source)
    yamlfile.check(document, lines, "meta/corpus", source)
    for position, name in enumerate(document["expect"]):
        if name not in CHECKS:
            raise BadFile(f"{source}:{lines[f'/expect/{position}']}: there is no requirement {name!r}")
    answers = []
    for position, entry in enumerate(document["answers"]):
        if entry["probe"] not in PROBES:
            line = lines[f"/answers/{position}/probe"]
            raise BadFile(f"{source}:{line}: there is no probe {entry['probe']!r}")
        answers.append(_answer(entry))
    return Case(
        document["class"],
        document["title"],
        document["source"],
        _contract(document, f"{source}:{lines['/contract']}"),
        frozenset(document["expect"]),
        tuple(answers),
    )


def _contract(document: Mapping[str, Any], source: str) -> Contract:
    if document["contract"] not in contracts.bundled():
        raise BadFile(f"{source}: there is no bundled contract {document['contract']!r}")
    contract = _loaded(document["contract"])
    promises = document.get("promises")
    return contract if promises is None else contracts.varied(contract, promises, source)


_loaded = cache(contracts.load)


def _answer(entry: Mapping[str, Any]) -> Answer:
    head, _, body = entry["wire"].partition("\n\n")
    return Answer(entry["probe"], head, body.encode(), entry.get("end") == "cut")


def _events(body: bytes) -> list[bytes]:
    """The events of a stream, each with the empty line that ends it, whatever its line endings."""
    for end in (b"\r\n\r\n", b"\n\n"):
        if end in body:
            pieces = [piece + end for piece in body.split(end)]
            return [*pieces[:-1], *([rest] if (rest := pieces[-1].removesuffix(end)) else [])]
    return [body] if body else []

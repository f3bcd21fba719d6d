"""A well-behaved endpoint as values: every probe's answer, to be spoilt one thing at a time."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wiremark_conformance.checks.billing.check_ledger import LEDGER
from wiremark_conformance.exchange import Exchange, Part, Request
from wiremark_conformance.judge import Evidence, Judgement, judge_one, probes_for
from wiremark_conformance.probes import PROBES, Probe, ProbeContext
from wiremark_conformance.properties import PROPERTIES
from wiremark_conformance.requirement import load_register
from wiremark_conformance.sdk import SCENARIOS
from wiremark_conformance.target import Target
from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.credentials import ROLES, Credentials

from tests.conformance.judging import (
    good_gemini,
    good_messages,
    good_openai,
    good_responses,
    good_surfaces,
)
from tests.conformance.judging.answer import Answer
from tests.conformance.judging.good_openai import EVERYTHING

PAGES = str(Path(__file__).with_name("pages.yaml"))
_contract = functools.cache(contracts.load)

# These compare every answer of the run, as those that read the books do.
OF_THE_WHOLE_RUN = {
    "ids.unique",
    "limits.headers.counting",
    "messages.request-id.unique",
}

_requests: dict[tuple[Any, ...], tuple[contracts.Contract, Request | None]] = {}


class Answers(MutableMapping[str, Answer]):
    """Good answers by probe, each copied when it is first looked at: a test may spoil what it gets."""

    def __init__(self, good: Mapping[str, Answer]) -> None:
        self._good = dict(good)
        self._own: dict[str, Answer] = {}

    def __getitem__(self, probe: str) -> Answer:
        if probe not in self._own:
            self._own[probe] = copy.deepcopy(self._good[probe])
        return self._own[probe]

    def __setitem__(self, probe: str, answer: Answer) -> None:
        self._good[probe] = self._own[probe] = answer

    def __delitem__(self, probe: str) -> None:
        del self._good[probe]
        self._own.pop(probe, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._good)

    def __len__(self) -> int:
        return len(self._good)


class World:
    """Answers by probe; what has no answer of its own gets the plain one."""

    def __init__(self, contract: str = EVERYTHING, roles: tuple[str, ...] = ROLES) -> None:
        self.contract = _contract(contract)
        keys = {role: f"key-of-{role}" for role in roles}
        self.target = Target(
            self.contract,
            _model(self.contract),
            self.contract.base_path,
            Credentials(keys),
            "http://x.invalid",
            "x.invalid",
        )
        self.answers = Answers(_good(contract))

    def __getitem__(self, probe: str) -> Answer:
        return self.answers[probe]

    def chunks(self, probe: str) -> list[Any]:
        found = self.answers[probe].chunks
        assert found is not None
        return found

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self["billing.usage"].body["data"]
        return found

    def row(self, probe: str) -> dict[str, Any]:
        return next(row for row in self.rows() if row["request_id"] == f"req-{probe}")

    def streams(self, *, named: bool = False) -> Iterator[Answer]:
        """Streams of chat, or of the formats whose events have names."""
        return (one for one in self.usual() if one.chunks is not None and one.named == named)

    def usual(self) -> Iterator[Answer]:
        """The answers but those of the format without names of events, and the bare ones of all formats."""
        others = (good_gemini, good_surfaces)
        return (one for name, one in self.answers.items() if not any(o.is_ours(name) for o in others))

    def evidence(self, probes: Iterable[str] = PROBES) -> Evidence:
        exchanges: dict[str, Exchange] = {}
        for name, probe in ((name, PROBES[name]) for name in probes):
            request = self._request(probe, exchanges)
            if request is None or name not in self.answers:
                continue
            answer = self.answers[name]
            wire, step = answer.wire, answer.step or max(len(answer.wire), 1)
            parts = tuple(Part(answer.at_ns(i), wire[i : i + step]) for i in range(0, len(wire), step))
            exchanges[name] = Exchange(
                name,
                request,
                status=answer.status,
                headers=tuple(answer.headers.items()),
                parts=parts,
                failure=answer.failure,
            )
        return Evidence(self.target, exchanges)

    def _request(self, probe: Probe, exchanges: Mapping[str, Exchange]) -> Request | None:
        """The request of a probe; made once for all worlds when it looks at no other exchange."""
        if probe.name in PROPERTIES or probe.name in SCENARIOS:  # made in other ways than by the table
            return PROBES["models.list"].build(ProbeContext(self.target, {}))
        if probe.needs:
            return probe.build(ProbeContext(self.target, exchanges))
        target = self.target
        keys = tuple(sorted(target.credentials.keys.items()))
        known = (id(target.contract), target.model, keys, probe.name)
        if known not in _requests:  # the contract is kept, so that no other one gets its id
            _requests[known] = (target.contract, probe.build(ProbeContext(target, {})))
        return _requests[known][1]

    def judge(self, requirement: str) -> Judgement:
        needed = probes_for([requirement])
        whole = LEDGER in needed or requirement in OF_THE_WHOLE_RUN
        return judge_one(requirement, self.evidence() if whole else self.evidence(needed))

    def findings(self, areas: str = "") -> dict[str, str]:
        """Requirement → message of everything that was found; `areas`: how the names of areas begin."""
        wrong = {Verdict.FAIL, Verdict.WARN, Verdict.HARNESS_ERROR, Verdict.SILENT}
        evidence = self.evidence()
        judged = [judge_one(r.id, evidence) for r in load_register() if r.area.startswith(areas)]
        return {j.requirement.id: f"{j.verdict}: {j.message}" for j in judged if j.verdict in wrong}


def _shared(name: str, position: int) -> dict[str, str]:
    role = PROBES[name].role
    limit, remaining = {"throttled": ("60", "0"), "daily": ("1000", "0")}.get(
        role, ("60", str(59 - position % 50))
    )
    if name.startswith("auth."):
        return {"x-request-id": f"req-{name}"}
    return {
        "x-request-id": f"req-{name}",
        "x-ratelimit-limit-requests": limit,
        "x-ratelimit-remaining-requests": remaining,
        "x-ratelimit-reset-requests": "6m0.5s",
    }


def _of_others(probe: str) -> bool:
    """Whether a probe is of a format whose good answers are made elsewhere."""
    others = (good_messages, good_responses, good_gemini)
    return any(other.is_ours(probe) for other in others)


def _model(contract: contracts.Contract) -> str:
    return contract.models[0].id if contract.models else "some-model"


@functools.cache
def _good(contract: str) -> Mapping[str, Answer]:
    """The answers of a good endpoint under a contract, by probe; made once, for `Answers` to copy."""
    model = _model(_contract(contract))
    table = good_openai.answers(model)
    listed = [entry["id"] for entry in good_openai.models()]
    formats = {
        **good_messages.answers(model, listed),
        **good_responses.answers(),
        **good_gemini.answers(model, listed),
    }
    found = {name: table.get(name, good_openai.plain)() for name in PROBES if not _of_others(name)}
    found |= {name: Answer(**given) for name, given in formats.items()}
    return {
        # Headers are joined into a dict of their own: answers of the table may share one.
        name: replace(answer, headers={**_shared(name, position), **answer.headers})
        for position, (name, answer) in enumerate(found.items())
    }

"""Probes: each once, needs first, retries only for what says nothing about the endpoint."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange, Headers, Request, TransportFailure
from wiremark_conformance.judge import judge_given, judge_one
from wiremark_conformance.prober import Patience, Prober
from wiremark_conformance.probes import PROBES
from wiremark_conformance.target import Target
from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.credentials import Credentials

REQUEST = Request("GET", "/v1/models", ())
TARGET = Target(contracts.load("generic"), "m", "/v1", Credentials({"throttled": "sk-t"}), "http://h/v1", "h")

Reply = Callable[[str, int], Exchange]  # probe, how many times it was asked before


class Sender:
    """A client that answers from a function and remembers what was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: Counter[str] = Counter()
        self.order: list[str] = []
        self.lock = threading.Lock()

    def send(self, probe: str, request: Request) -> Exchange:  # noqa: ARG002 - the client's signature
        with self.lock:
            before = self.asked[probe]
            self.asked[probe] += 1
            self.order.append(probe)
        return self.reply(probe, before)


def said(status: int, headers: Headers = ()) -> Exchange:
    return Exchange("p", REQUEST, status=status, headers=headers)


def prober(reply: Reply, patience: Patience | None = None) -> tuple[Prober, Sender, list[float]]:
    sender = Sender(reply)
    slept: list[float] = []
    return Prober(sender, patience or Patience(), sleep=slept.append), sender, slept


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_endpoint_is_asked_again(status: int) -> None:
    probes, sender, slept = prober(lambda _, before: said(200 if before else status))
    assert probes.send_patiently("p", REQUEST).status == 200
    assert (sender.asked["p"], probes.requests, slept) == (2, 2, [0.5])


@pytest.mark.parametrize("status", [200, 400, 401, 402, 413, 500, 501])
def test_an_answer_is_an_answer(status: int) -> None:
    probes, sender, slept = prober(lambda *_: said(status))
    assert probes.send_patiently("p", REQUEST).status == status
    assert (sender.asked["p"], slept) == (1, [])


def test_attempts_are_bounded_and_the_last_answer_stands() -> None:
    probes, sender, slept = prober(lambda *_: said(503))
    assert probes.send_patiently("p", REQUEST).status == 503
    assert (sender.asked["p"], slept) == (3, [0.5, 1.0])


@pytest.mark.parametrize(
    ("value", "slept"), [("2", [2.0, 2.0]), ("60", []), ("soon", [0.5, 1.0]), ("-1", [0.5, 1.0])]
)
def test_retry_after_is_honoured_within_the_budget(value: str, slept: list[float]) -> None:
    probes, _, pauses = prober(lambda *_: said(429, (("Retry-After", value),)))
    probes.send_patiently("p", REQUEST)
    assert pauses == slept


def test_all_waiting_of_a_run_is_bounded() -> None:
    probes, sender, slept = prober(lambda *_: said(503), Patience(total=2.0))
    for _ in range(5):
        probes.send_patiently("p", REQUEST)
    assert sum(slept) <= 2.0
    assert sender.asked["p"] < 15


@pytest.mark.parametrize(("kind", "asked"), [("connect", 3), ("reset", 3), ("timeout", 1), ("tls", 1)])
def test_a_broken_connection_is_tried_again_but_a_time_limit_is_not(kind: str, asked: int) -> None:
    failed = Exchange("p", REQUEST, failure=TransportFailure(kind, "x"))  # type: ignore[arg-type]
    probes, sender, _ = prober(lambda *_: failed)
    probes.send_patiently("p", REQUEST)
    assert sender.asked["p"] == asked


def test_each_probe_is_made_once_and_needs_come_first() -> None:
    names = [name for name in PROBES if PROBES[name].role == "default"]
    probes, sender, _ = prober(lambda *_: said(200))
    exchanges = probes.run(names, TARGET, {})
    assert set(sender.asked.values()) == {1}
    assert len(sender.order) == len(exchanges)
    assert probes.requests == sum(PROBES[name].requests for name in exchanges) > len(exchanges)
    for name in exchanges:
        needs = [need for need in PROBES[name].needs if need in exchanges]
        assert all(sender.order.index(need) < sender.order.index(name) for need in needs)


def test_what_was_taken_within_more_is_not_asked_for_again() -> None:
    probes, sender, _ = prober(lambda probe, _: replace(said(200), probe=probe))
    exchanges = probes.run(["chat.at-once", "chat.developer", "chat.nulls"], TARGET, {})
    assert sender.asked == {"chat.at-once": 1}
    assert list(exchanges) == ["chat.at-once"]
    evidence = Evidence(TARGET, exchanges)
    judgement = judge_one("chat.developer-role", evidence)
    assert (judgement.verdict, judgement.probes) == (Verdict.PASS, ("chat.at-once",))
    assert "chat.developer-role" in {given.requirement.id for given in judge_given(evidence)}


def test_what_was_refused_together_is_asked_for_one_by_one() -> None:
    refused = {"chat.at-once", "chat.nulls"}
    probes, sender, _ = prober(lambda probe, _: replace(said(400 if probe in refused else 200), probe=probe))
    exchanges = probes.run(["chat.at-once", "chat.developer", "chat.nulls"], TARGET, {})
    assert sender.asked == {"chat.at-once": 1, "chat.developer": 1, "chat.nulls": 1}
    verdicts = {
        name: judge_one(name, Evidence(TARGET, exchanges)).verdict
        for name in ("chat.developer-role", "chat.null-parameters")
    }
    assert verdicts == {"chat.developer-role": Verdict.PASS, "chat.null-parameters": Verdict.WARN}


def test_what_is_known_is_not_asked_again() -> None:
    probes, sender, _ = prober(lambda *_: said(200))
    known = {"models.list": said(200)}
    exchanges = probes.run(["models.list", "chat.plain"], TARGET, known)
    assert sender.asked == {"chat.plain": 1}
    assert list(exchanges) == ["models.list", "chat.plain"]
    assert exchanges["models.list"] is known["models.list"]


def test_a_probe_that_cannot_be_built_is_left_out() -> None:
    probes, sender, _ = prober(lambda *_: said(200))
    assert probes.run(["keys.revoked"], TARGET, {}) == {}
    assert not sender.asked


def test_a_role_that_is_there_to_be_refused_is_asked_once() -> None:
    target = Target(
        contracts.load("hermes-tokens"), "m", "/v1", Credentials({"throttled": "sk-t"}), "http://h/v1", "h"
    )
    probes, sender, _ = prober(lambda *_: said(429, (("retry-after", "1"),)))
    assert probes.run(["keys.throttled"], target, {})["keys.throttled"].status == 429
    assert sender.asked == {"keys.throttled": 1}


def test_an_error_of_ours_is_not_swallowed() -> None:
    def broken(*_: object) -> Exchange:
        raise ValueError("a line break in a header")

    probes, _, _ = prober(broken)
    with pytest.raises(ValueError, match="line break"):
        probes.run(["models.list"], TARGET, {})

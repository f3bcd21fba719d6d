"""The audit of a gateway whose ledger and limits are wrong, one way at a time, and of a right one."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from wiremark_loadtests.client import tasks
from wiremark_loadtests.client.sender import Sender, Steps
from wiremark_loadtests.client.telling import Sent
from wiremark_loadtests.client.webhooks import Hooks
from wiremark_loadtests.run import Run
from wiremark_loadtests.settings import Given, Settings, resolve
from wiremark_loadtests.traffic import scenario
from wiremark_server.faults.subject import Instance, ReferenceSubject
from wiremark_server.ledger.store import Balance, Ledger, Resolution, UsagePage
from wiremark_server.media import outbound
from wiremark_server.media.guard import Guard
from wiremark_server.media.studio import Studio
from wiremark_server.policy import idempotency
from wiremark_server.policy.limits import Decision, Limiter

CONTRACT = "hermes-tokens"
USERS, REQUESTS = 3, 12
HEAD = "wiremark: scenario/1\nname: mine\ntitle: Mine\nmix:\n"
MANY = (
    HEAD
    + """\
  - {name: stream, weight: 4, stream: true, prompt_words: [8, 40], max_tokens: 16}
  - {name: plain, weight: 3, stream: false, prompt_words: [8, 40], max_tokens: 16}
  - {name: cached, weight: 3, stream: false, prompt_words: [8, 8], max_tokens: 16, repeat_share: 1.0}
  - {name: cut, weight: 2, stream: true, prompt_words: [8, 40], max_tokens: 64, cut: [sent, head, middle]}
  - {name: refused, weight: 2, role: exhausted, stream: false, prompt_words: [8, 40], max_tokens: 16}
"""
)
ALONE = "".join(line for line in MANY.splitlines(keepends=True) if "exhausted" not in line)
LIMITED = HEAD + "  - {name: a, weight: 1, stream: false, prompt_words: [2, 4], max_tokens: 2}\n"


@pytest.fixture(scope="module")
def subject() -> Iterator[ReferenceSubject]:
    opened = ReferenceSubject()
    yield opened
    opened.close()


def _settings(instance: Instance, folder: Path, mine: str | None, **changes: Any) -> Settings:
    """Settings for a scenario of this text, or for the bundled one among the changes."""
    keys, mix = folder / "keys.yaml", folder / "mine.yaml"
    keys.write_text("".join(f"{role}: {key}\n" for role, key in instance.keys.items()))
    mix.write_text(mine or "")
    given = Given(instance.base_url, CONTRACT, credentials=str(keys), scenario=str(mix), seed=5)
    return resolve(dataclasses.replace(given, **changes), {})


def _kinds(settings: Settings, users: int = USERS, requests: int = REQUESTS) -> set[str]:
    """Send requests, audit them, and say what kinds of discrepancies were found."""
    return {entry["kind"] for entry in _load(settings, users, requests)["audit"]["discrepancies"]}


def _load(settings: Settings, users: int, requests: int) -> dict[str, Any]:
    """load.json of a run without Locust."""
    moment = itertools.count()
    with Run(settings, users, monotonic=lambda: float(next(moment)), pause=lambda _: None) as run:
        run.begin()

        def done(sent: Sent) -> None:
            run.tally.add(sent.receipt, sent.answer, sent.at, settings.slo)

        keys = {role: settings.keys.get(role) or "" for role in settings.scenario.roles}
        hooks = Hooks(settings.webhooks, keys, time.time) if settings.scenario.is_told else None
        for user in range(users):
            steps = Steps(lambda: None, lambda: None, done)
            sender = Sender(settings, f"0.{user}", steps, hooks)
            for _ in range(requests):
                sender.send(None, None)
            sender.close()
        if hooks is not None:
            run.tally.errors.update(hooks.close())
        document = run.finish().document
    assert document["audit"]["receipts"] >= users * requests  # a request may be tried again
    return document


def _every(nth: int) -> Callable[[], bool]:
    turns = itertools.count(1)
    return lambda: next(turns) % nth == 0


def _settling(change: Callable[[dict[str, Any]], None]) -> Callable[[pytest.MonkeyPatch], None]:
    """Every fifth settlement is another one."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        right, is_turn = Ledger.settle, _every(5)

        async def settle(
            self: Ledger,
            request_id: str,
            amount: int,
            prompt_tokens: int,
            completion_tokens: int,
            *rest: Any,
            **more: Any,
        ) -> Resolution:
            given = {"amount": amount, "prompt": prompt_tokens, "completion": completion_tokens}
            if is_turn():
                change(given)
            return await right(
                self, request_id, given["amount"], given["prompt"], given["completion"], *rest, **more
            )

        patch.setattr(Ledger, "settle", settle)

    return apply


def _never_settled(patch: pytest.MonkeyPatch) -> None:
    right, is_turn = Ledger.settle, _every(5)

    async def settle(self: Ledger, request_id: str, *rest: Any, **more: Any) -> Resolution:
        if is_turn():
            return Resolution(request_id, "settled", 0)
        return await right(self, request_id, *rest, **more)

    patch.setattr(Ledger, "settle", settle)


def _listing(change: Callable[[list[Any]], list[Any]]) -> Callable[[pytest.MonkeyPatch], None]:
    """What the rows tell is another thing."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        right = Ledger.usage

        async def usage(self: Ledger, *rest: Any) -> UsagePage:
            page = await right(self, *rest)
            return dataclasses.replace(page, rows=tuple(change(list(page.rows))))

        patch.setattr(Ledger, "usage", usage)

    return apply


def _row(index: int, **changes: Any) -> Callable[[list[Any]], list[Any]]:
    """One row says something else; a function of the value, or the value."""

    def change(rows: list[Any]) -> list[Any]:
        if len(rows) > index:
            told = {
                name: new(getattr(rows[index], name)) if callable(new) else new
                for name, new in changes.items()
            }
            rows[index] = dataclasses.replace(rows[index], **told)
        return rows

    return change


def _without_a_charge(rows: list[Any]) -> list[Any]:
    lost = next((row for row in rows if row.amount and row.outcome == "ok"), None)
    return [row for row in rows if row is not lost]


def _balances(change: Callable[[Balance], Balance]) -> Callable[[pytest.MonkeyPatch], None]:
    """From the second time on that it is asked."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        right, asked = Ledger.balance, itertools.count()

        async def balance(self: Ledger, account_id: str) -> Balance:
            told = await right(self, account_id)
            return change(told) if next(asked) else told

        patch.setattr(Ledger, "balance", balance)

    return apply


def _unlimited(patch: pytest.MonkeyPatch) -> None:
    """What should be refused is let through; the headers tell the limit as before."""
    right = Limiter.check

    async def check(self: Limiter, *rest: Any, **more: Any) -> Decision:
        decision = await right(self, *rest, **more)
        return structs.replace(decision, allowed=True, retry_after=None)

    patch.setattr(Limiter, "check", check)


SPORADIC: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], set[str]]] = {
    "one µUSD less": (_settling(lambda g: g.update(amount=max(0, g["amount"] - 1))), {"wrong-amount"}),
    "half the price": (_settling(lambda g: g.update(amount=g["amount"] // 2)), {"wrong-amount"}),
    "free": (_settling(lambda g: g.update(amount=0)), {"free-success", "wrong-amount"}),
    "a prompt token more": (
        _settling(lambda g: g.update(prompt=g["prompt"] + 1)),
        {"wrong-usage", "wrong-amount"},
    ),
    "no output counted": (_settling(lambda g: g.update(completion=0)), {"wrong-usage", "wrong-amount"}),
    "never settled": (_never_settled, {"missing", "wrong-total"}),
    "a row lost": (_listing(_without_a_charge), {"missing", "wrong-total"}),
    "a row twice": (_listing(lambda rows: [*rows[:1], *rows]), {"doubled", "wrong-total"}),
    "a row of somebody else": (
        _listing(
            lambda rows: [*rows[:2], *(dataclasses.replace(r, request_id="x") for r in rows[:1]), *rows[2:]]
        ),
        {"unexplained", "wrong-total"},
    ),
    "another model": (_listing(_row(2, model="hermes-text-only")), {"wrong-usage", "wrong-amount"}),
    "a row that charges more": (_listing(_row(2, amount=lambda n: n + 1)), {"wrong-amount", "wrong-total"}),
    "a row that stays held": (_listing(_row(2, state="held")), {"missing", "wrong-total"}),
    "a balance that is one µUSD lower": (
        _balances(lambda b: dataclasses.replace(b, balance=b.balance - 1)),
        {"wrong-total"},
    ),
    "a balance that did not fall": (
        _balances(lambda b: dataclasses.replace(b, balance=b.balance + 100)),
        {"wrong-total"},
    ),
    "a balance below nothing": (
        _balances(lambda b: dataclasses.replace(b, balance=-5)),
        {"negative-balance", "wrong-total"},
    ),
    "money that stays held": (_balances(lambda b: dataclasses.replace(b, held=7)), {"wrong-total"}),
}
CATALOGUE: dict[str, set[str]] = {
    "ledger.double-charge": {"wrong-amount"},
    "ledger.charge-one-more": {"wrong-amount"},
    "ledger.free": {"free-success", "wrong-amount"},
    "ledger.released": {"free-success", "wrong-amount", "wrong-usage"},
    "ledger.per-request": {"wrong-amount"},
    "ledger.price-swapped": {"wrong-amount"},
    "ledger.price-output": {"wrong-amount"},
    "ledger.price-thousand": {"wrong-amount"},
    "ledger.tokens-estimated": {"wrong-usage", "wrong-amount"},
    "ledger.tokens-swapped": {"wrong-usage", "wrong-amount"},
    "ledger.tokens-zero": {"wrong-usage", "wrong-amount"},
    "ledger.rows-doubled": {"doubled", "unexplained", "wrong-total"},
    "ledger.rows-other-id": {"missing", "unexplained"},
    "ledger.rows-held": {"missing", "wrong-total"},
    "ledger.cached-charged": {"wrong-amount", "wrong-total"},
}
LONG = pytest.mark.skipif("WIREMARK_LONG" not in os.environ, reason="a gateway each: `make audit` runs it")


def test_a_right_gateway_has_no_discrepancy(subject: ReferenceSubject, tmp_path: Path) -> None:
    with subject.open(CONTRACT, (), (), 0.0, 1, socket=True) as instance:
        assert _kinds(_settings(instance, tmp_path, MANY)) == set()
        assert _kinds(_settings(instance, tmp_path, ALONE)) == set()


@pytest.mark.parametrize("contract", ["every-format", "gemini", "anthropic"])
def test_every_format_is_read_and_its_bill_adds_up(
    contract: str, subject: ReferenceSubject, tmp_path: Path
) -> None:
    with subject.open(contract, (), (), 0.0, 1, socket=True) as instance:
        settings = _settings(instance, tmp_path, None, contract=contract, scenario="formats")
        found = _load(settings, users=1, requests=30)
    assert (found["errors"], found["audit"]["discrepancies"]) == ({}, [])
    assert found["latency_ms"]["time_to_first_token"]["count"] > 0


def test_every_bundled_scenario_runs_and_its_bill_adds_up(subject: ReferenceSubject, tmp_path: Path) -> None:
    with subject.open("openai", (), (), 0.0, 1, socket=True) as instance:
        for name in sorted(set(scenario.names()) - {"slow-readers", "media"}):  # takes its time; not offered
            settings = _settings(instance, tmp_path, None, contract="openai", scenario=name)
            found = _load(settings, users=1, requests=6)
            wrong = [error for error in found["errors"] if not error.startswith("http-4")]
            assert (name, wrong, found["audit"]["discrepancies"]) == (name, [], [])


@pytest.mark.parametrize("fault", SPORADIC)
def test_a_fault_now_and_then_is_found(
    fault: str, subject: ReferenceSubject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply, kinds = SPORADIC[fault]
    with subject.open(CONTRACT, (), (), 0.0, 1, socket=True) as instance:
        apply(monkeypatch)
        found = _kinds(_settings(instance, tmp_path, ALONE))
    assert found
    assert found <= kinds


@LONG
@pytest.mark.parametrize("fault", CATALOGUE)
def test_every_billing_fault_of_the_catalogue_is_found(
    fault: str, subject: ReferenceSubject, tmp_path: Path
) -> None:
    with subject.open(CONTRACT, (fault,), (), 0.0, 1, socket=True) as instance:
        found = _kinds(_settings(instance, tmp_path, ALONE))
    assert found
    assert found <= CATALOGUE[fault]


def test_attempts_that_are_charged_again_under_one_idempotency_key_are_found(
    subject: ReferenceSubject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = "openai"  # without a response cache, which would give the second attempt for nothing
    with subject.open(contract, (), (), 0.0, 1, socket=True) as instance:
        storm = {"contract": contract, "scenario": "retry-storm-idempotent"}
        settings = _settings(instance, tmp_path, None, **storm)
        assert _kinds(settings) == set()
        monkeypatch.setattr(idempotency, "claim", lambda _: None)
        assert "doubled" in _kinds(settings)


async def _nothing(*_: Any) -> None:
    pass


MEDIA: dict[str, tuple[Any, str, Any, set[str], set[str]]] = {
    "nothing": (Studio, "__doc__", "", set(), set()),
    "no refund": (Ledger, "refund", _nothing, {"charged-failure"}, set()),
    "no webhook": (Studio, "_notify", _nothing, {"webhook-missing"}, set()),
    "a wrong secret": (outbound, "secret", lambda _: b"x", {"webhook-missing"}, {"webhook:bad-signature"}),
}


@pytest.mark.parametrize("fault", MEDIA)
def test_tasks_are_held_to_their_webhooks_and_their_refunds(
    fault: str, subject: ReferenceSubject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name, wrong, kinds, errors = MEDIA[fault]
    monkeypatch.setattr(Guard, "open", lambda *_: True)
    monkeypatch.setattr(tasks, "ANNOUNCED_SECONDS", 20.0 if "webhook-missing" not in kinds else 0.2)
    with subject.open("banana2", (), (), 0.0, 1, socket=True) as instance:
        monkeypatch.setattr(owner, name, wrong)
        settings = _settings(instance, tmp_path, None, contract="banana2", scenario="media")
        found = _load(settings, users=1, requests=12)
    assert {entry["kind"] for entry in found["audit"]["discrepancies"]} == kinds
    assert set(found["errors"]) == errors
    assert found["requests"]["ok"] > 0
    assert found["requests"]["failed"] > 0  # as they were meant to


def test_a_limit_that_is_told_and_not_kept_is_found(
    subject: ReferenceSubject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Limiter, "_limit", lambda _, __, scope: 20 if scope == "requests_per_minute" else None
    )
    with subject.open(CONTRACT, (), (), 0.0, 1, socket=True) as instance:
        settings = _settings(instance, tmp_path, LIMITED)
        _unlimited(monkeypatch)
        assert _kinds(settings, users=1, requests=70) == {"rate-limit-exceeded"}

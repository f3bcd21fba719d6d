"""One trial: what is asked in it, and that a server which breaks by itself is no fault that was found."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from wiremark_conformance.exchange import Request
from wiremark_conformance.probes import PROBES
from wiremark_conformance.selftest.asgi import Application, AsgiSender
from wiremark_conformance.selftest.plan import plan
from wiremark_conformance.selftest.trial import Trial, asked, run
from wiremark_conformance.selftest.unbreakable import load_unbreakable
from wiremark_server.faults import edit, gate
from wiremark_server.faults.edit import Body, On
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.misbehaviour import Misbehaviour
from wiremark_server.faults.subject import ReferenceSubject

_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]}
_GET = Request("GET", "/v1/models", ())


async def _raising(*_: Any) -> None:
    raise RuntimeError("a slip of the edit")


async def _unfinished(_scope: Any, _receive: Any, send: Any) -> None:
    await send(_START)
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


async def _cut(scope: Any, receive: Any, send: Any) -> None:
    await _unfinished(scope, receive, send)
    assert gate.CUT in scope["extensions"]
    await send({"type": gate.CUT})


@dataclass
class _Instance:
    contract: str
    application: Application
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    base_url: str
    keys: Mapping[str, str]
    crashes: Sequence[str]


@dataclass
class _Subject:
    application: Application
    crashes: tuple[str, ...] = ()

    def catalogue(self) -> dict[str, Any]:
        return {}

    def close(self) -> None: ...

    @contextlib.contextmanager
    def open(self, contract: str, *_: Any, **__: Any) -> Iterator[_Instance]:
        yield _Instance(contract, self.application, asyncio.run, "", {"default": "k"}, self.crashes)


def _sender(application: Application) -> AsgiSender:
    return AsgiSender(application, asyncio.run, "http://wiremark.invalid")


@pytest.mark.parametrize(
    ("application", "said"),
    [(_raising, "RuntimeError: a slip of the edit"), (_unfinished, "was left without an end")],
)
def test_an_application_that_breaks_is_a_broken_trial(application: Application, said: str) -> None:
    outcome = run(Trial("x", "openai", owed=("models.list.object",)), _Subject(application))
    assert said in outcome.broke
    assert not outcome.fired


def test_a_connection_that_is_meant_to_end_is_an_exchange_that_was_cut() -> None:
    exchange = _sender(_cut).send("models.list", _GET)
    assert exchange.status == 200
    assert exchange.body == b"half"
    assert exchange.failure is not None
    sender = _sender(_unfinished)
    sender.send("models.list", _GET)
    assert sender.broken == ["GET /v1/models was left without an end"]


def test_time_that_is_meant_to_pass_is_not_waited_for() -> None:
    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        await send(_START)
        await send({"type": gate.PAUSE, "seconds": 3600.0})
        await send({"type": "http.response.body", "body": b'{"id": 1}'})

    exchange = _sender(slow).send("models.list", _GET)
    assert exchange.body == b'{"id": 1}'
    assert 3600 * 10**9 <= exchange.parts[0].at_ns <= exchange.elapsed_ns < 3700 * 10**9


def test_what_breaks_inside_a_server_breaks_its_trial() -> None:
    async def good(_scope: Any, _receive: Any, send: Any) -> None:
        await send(_START)
        await send({"type": "http.response.body", "body": b'{"id": 1}'})

    outcome = run(Trial("x", "openai", owed=("models.list.object",)), _Subject(good, ("KeyError at a.py:1",)))
    assert outcome.broke == "the server itself broke: KeyError at a.py:1"


@pytest.mark.parametrize("socket", [False, True])
def test_an_edit_that_breaks_is_told_apart_from_its_fault(
    monkeypatch: pytest.MonkeyPatch, socket: bool
) -> None:
    def slip(document: Any) -> Any:
        return document["no such member"]

    on: edit.On = On("models.list", "answer")
    fault = Fault("a.slip", "shape", "It slips.", (Body(on, slip),), ("models.list.object",))
    monkeypatch.setattr(
        "wiremark_server.faults.catalogue.chosen", lambda *_: Misbehaviour((fault,), (), 1.0, 0)
    )
    subject = ReferenceSubject()
    try:
        trial = Trial("a.slip", "openai", ("a.slip",), socket=socket, owed=("models.list.object",))
        assert "KeyError" in run(trial, subject).broke
    finally:
        subject.close()


def test_a_trial_asks_what_it_is_about_and_a_sample_of_the_rest() -> None:
    some = asked(Trial("x", "openai", owed=("models.list.object",), seed=3))
    assert "models.list" in some
    assert len(some) < len(PROBES) / 2
    assert asked(Trial("x", "openai")) == tuple(PROBES)
    for name in some:
        assert set(PROBES[name].needs) <= set(some)


def test_faults_that_nothing_here_can_see_are_left_out() -> None:
    fault = {
        "name": "a.fault",
        "layer": "shape",
        "catches": ["sdk.openai.chat"],
        "derived": False,
        "contract": "openai",
    }
    catalogue: dict[str, Any] = {"contracts": ["openai"], "faults": [fault], "variants": []}
    (trial,) = plan(catalogue, seed=1, rate=0.0, only=("a.fault",)).faults
    assert trial.socket  # an SDK is a process of its own
    assert plan(catalogue, seed=1, rate=0.0, only=("a.fault",), without={"sdk.openai.chat"}).faults == ()


def test_what_cannot_be_broken_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "public web server" in load_unbreakable()["chat.vision.sample"]
    monkeypatch.setattr("wiremark_conformance.sdk.installed", lambda _: False)
    load_unbreakable.cache_clear()
    try:
        assert "not installed" in load_unbreakable()["sdk.openai.chat"]
    finally:
        monkeypatch.undo()
        load_unbreakable.cache_clear()

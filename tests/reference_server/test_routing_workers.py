"""Presence of workers: told by the list, asked before any charge, changed while the server runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_schemas import contracts
from wiremark_server.routing.workers import Workers

Make = Callable[..., Any]


def available(gateway: Any) -> dict[str, bool]:
    return {entry["id"]: entry["available"] for entry in gateway.get("/models").json["data"]}


def test_a_model_without_a_worker_is_listed_so_and_refused_before_any_charge(in_process: Make) -> None:
    gateway = in_process("c0mpute")
    assert available(gateway) == {
        "c0mpute-max": True,
        "c0mpute-pro": True,
        "c0mpute-max-think": True,
        "c0mpute-idle": False,
    }
    answer = gateway.chat(model="c0mpute-idle")
    assert (answer.status, answer.error["code"]) == (503, "no_worker_available")
    assert gateway.usage() == []


def test_workers_come_and_go(in_process: Make) -> None:
    gateway = in_process("c0mpute")
    gateway.workers.set("c0mpute-max", present=False)
    gateway.workers.set("c0mpute-idle", present=True)
    assert gateway.chat(model="c0mpute-max").status == 503
    assert gateway.chat(model="c0mpute-idle").status == 200
    assert available(gateway)["c0mpute-max"] is False
    assert gateway.get("/models/c0mpute-idle").json["available"] is True


def test_an_unknown_model_has_no_workers() -> None:
    workers = Workers(contracts.load("c0mpute").models)
    with pytest.raises(KeyError):
        workers.present("none")
    with pytest.raises(KeyError):
        workers.set("none", present=True)

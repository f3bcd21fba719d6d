"""What a customer gets, and pays, when simulated GPUs fail, are away or warm up; what an operator can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_server.domain.generation import Delta, TextDelta, Usage
from wiremark_server.edge.admin import Admin
from wiremark_server.edge.front import Front
from wiremark_server.engine import pace
from wiremark_server.engine.protocol import EngineFailure, EngineUnavailable
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.ledger.verify import verify

ADMIN = "an-admin-key-of-some-length"
Make = Callable[..., Any]


class LostRun:
    """Says as many words as it is told, then its worker is gone."""

    def __init__(self, said: int, error: Exception) -> None:
        self._said = said
        self._error = error
        self.usage = Usage(10, 0)

    def __aiter__(self) -> LostRun:
        return self

    async def __anext__(self) -> list[Delta]:
        if self.usage.completion == self._said:
            raise self._error
        self.usage = Usage(10, self.usage.completion + 1)
        return [TextDelta(0, "x")]

    async def cancel(self) -> None:
        """Nothing goes on."""


class Losing(SimulatedEngine):
    def __init__(self, said: int, error: type[EngineFailure]) -> None:
        super().__init__(pace.profile("instant"), 7)
        self._lost = said, error

    def run(self, generation: Any, prompt_tokens: int | None = None) -> Any:  # noqa: ARG002
        said, error = self._lost
        return LostRun(said, error("the worker failed"))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("error", "status"), [(EngineFailure, 500), (EngineUnavailable, 503)])
def test_before_the_first_token_a_failure_is_free(
    in_process: Make, stream: bool, error: type[EngineFailure], status: int
) -> None:
    gateway = in_process("c0mpute", engine=Losing(0, error))
    answer = gateway.chat(stream=stream)
    assert answer.status == status
    assert "worker" in answer.error["message"].lower()
    (row,) = gateway.usage()
    assert (row["state"], row["amount_microusd"]) == ("released", 0)
    assert all(result.ok for result in verify(gateway.ledger.name))


def test_a_stream_that_had_begun_ends_in_an_error_and_costs_what_was_said(in_process: Make) -> None:
    gateway = in_process("hermes-tokens", engine=Losing(3, EngineFailure))
    answer = gateway.chat(stream=True)
    assert answer.status == 200
    assert "failed before the end" in answer.chunks[-1]["error"]["message"]
    (row,) = gateway.usage()
    assert (row["state"], row["outcome"], row["completion_tokens"]) == ("settled", "failed", 3)


def test_an_answer_that_nobody_has_seen_a_part_of_is_free(in_process: Make) -> None:
    gateway = in_process("hermes-tokens", engine=Losing(3, EngineFailure))
    assert gateway.chat().status == 500
    assert gateway.usage()[0]["amount_microusd"] == 0


def test_a_provider_whose_workers_are_gone_is_down_for_the_router(in_process: Make) -> None:
    gateway = in_process("apipie", engine=Losing(0, EngineUnavailable))
    assert gateway.chat().status == 503
    health = gateway.get("/providers").json["data"]
    assert sum(row["failures"] for row in health) >= 3  # every one that offers the model was asked


@pytest.fixture
def operator(in_process: Make) -> Callable[..., Any]:
    gateway = in_process("c0mpute", engine=SimulatedEngine(pace.profile("instant"), 7, workers=2))
    admin = Admin(gateway.ledger, gateway.keys, ADMIN, gateway.engine.workers)
    gateway.app = Front(gateway.app, {b"/admin": admin})

    def ask(method: str, path: str) -> Any:
        headers = {"authorization": f"Bearer {ADMIN}"}
        return gateway.request(method, path, role=None, headers=headers, base="/admin/v1")

    ask.gateway = gateway  # type: ignore[attr-defined]
    return ask


def test_an_operator_takes_workers_away_and_brings_them_back(operator: Any) -> None:
    gateway = operator.gateway
    listed = operator("GET", "/workers").json["data"]
    assert [(row["number"], row["state"], row["running"]) for row in listed] == [
        (0, "ready", 0),
        (1, "ready", 0),
    ]
    assert operator("POST", "/workers/0/fail").json["state"] == "failed"
    assert gateway.chat().status == 200
    assert operator("POST", "/workers/1/drain").json["state"] == "draining"
    refused = gateway.chat()
    assert (refused.status, gateway.usage()[0]["status"]) == (503, 200)  # refused before any hold
    assert [entry["available"] for entry in gateway.get("/models").json["data"]][:1] == [False]
    assert operator("POST", "/workers/1/restore").json["state"] == "ready"
    assert gateway.chat().status == 200
    for path in ("/workers/2/fail", "/workers/x/fail", "/workers/-1/fail", "/workers/0/explode"):
        assert operator("POST", path).status == 404
    assert operator("PUT", "/workers").status == 405


def test_a_server_that_is_about_to_end_refuses_what_is_new(in_process: Make) -> None:
    for contract in ("openai", "anthropic", "gemini"):
        gateway = in_process(contract)
        gateway.app = Front(gateway.app, {})
        assert gateway.get(first_list(gateway)).status == 200
        gateway.app.draining = True
        answer = gateway.get(first_list(gateway))
        assert answer.status in (503, 529)
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["connection"] == "close"
        assert "about to end" in answer.error["message"]
        assert [row for row in answer.headers if row.endswith("request-id")] != []


def first_list(gateway: Any) -> str:
    operations = gateway.contract.raw["operations"]
    entry = next(entry for name, entry in operations.items() if name.startswith("models.list"))
    path: str = entry["paths"][0]
    return path

"""Idempotency keys: charged once, answered the same, whatever became of the attempts before."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from wiremark_schemas import contracts
from wiremark_server.ledger import pricing
from wiremark_server.ledger.verify import verify

Make = Callable[..., Any]
KEY = {"idempotency-key": "order-1"}
BODY = {"messages": [{"role": "user", "content": "Write a long story about a lighthouse."}], "max_tokens": 60}


def charged(gateway: Any, role: str = "default") -> int:
    return sum(row["amount_microusd"] for row in gateway.usage(role))


def broken(gateway: Any) -> Sequence[str]:
    return [str(result) for result in verify(gateway.ledger.name) if not result.ok]


def price_of(gateway: Any, usage: Any) -> int:
    price = gateway.contract.models[0].price
    return pricing.charge(price, usage["prompt_tokens"], usage["completion_tokens"])


@pytest.mark.parametrize("contract", ["openai", "hermes-tokens"])
def test_a_repeat_gets_the_same_bytes_and_is_charged_once(in_process: Make, contract: str) -> None:
    gateway = in_process(contract)
    first = gateway.chat(headers=KEY, **BODY)
    assert "idempotent-replayed" not in first.headers
    cost = charged(gateway)
    assert cost == price_of(gateway, first.json["usage"]) > 0
    gateway.clock.advance(3600)
    for _ in range(3):
        again = gateway.chat(headers=KEY, **BODY)
        assert (again.status, again.body) == (200, first.body)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["original-request-id"] == first.headers["x-request-id"]
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert charged(gateway) == cost
    assert broken(gateway) == []


def test_a_repeated_stream_is_the_same_stream(in_process: Make) -> None:
    gateway = in_process()
    first = gateway.chat(headers=KEY, stream=True, **BODY)
    cost = charged(gateway)
    again = gateway.chat(headers=KEY, stream=True, **BODY)
    assert again.body == first.body
    assert charged(gateway) == cost > 0


def test_another_body_under_the_same_key_is_refused_before_any_work(in_process: Make) -> None:
    gateway = in_process()
    gateway.chat(headers=KEY, **BODY)
    cost = charged(gateway)
    for change in ({"max_tokens": 61}, {"stream": True}, {"temperature": 0.5}):
        other = gateway.chat(headers=KEY, **(BODY | change))
        assert (other.status, other.error["code"]) == (422, "idempotency_key_reused")
        assert other.headers["x-should-retry"] == "false"
    assert charged(gateway) == cost


def test_the_order_of_members_makes_no_other_body(in_process: Make) -> None:
    gateway = in_process()
    first = gateway.chat(headers=KEY, **BODY)
    turned = json.dumps(dict(reversed([*BODY.items(), ("model", gateway.contract.models[0].id)])))
    assert gateway.post("/chat/completions", turned.encode(), headers=KEY).body == first.body


def test_keys_of_others_and_other_names_are_apart(in_process: Make) -> None:
    gateway = in_process()
    gateway.chat(headers=KEY, **BODY)
    other_name = gateway.chat(headers={"idempotency-key": "order-2"}, **BODY)
    without = gateway.chat(**BODY)
    assert all("idempotent-replayed" not in answer.headers for answer in (other_name, without))
    assert len({row["amount_microusd"] for row in gateway.usage()}) == 1


def test_a_failure_leaves_the_way_free(in_process: Make) -> None:
    gateway = in_process()
    refused = gateway.chat("exhausted", headers=KEY, **BODY)
    assert refused.status in (402, 429)
    gateway.run(gateway.ledger.grant("role-exhausted", 10**6, "more"))
    assert gateway.chat("exhausted", headers=KEY, **BODY).status == 200
    assert gateway.chat("exhausted", headers=KEY, **BODY).headers["idempotent-replayed"] == "true"


def test_of_a_stream_that_was_cut_the_repeat_pays_the_rest(in_process: Make) -> None:
    gateway = in_process()
    body = json.dumps(BODY | {"model": gateway.contract.models[0].id, "stream": True}).encode()
    gateway.post("/chat/completions", body, headers=KEY, leave_after=1)
    (cut,) = gateway.usage()
    whole = gateway.post("/chat/completions", body, headers=KEY)
    assert whole.status == 200
    reference = gateway.chat(**BODY)
    full = price_of(gateway, reference.json["usage"])
    total = charged(gateway) - full  # less the reference
    assert cut["outcome"] in ("cut", "ok")  # whether the engine had finished is the scheduler's choice
    assert total == full
    assert gateway.post("/chat/completions", body, headers=KEY).headers["idempotent-replayed"] == "true"
    assert charged(gateway) == 2 * full
    assert broken(gateway) == []


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_name_that_is_no_name_is_refused(in_process: Make, name: str) -> None:
    answer = in_process().chat(headers={"idempotency-key": name}, **BODY)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")


def test_of_several_at_once_one_is_answered_and_the_others_have_to_wait(in_process: Make) -> None:
    gateway = in_process()
    body = json.dumps(BODY | {"model": gateway.contract.models[0].id}).encode()
    answers = gateway.posts(5, "/chat/completions", body, KEY)
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409]
    for answer in answers:
        if answer.status == 409:
            assert answer.error["code"] == "idempotency_key_in_use"
            assert answer.headers["retry-after"] == "1"
    assert len(gateway.usage()) == 1


def test_every_dialect_says_so_in_its_own_envelope() -> None:
    for name in contracts.bundled():
        contract = contracts.load(name)
        for dialect in contract.dialects:
            answers = contract.answers(dialect)
            if "invalid_request" in answers and "overloaded" in answers:
                assert answers["idempotency_mismatch"].status == 422
                assert answers["idempotency_in_progress"].status == 409

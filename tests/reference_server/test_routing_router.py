"""The choice between providers: health, ranking, fail-over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from wiremark_schemas.contracts import Offer, Price
from wiremark_server.clock import ManualClock
from wiremark_server.routing.choice import Choice
from wiremark_server.routing.health import COOLDOWN_SECONDS, FAILURES_TO_OPEN, Health
from wiremark_server.routing.router import ranked
from wiremark_server.routing.upstream import UpstreamError

MODEL = "nous-hermes-2-mixtral-8x7b-dpo"


def _fail(health: Health, times: int = FAILURES_TO_OPEN) -> None:
    for _ in range(times):
        health.failed("m", 1.0)


class TestHealth:
    def test_it_is_up_until_it_fails_several_times_in_a_row(self) -> None:
        health = Health(ManualClock())
        _fail(health, FAILURES_TO_OPEN - 1)
        health.succeeded("m", 10.0)
        _fail(health, FAILURES_TO_OPEN - 1)
        assert (health.state, health.admit()) == ("up", True)
        health.failed("m", 1.0)
        assert (health.state, health.admit()) == ("down", False)

    def test_after_a_pause_one_request_may_try(self) -> None:
        clock = ManualClock()
        health = Health(clock)
        _fail(health)
        clock.advance(COOLDOWN_SECONDS - 0.001)
        assert not health.admit()
        clock.advance(0.001)
        assert (health.state, health.admit(), health.admit()) == ("trial", True, False)

    def test_a_good_trial_closes_the_circuit_and_a_bad_one_opens_it_again(self) -> None:
        clock = ManualClock()
        health = Health(clock)
        _fail(health)
        clock.advance(COOLDOWN_SECONDS)
        assert health.admit()
        health.failed("m", 1.0)
        assert not health.admit()
        clock.advance(COOLDOWN_SECONDS)
        assert health.admit()
        health.succeeded("m", 1.0)
        assert health.state == "up"

    def test_a_trial_that_was_given_up_leaves_room_for_another(self) -> None:
        clock = ManualClock()
        health = Health(clock)
        _fail(health)
        clock.advance(COOLDOWN_SECONDS)
        assert health.admit()
        health.given_up()
        assert health.admit()

    def test_it_remembers_what_attempts_took(self) -> None:
        clock = ManualClock()
        health = Health(clock)
        assert (health.availability, health.latency_ms) == (1.0, None)
        for latency in (10.0, 30.0, 20.0):
            health.succeeded("m", latency)
            clock.advance(1)
        health.failed("m", 99.0)
        assert (health.availability, health.latency_ms) == (0.75, 20.0)
        assert (health.requests, health.failures) == (4, 1)
        assert [(a.ok, a.latency_ms) for a in health.history()][:2] == [(False, 99.0), (True, 20.0)]

    def test_maintenance_is_down_whatever_happens(self) -> None:
        health = Health(ManualClock(), held_down=True)
        health.succeeded("m", 1.0)
        assert (health.state, health.availability) == ("down", 0.0)


def _choices(*offers: tuple[str, int, int]) -> list[Choice]:
    """name, price, latency"""
    clock = ManualClock()
    return [
        Choice(Offer(name, Price(price, price), latency), Health(clock), None)  # type: ignore[arg-type]
        for name, price, latency in offers
    ]


@pytest.mark.parametrize(
    ("offers", "order"),
    [
        ((("a", 200, 100), ("b", 100, 100)), "ba"),
        ((("a", 100, 300), ("b", 100, 100)), "ba"),
        ((("a", 100, 110), ("b", 130, 100)), "ab"),  # a little dearer, a little faster
        ((("a", 100, 900), ("b", 130, 100)), "ba"),
        ((("a", 0, 100), ("b", 5, 100)), "ab"),  # for nothing
        ((("a", 100, 1), ("b", 99, 49)), "ba"),  # too fast to tell apart
    ],
)
def test_price_and_latency_rank_together(offers: Sequence[tuple[str, int, int]], order: str) -> None:
    assert "".join(choice.offer.provider for choice in ranked(_choices(*offers))) == order


def test_who_fails_often_ranks_lower_and_who_is_down_last() -> None:
    best, shaky, gone = _choices(("a", 120, 100), ("b", 100, 100), ("c", 1, 1))
    shaky.health.failed("m", 1.0)
    shaky.health.succeeded("m", 100.0)
    gone.health.held_down = True
    assert [choice.offer.provider for choice in ranked([gone, shaky, best])] == ["a", "b", "c"]


def test_measurements_replace_what_was_expected() -> None:
    first, second = _choices(("a", 100, 100), ("b", 100, 120))
    second.health.succeeded("m", 60.0)
    assert [choice.offer.provider for choice in ranked([first, second])] == ["b", "a"]


class _Broken:
    """A provider that fails at once, or once it has begun."""

    def __init__(self, engine: Any, after: int = 0) -> None:
        self._engine, self._after, self.asked = engine, after, 0

    def run(self, work: Any) -> Any:
        self.asked += 1
        run = self._engine.run(work.generation, work.prompt_tokens)
        broken = self

        class Run:
            usage = run.usage

            def __init__(self) -> None:
                self.steps = 0

            def __aiter__(self) -> Any:
                return self

            async def __anext__(self) -> Any:
                if self.steps == broken._after:
                    raise UpstreamError("connection refused")
                self.steps += 1
                deltas = await anext(run)
                self.usage = run.usage
                return deltas[:1]

            async def cancel(self) -> None:
                await run.cancel()

        return Run()

    async def close(self) -> None:
        pass


@pytest.fixture
def apipie(in_process: Any) -> Any:
    return in_process("apipie")


def _break(gateway: Any, *providers: str, after: int = 0) -> list[_Broken]:
    upstreams = gateway.app.services.router.upstreams
    broken = [_Broken(gateway.engine, after) for _ in providers]
    upstreams.update(zip(providers, broken, strict=True))
    return broken


def test_the_next_provider_answers_when_one_fails(apipie: Any) -> None:
    first = apipie.chat(model=MODEL).json["provider"]
    (broken,) = _break(apipie, first)
    for _ in range(FAILURES_TO_OPEN + 2):
        answer = apipie.chat(model=MODEL, messages=[{"role": "user", "content": "And now?"}])
        assert answer.status == 200
        assert answer.json["provider"] != first
    assert broken.asked <= FAILURES_TO_OPEN
    (row,) = [r for r in apipie.get("/providers").json["data"] if r["provider"] == first]
    assert row["failures"] == broken.asked


def test_a_provider_that_is_down_is_not_asked_until_its_trial(apipie: Any) -> None:
    health = apipie.app.services.router.health["openrouter"]
    (broken,) = _break(apipie, "openrouter")
    for _ in range(FAILURES_TO_OPEN):
        assert apipie.chat(model=MODEL, provider="openrouter").status == 503
    assert (health.state, broken.asked) == ("down", FAILURES_TO_OPEN)
    assert apipie.chat(model=MODEL, provider="openrouter").status == 503
    assert broken.asked == FAILURES_TO_OPEN
    apipie.app.services.router.upstreams["openrouter"] = apipie.app.services.router.upstreams["together"]
    apipie.clock.advance(COOLDOWN_SECONDS)
    assert apipie.chat(model=MODEL, provider="openrouter").status == 200
    assert health.state == "up"


def test_when_nobody_answers_it_is_503_and_free(apipie: Any) -> None:
    before = apipie.get("/balance").json
    _break(apipie, "openrouter", "together", "deepinfra")
    answer = apipie.chat(model=MODEL)
    assert (answer.status, answer.error["code"]) == (503, "model_unavailable")
    assert apipie.get("/balance").json == before


def test_after_the_first_token_there_is_no_other_provider(apipie: Any) -> None:
    _break(apipie, "openrouter", "together", "deepinfra", after=1)
    answer = apipie.chat(model=MODEL, stream=True)
    assert answer.status == 200
    assert answer.chunks[-1]["error"]["type"] == "server_error"
    row = apipie.get("/usage").json["data"][0]
    assert (row["state"], row["outcome"]) == ("settled", "failed")


def test_every_provider_is_paid_its_own_price(apipie: Any) -> None:
    model = apipie.contract.model(MODEL)
    for provider in ("openrouter", "together", "deepinfra"):
        answer = apipie.chat(model=MODEL, provider=provider).json
        usage, price = answer["usage"], model.offer(provider).price
        micro = (
            price.input_per_million * usage["prompt_tokens"]
            + price.output_per_million * usage["completion_tokens"]
        )
        due = -(-micro // 1_000_000)
        assert answer["provider"] == provider
        assert apipie.get("/usage").json["data"][0]["amount_microusd"] == due
        assert round(usage["cost"] * 1_000_000, 6) == due


@pytest.mark.parametrize("provider", ["nobody", "away", 7, ["openrouter"]])
def test_a_provider_that_does_not_offer_the_model_is_refused(apipie: Any, provider: Any) -> None:
    answer = apipie.chat(model=MODEL, provider=provider)
    assert (answer.status, answer.error["param"]) == (400, "provider")
    assert "openrouter, together, deepinfra" in answer.error["message"]


def test_the_history_of_an_unknown_provider_is_404(apipie: Any) -> None:
    assert apipie.get("/providers/nobody/latency").status == 404


def test_prices_are_compared_for_one_model(apipie: Any) -> None:
    rows = apipie.get(f"/prices?model={MODEL}").json["data"]
    assert [row["provider"] for row in rows] == ["deepinfra", "together", "openrouter"]


def test_a_model_whose_providers_are_all_down_is_503(apipie: Any) -> None:
    answer = apipie.chat(model="hermes-away")
    assert (answer.status, answer.error["code"]) == (503, "model_unavailable")


def test_the_page_tells_health_latency_and_prices_to_everybody(apipie: Any) -> None:
    for text in ("One.", "Two.", "Three."):
        apipie.chat(model=MODEL, provider="together", messages=[{"role": "user", "content": text}])
    page = apipie.get("/status", role=None)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = page.body.decode()
    assert "<th scope=row>together<td>up<td class=n>100.0%" in text
    assert "<th scope=row>away<td>down<td class=n>0.0%" in text
    assert "together: 3 requests" in text
    assert f"<th scope=row>{MODEL}<td>deepinfra<td class=n>0.45<td class=n>0.55<td>yes" in text
    assert "<script" not in text
    assert "http" not in text  # no other host

"""What depends on the model's mood: several samples, a rate with its interval, no verdict from bad luck."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_conformance.judge import Judgement
from wiremark_conformance.mood import Rate, settle
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

pytestmark = pytest.mark.usefixtures("no_keys")
FIRST = Judgement(load_register()["chat.message.not-empty"], Verdict.FAIL, "it said nothing", ("chat.plain",))
MODELS = {"object": "list", "data": [{"id": "m-1", "object": "model", "created": 1, "owned_by": "us"}]}


def _again(*verdicts: Verdict) -> list[Judgement]:
    return [FIRST._replace(verdict=verdict) for verdict in verdicts]


@pytest.mark.parametrize(
    ("passes", "samples", "low", "high"), [(0, 5, 0.0, 0.434), (3, 5, 0.231, 0.882), (5, 5, 0.566, 1.0)]
)
def test_a_rate_has_wilsons_interval(passes: int, samples: int, low: float, high: float) -> None:
    assert Rate(passes, samples).interval == pytest.approx((low, high), abs=0.001)


def test_an_interval_stays_between_never_and_always() -> None:
    """Of these rates arithmetic alone says a hair less and a hair more."""
    assert Rate(0, 7).interval[0] == 0.0
    assert Rate(20, 20).interval[1] == 1.0


def test_a_rate_is_told_with_pass_to_the_k() -> None:
    assert str(Rate(3, 5)).startswith(
        "held in 3 of 5 tries: rate 0.60 (95 % interval 0.23 to 0.88), pass^5 0.08"
    )


def test_what_never_holds_counts_at_its_level() -> None:
    found = settle(FIRST, _again(*[Verdict.FAIL] * 4))
    assert found.verdict is Verdict.FAIL
    assert "it said nothing; held in 0 of 5 tries" in found.message


@pytest.mark.parametrize("passes", [1, 2, 4])
def test_an_unlucky_sample_is_a_warning(passes: int) -> None:
    again = _again(*[Verdict.PASS] * passes, *[Verdict.FAIL] * (4 - passes))
    assert settle(FIRST, again).verdict is Verdict.WARN


def test_one_sample_alone_fails_nobody() -> None:
    assert settle(FIRST, []).verdict is Verdict.WARN
    assert settle(FIRST, _again(Verdict.INFRA, Verdict.NOT_TESTABLE)).verdict is Verdict.WARN


def test_every_format_asks_again_for_what_the_model_may_say_or_not() -> None:
    moody = {r.id.partition(".")[0] for r in load_register() if r.mood}
    assert moody >= {"chat", "responses", "messages", "gemini"}


def test_a_run_asks_again(pytester: pytest.Pytester, endpoints: Any) -> None:
    """The endpoint says nothing, whenever it is asked."""
    message = {"role": "assistant", "content": "", "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    answer = {"id": "a", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [choice]}
    endpoint = endpoints(
        {
            ("GET", "/v1/models"): endpoints.answer(MODELS, 200),
            ("POST", "/v1/chat/completions"): endpoints.answer(answer, 200),
        }
    )
    arguments = (f"--base-url={endpoint.url}", "-k", "chat.message.not-empty", "--wiremark-repeats=4")
    result = pytester.runpytest(*arguments)
    asked = endpoint.seen.count(("POST", "/v1/chat/completions"))
    assert asked % 4 == 0
    assert asked > 0
    result.stdout.fnmatch_lines(["*held in 0 of 4*", "*tries: rate 0.00*"])

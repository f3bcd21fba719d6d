"""How much is asked when: stages, arrivals, and what cannot be asked."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from wiremark_loadtests.traffic import arrivals, demand, stages
from wiremark_loadtests.traffic.demand import BadDemand, Given
from wiremark_loadtests.traffic.stages import BadStages, Stage

SPIKE = "10@60,200@5s,10-20@60"


def test_stages_are_steps_and_ramps() -> None:
    read = stages.parse(SPIKE)
    assert read.all == (Stage(60, 10, 10), Stage(5, 200, 200), Stage(60, 10, 20))
    assert (read.seconds, read.highest) == (125, 200)
    assert [read.level(at) for at in (0, 59.9, 60, 64.9, 65, 95, 125)] == [10, 10, 200, 200, 10, 15, None]


@pytest.mark.parametrize(
    "text", ["", "10", "10@", "@5", "-1@5", "1@0", "0@5", "1@5,,2@5", "5-@3", "x@1", "1e3@2"]
)
def test_what_is_no_stage_is_refused(text: str) -> None:
    with pytest.raises(BadStages):
        stages.parse(text)


@pytest.mark.parametrize("text", ["7@10", "0-10@10", "10-0@10", SPIKE])
def test_moments_invert_the_integral_of_the_rate(text: str) -> None:
    read = stages.parse(text)
    total = sum(stage.total for stage in read.all)
    steps = 20_000
    width = read.seconds / steps
    for part in (0.1, 0.37, 0.5, 0.93):
        moment = read.moment(part * total)
        assert moment is not None
        summed = sum((read.level((i + 0.5) * width) or 0) * width for i in range(int(moment / width)))
        assert summed == pytest.approx(part * total, rel=0.02)
    assert read.moment(total * 1.001) is None


def test_constant_arrivals_come_evenly() -> None:
    found = [a.at for a in arrivals.drawn("constant", stages.constant(4, 2), seed=1)]
    assert found == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]


@pytest.mark.parametrize(
    ("kind", "burstiness", "variation"), [("poisson", 1.0, 1.0), ("gamma", 0.25, 2.0), ("gamma", 4.0, 0.5)]
)
def test_gaps_have_the_rate_and_the_variation_asked_for(
    kind: str, burstiness: float, variation: float
) -> None:
    moments = [a.at for a in arrivals.drawn(kind, stages.constant(100, 200), seed=7, burstiness=burstiness)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert statistics.mean(gaps) == pytest.approx(0.01, rel=0.05)
    assert statistics.pstdev(gaps) / statistics.mean(gaps) == pytest.approx(variation, rel=0.1)


def test_workers_together_send_the_one_sequence() -> None:
    def drawn() -> list[arrivals.Arrival]:
        return list(arrivals.drawn("poisson", stages.constant(50, 4), seed=3))

    parts = [list(arrivals.share(drawn(), index, 3)) for index in range(3)]
    assert sorted(itertools.chain(*parts), key=lambda a: a.at) == drawn()


RATED = Given(rate=5.0, seconds=10.0)
BAD: dict[str, Given] = {
    "a rate of -1 sends nothing": replace(RATED, rate=-1.0),
    "a rate of nan sends nothing": replace(RATED, rate=float("nan")),
    "no arrivals called 'often'": replace(RATED, arrivals="often"),
    "a closed loop has no rate": replace(RATED, arrivals="closed"),
    "either a rate or stages": replace(RATED, stages="1@1"),
    "poisson arrivals need a rate": Given(arrivals="poisson", seconds=1),
    "arrivals at a rate need a run time": Given(rate=1.0),
    "a burstiness of 0 means nothing": replace(RATED, burstiness=0.0),
    "'x' is not a stage": Given(stages="x"),
    "leave out arrivals": Given(trace="t.csv", rate=1.0),
}


@pytest.mark.parametrize("message", BAD)
def test_what_makes_no_load_is_refused_with_a_sentence(message: str) -> None:
    with pytest.raises(BadDemand) as caught:
        demand.resolve(BAD[message])
    assert message in str(caught.value)


def test_a_rate_alone_is_an_open_loop_and_nothing_a_closed_one(tmp_path: Path) -> None:
    assert demand.resolve(Given()) == demand.Demand()
    assert demand.resolve(RATED).kind == "constant"
    assert len(list(demand.resolve(RATED).arrivals(1))) == 50
    path = tmp_path / "own.csv"
    path.write_text("at,prompt_tokens,output_tokens\n0,5,6\n4,5,6\n9,5,6\n")
    traced = demand.resolve(Given(trace=str(path), trace_speed=2.0, seconds=3))
    assert [a.at for a in traced.arrivals(1)] == [0, 2.0]

"""Whatever an endpoint sends, a check says something about it; it never breaks."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wiremark_conformance.judge import CHECKS, judge, judge_as, judge_one, probes_for, with_needs
from wiremark_conformance.probes import PROBES
from wiremark_conformance.requirement import load_register
from wiremark_conformance.sdk import SCENARIOS
from wiremark_reports.record import Verdict

SEED = 20
PER_PROBE = 12  # spoilt places of each answer that one run of the test looks at
JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    [],
    {},
    [None],
    [[]],
    [1, "x"],
    {"a": 1},
    {"error": 1},
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list):
        for position in range(len(value)):
            yield from _places(value[position], (*path, position))


def _replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(document)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def _broken(world: Any, probe: str) -> list[str]:
    touched = [check for check in CHECKS.values() if probe in check.probes]
    together = [check.requirement for check in touched if not check.each]
    evidence = world.evidence(with_needs((probe, *probes_for(together))))
    judged = [judge_one(requirement, evidence) for requirement in together]
    judged += [judge_as(check.requirement, probe, evidence) for check in touched if check.each]
    return [f"{j.requirement.id}: {j.message}" for j in judged if j.verdict is Verdict.HARNESS_ERROR]


# What an SDK told is written by our own runner and not by an endpoint.
@pytest.mark.parametrize("probe", [name for name in PROBES if name not in SCENARIOS])
def test_junk_anywhere_in_an_answer_breaks_no_check(world: Any, probe: str) -> None:
    print(f"seed {SEED}")
    chance = random.Random(f"{SEED} {probe}")  # noqa: S311 - not for secrets
    answer = world[probe]
    attribute = "body" if answer.chunks is None else "chunks"
    good = getattr(answer, attribute)
    for _ in range(PER_PROBE):
        path = chance.choice(list(_places(good))[attribute == "chunks" :])
        junk = chance.choice(JUNK)
        setattr(answer, attribute, _replaced(good, path, junk))
        assert _broken(world, probe) == [], (path, junk)


BODIES = (
    b"",
    b"\xff\xfe",
    b"<html></html>",
    b"null",
    b"[]",
    b'"x"',
    b"data: ",
    b"\n\n",
    b"data: [DONE]\n\n",
    b"[" * 10**5,
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:12]))
@pytest.mark.parametrize("status", [200, 204, 302, 400, 500])
def test_no_body_breaks_a_check(worlds: Callable[..., Any], body: bytes, status: int) -> None:
    world = worlds()
    for answer in world.answers.values():
        answer.status, answer.body, answer.chunks = status, body, None
    judged = judge(load_register(), world.evidence())
    assert [j for j in judged if j.verdict is Verdict.HARNESS_ERROR] == []


def test_no_header_at_all_breaks_no_check(world: Any) -> None:
    for answer in world.answers.values():
        answer.headers.clear()
    judged = judge(load_register(), world.evidence())
    assert [j for j in judged if j.verdict is Verdict.HARNESS_ERROR] == []

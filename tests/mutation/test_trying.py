"""Mutants of checks: what counts as wording, which promises hold them, and how a function is exchanged."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_conformance.checks.chat import check_answer
from wiremark_conformance.judge import CHECKS
from wiremark_conformance.selftest.trial import FOUND
from wiremark_reports.record import Verdict

from tests.conformance.judging.world import World
from tests.mutation.cases import Case
from tests.mutation.mutants import Made
from tests.mutation.trying import attempt
from tests.mutation.wording import is_wording

BEFORE = """
def object_name(view):
    found = view.object.get("object")
    return None if found == "chat.completion" else f"`object` is {shown(found)}"
"""


@pytest.mark.parametrize(
    ("was", "now", "wording"),
    [
        ("return f'the id is {shown(a)}'", "return f'the id is {shown(None)}'", True),
        ("return 'it is none'", "return 'XXit is noneXX'", True),
        ("return None if a else 'it is none'", "return None if a else 'IT IS NONE'", True),
        ("return None if a else 'it is none'", "return None if (a) or True else 'it is none'", False),
        ("return f'it is {a}' if a else 'it is not'", "return f'it is {a}' if not a else 'it is not'", True),
        ("return f'it is {a}' if a else None", "return f'it is {a}' if not a else None", False),
        ("raise NotTestable('none')", "raise NotTestable(None)", True),
        ("raise NotTestable('none')", "raise NotPromised('none')", False),
        ("return '; '.join(a[:3]) or None", "return 'XX; XX'.join(a[:4]) or None", True),
        ("return '; '.join(a[1:]) or None", "return '; '.join(a[2:]) or None", False),
        ("return '; '.join(str(b) for b in a[:3])", "return '; '.join(str(None) for b in a[:4])", True),
        ("return '; '.join(str(b) for b in a if b)", "return '; '.join(str(b) for b in a if not b)", False),
        ("return 'a' if b else 'c'", "return 'A' if b else 'c'", False),
        ("return a.header('x-id')", "return a.header('X-ID')", True),
        ("return a.header('x-id')", "return a.header('XXx-idXX')", False),
        ("return a.decode('utf-8')", "return a.decode('UTF-8')", True),
        ("return a == 'the end'", "return a == 'THE END'", False),
        ("return a['the end']", "return a['THE END']", False),
        ("return a.startswith('the key ')", "return a.startswith('THE KEY ')", False),
        ("return a.get(f'{b}.{c}')", "return a.get(f'{b}.{None}')", False),
        (
            "d = a.b\n    return f'it is {d}' if c else None",
            "d = None\n    return f'it is {d}' if c else None",
            True,
        ),
        (
            "d = a.b\n    return f'it is {d}' if d else None",
            "d = None\n    return f'it is {d}' if d else None",
            False,
        ),
        (
            "d = [e.b for e in a]\n    return f'it is {d[0]}' if d else None",
            "d = [None for e in a]\n    return f'it is {d[0]}' if d else None",
            True,
        ),
        (
            "d = [e for e in a if e]\n    return '; '.join(d) or None",
            "d = [e for e in a if not e]\n    return '; '.join(d) or None",
            False,
        ),
        (
            "d = [str(e) for e in a]\n    return '; '.join(d[:3]) or None",
            "d = [str(None) for e in a]\n    return '; '.join(d[:3]) or None",
            True,
        ),
    ],
)
def test_wording_is_what_only_people_read(was: str, now: str, wording: bool) -> None:
    assert is_wording(f"def f(a, b, c):\n    {was}", f"def f(a, b, c):\n    {now}") is wording


FACTORY = Made(
    "_held_to",
    """
def _held_to(situation, *, code_is_fixed, dialect=None):
    def promised(view):
        return None
    return promised
""",
    """
def _held_to(situation, *, code_is_fixed, dialect=None):
    def promised(view):
        return "It is wrong."
    return promised
""",
)


def _case(requirement: str, *allowed: Verdict, spoil: Any = None) -> Case:
    world = World()
    if spoil:
        spoil(world)
    evidence = world.evidence(CHECKS[requirement].probes)
    return Case(requirement, "a test", evidence.target, evidence.exchanges, True, frozenset(allowed))


def _name(world: World) -> None:
    world["chat.plain"].body["object"] = "text_completion"


GOOD = _case("chat.object", *(frozenset(Verdict) - FOUND))
SPOILT = _case("chat.object", Verdict.FAIL, spoil=_name)


@pytest.mark.parametrize(
    ("was", "now", "cases", "ending"),
    [
        ("found == ", "found != ", [GOOD], "killed"),
        ("found == ", "found != ", [SPOILT], "survived"),  # one bad answer of five or four: a finding
        ('None if found == "chat.completion" else', "None if True else", [GOOD], "survived"),
        ('None if found == "chat.completion" else', "None if True else", [GOOD, SPOILT], "killed"),
        ("shown(found)", "shown(None)", [GOOD, SPOILT], "wording"),
        ("shown(found)", "shown(nothing)", [GOOD], "wording"),
        ("shown(found)", "shown(nothing)", [SPOILT], "killed"),  # the check itself breaks
        ("found = ", "while True: pass\n    found = ", [GOOD], "too slow"),
        ("found == ", "found != ", [], "called by no case"),
    ],
)
def test_a_mutant_is_held_to_the_promises_of_its_cases(
    was: str, now: str, cases: list[Case], ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.mutation.trying._SECONDS", 0.2)
    before = BEFORE.replace("object_name", "answer_object")
    mutant = Made("answer_object", before, before.replace(was, now))
    code = check_answer.answer_object.__code__
    found = attempt("checks/chat/check_answer", [mutant], {"chat.object": cases})
    assert [one.ending for one in found] == [ending]
    assert check_answer.answer_object.__code__ is code


@pytest.mark.parametrize(
    ("after", "ending"),
    [
        (FACTORY.after, "killed"),
        (FACTORY.before.replace("promised(view)", "promised(_)"), "survived"),
        (FACTORY.before.replace("return promised", "return promised / 0"), "killed"),
    ],
)
def test_a_function_that_makes_checks_makes_them_anew(after: str, ending: str) -> None:
    requirement = "contract.errors.unknown-route"
    case = _case(requirement, *(frozenset(Verdict) - FOUND))
    before = dict(CHECKS)
    found = attempt(
        "checks/contract/check_errors", [Made("_held_to", FACTORY.before, after)], {requirement: [case]}
    )
    assert [one.ending for one in found] == [ending]
    assert dict(CHECKS) == before

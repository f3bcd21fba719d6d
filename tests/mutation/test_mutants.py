"""The bookkeeping of mutation testing: what changed, what of it is noticed, and what is explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutation.mutants import Change, Mutant, Unfinished, Verdict, change, compare, explained
from tests.mutation.run import MODULES, ROOT, SURVIVORS, UNFINISHED, main

SIZE = Change("m", "size", "note(line)", "note(None)")
TAKE = Change("m", "Reader.take", "return 1", "return 2")


@pytest.mark.parametrize(
    ("ending", "lives"),
    [
        ("killed", False),
        ("too slow", False),
        ("wording", False),
        ("survived", True),
        ("called by no test", True),
    ],
)
def test_what_is_noticed_or_changes_words_alone_is_done_with(ending: str, lives: bool) -> None:
    assert Mutant(SIZE, ending).lives is lives


def test_a_change_is_what_differs_in_the_body_of_a_function() -> None:
    before = "def size(line):\n    note(line)\n    return len(line)\n"
    assert change("m", "size", before, before.replace("note(line)", "note(None)")) == SIZE


def test_a_survivor_needs_a_reason_and_a_reason_a_survivor() -> None:
    alive, dead = Mutant(SIZE, "survived"), Mutant(TAKE, "killed")
    assert compare([alive, dead], [SIZE]).verdict is Verdict.GOOD
    assert compare([alive, dead], []).unexplained == (SIZE,)
    bad = compare([alive, dead], [SIZE, TAKE])
    assert (bad.dead, bad.verdict) == ((TAKE,), Verdict.BAD)
    assert list(bad.lines())[-1] == "2 mutants: 1 survived, 1 killed; 0 of them unexplained"


def test_survivors_of_a_module_that_is_not_finished_are_counted() -> None:
    alive = [Mutant(SIZE, "survived"), Mutant(TAKE, "called by no case")]
    kept = compare(alive, [], Unfinished(["m"]))
    assert (kept.verdict, kept.left, kept.unexplained) == (Verdict.GOOD, {"m": 2}, ())
    assert list(kept.lines()) == [
        "not finished: 2 survivors of m are neither killed nor explained",
        "2 mutants: 1 survived, 1 called by no case; 2 of them unexplained",
    ]
    assert compare(alive, [TAKE], Unfinished(["m"])).left == {"m": 1}
    assert compare(alive, [], Unfinished(["n"])).unexplained == (SIZE, TAKE)


def test_a_table_that_is_not_finished_has_no_more_survivors_than_are_told() -> None:
    alive = [Mutant(SIZE, "survived"), Mutant(TAKE, "survived"), Mutant(replace(SIZE, now="pass"), "killed")]
    assert compare(alive, [TAKE], Unfinished(tables={"m: size": 1})).left == {"m: size": 1}
    more = [*alive, Mutant(replace(SIZE, now="stop"), "survived")]
    assert len(compare(more, [TAKE], Unfinished(tables={"m: size": 1})).unexplained) == 2
    assert compare(alive, [], Unfinished(tables={"m: size": 1})).unexplained == (TAKE,)


@pytest.mark.parametrize(
    ("names", "code"), [(["--list"], 0), (["checks/nothing"], 2), (["sse", "nothing"], 2)]
)
def test_modules_are_chosen_by_how_their_names_begin(
    names: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(names) == code
    shown = capsys.readouterr()
    assert "checks/chat/check_answer" in shown.out or "No module begins with" in shown.err


def test_what_is_not_finished_is_a_module() -> None:
    unfinished = Unfinished.read(UNFINISHED)
    assert {place.partition(": ")[0] for place in unfinished.tables} <= set(MODULES)
    assert set(unfinished.modules) <= set(MODULES)


def test_an_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "survivors.yaml"
    file.write_text("- {in: 'm: size', was: a, now: b, why: ' '}")
    with pytest.raises(SystemExit, match="an entry needs in, was, now and why"):
        explained(tmp_path)


def test_what_is_explained_stands_in_the_source() -> None:
    """An entry for a line that has gone is noticed here already, long before the mutants are made again."""
    sources = {
        module: (ROOT / "conformance" / "wiremark_conformance" / f"{module}.py").read_text()
        for module in MODULES
    }
    for one in explained(SURVIVORS):
        assert one.function.rpartition(".")[2] in sources[one.module], one

"""How checks are made: what each kind is tied to, and what the ready-made ones say."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_conformance import checking
from wiremark_conformance.checking import Check, accepted, check, each, refused, tolerated
from wiremark_conformance.exchange import TransportFailure
from wiremark_conformance.outcome import Outcome

from tests.conformance.judging.world import World

OK, BAD, BROKEN = "HTTP/1.1 200 OK", "HTTP/1.1 400 Bad Request", "HTTP/1.1 500 Internal Server Error"


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Check]:
    """The checks that a test makes, and no others."""
    found: dict[str, Check] = {}
    monkeypatch.setattr(checking, "_checks", found)
    return found


def _fine(_view: Any) -> Outcome:
    return None


def test_a_check_looks_at_all_its_probes_at_once(made: dict[str, Check]) -> None:
    assert check("a.b", "p", "q", expects="error")(_fine) is _fine
    assert check("a.c", "p")(_fine) is _fine
    assert made == {
        "a.b": Check("a.b", ("p", "q"), "error", False, _fine),
        "a.c": Check("a.c", ("p",), "success", False, _fine),
    }


def test_a_check_of_each_looks_at_them_one_by_one(made: dict[str, Check]) -> None:
    assert each("a.b", "p", "q", expects="any")(_fine) is _fine
    assert each("a.c", "p")(_fine) is _fine
    assert made == {
        "a.b": Check("a.b", ("p", "q"), "any", True, _fine),
        "a.c": Check("a.c", ("p",), "success", True, _fine),
    }


def test_a_requirement_has_one_check() -> None:
    check("a.b", "p")(_fine)
    with pytest.raises(ValueError, match=r"^two checks judge 'a\.b'$"):
        each("a.b", "q")(_fine)


def _says(found: Check, status: int | None, failure: TransportFailure | None = None) -> Outcome:
    world = World()
    answer: Any = world["chat.plain"]
    answer.status, answer.failure = status, failure
    answer.body = {"error": {"message": "No."}}
    return found.function(world.evidence(["chat.plain"]).view("chat.plain"))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, None),
        (201, None),
        (400, "answered 400 (No.), where success was expected"),
        (None, "answered nothing (No.), where success was expected"),
    ],
)
def test_what_is_accepted_is_a_success(status: int | None, said: str | None, made: dict[str, Check]) -> None:
    accepted("a.b", "p")
    found = made["a.b"]
    assert found == Check("a.b", ("p",), "acceptance", False, found.function, (OK, BAD))
    assert _says(found, status) == said


def test_what_is_accepted_comes_whole(made: dict[str, Check]) -> None:
    accepted("a.b", "p")
    said = _says(made["a.b"], 200, TransportFailure("truncated", "it ended early"))
    assert said == "the answer did not come whole: it ended early"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, None),
        (499, None),
        (200, "answered 200 (No.), where a 4xx was expected"),
        (501, "answered 501 (No.), where a 4xx was expected"),
    ],
)
def test_what_is_refused_is_a_4xx(status: int, said: str | None, made: dict[str, Check]) -> None:
    refused("a.b", "p")
    found = made["a.b"]
    assert found == Check("a.b", ("p",), "refusal", False, found.function, (BAD, OK))
    assert _says(found, status) == said


@pytest.mark.parametrize(
    ("status", "fine"),
    [(None, False), (199, False), (200, True), (499, True), (500, False), (501, True), (502, False)],
)
def test_what_is_tolerated_is_answered_or_refused(
    status: int | None, fine: bool, made: dict[str, Check]
) -> None:
    tolerated("a.b", "p", "q")
    found = made["a.b"]
    assert found == Check("a.b", ("p", "q"), "refusal", True, found.function, (BAD, BROKEN))
    said = _says(found, status)
    named = status or "nothing"
    assert said == (None if fine else f"answered {named} (No.); a request is answered or refused with a 4xx")

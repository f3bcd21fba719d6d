"""What each kind of check is asked about, and which verdict stands in its place otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
from wiremark_conformance import checking
from wiremark_conformance.checking import Expects
from wiremark_conformance.exchange import FailureKind
from wiremark_conformance.judge import (
    CHECKS,
    Judgement,
    combined,
    judge_as,
    judge_exchange,
    judge_given,
    judge_one,
    with_needs,
)
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

REQUIREMENT, PROBE = (
    "chat.tools.call.id",
    "chat.tools.forced",
)  # optional in `generic`, claimed in `everything`
REFUSAL = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}
WORDS = {
    "looked": (Verdict.FAIL, "it was looked at"),
    "infra": (Verdict.INFRA, "answered {status} (No.)"),
    "refused": (Verdict.NOT_TESTABLE, "answered {status} (No.)"),
    "no error": (Verdict.NOT_TESTABLE, "answered {status} (No.), which is no error"),
    "no stream": (Verdict.NOT_TESTABLE, "the body is not an event stream"),
    "unsupported": (Verdict.UNSUPPORTED, "answered {status} (No.)"),
}
TROUBLE = {429: "infra", 500: "infra", 502: "infra", 503: "infra", 504: "infra", 529: "infra", 599: "infra"}
BUSY = {429: "infra", 502: "infra", 503: "infra", 504: "infra", 529: "infra"}
HONEST = (400, 404, 428, 430, 499, 501)
# What a check expects → by status, for a capability that is claimed, and what it is where it is optional.
CLAIMED: dict[str, dict[int, str]] = {
    "success": {200: "looked", 299: "looked", 300: "refused", **dict.fromkeys(HONEST, "refused"), **TROUBLE},
    "acceptance": {200: "looked", 300: "looked", **dict.fromkeys(HONEST, "looked"), **TROUBLE},
    "stream": {200: "no stream", 300: "refused", **dict.fromkeys(HONEST, "refused"), **TROUBLE},
    "error": {200: "no error", 399: "no error", 400: "looked", **dict.fromkeys(TROUBLE, "looked")},
    "refusal": {200: "looked", 300: "looked", **dict.fromkeys((*HONEST, 500), "looked"), **BUSY},
    "reply": {200: "looked", 300: "looked", **dict.fromkeys((*HONEST, 500), "looked"), **BUSY},
    "any": dict.fromkeys((200, 300, *HONEST, *TROUBLE), "looked"),
    "transport": dict.fromkeys((200, 300, *HONEST, *TROUBLE), "looked"),
}
UNSUPPORTED = {"success", "acceptance", "stream"}


@pytest.fixture
def expecting(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the check one that finds something wherever it looks, and expects what the test says."""

    def change(expects: Any) -> None:
        check = CHECKS[REQUIREMENT]
        changed = replace(
            check, function=lambda _: "it was looked at", expects=expects, probes=(PROBE,), each=False
        )
        monkeypatch.setitem(checking._checks, REQUIREMENT, changed)

    return change


def test_the_table_knows_every_kind_of_check() -> None:
    assert set(CLAIMED) == set(get_args(Expects))


@pytest.mark.parametrize("contract", ["claimed", "optional"])
@pytest.mark.parametrize(
    ("expects", "status"), [(expects, status) for expects, row in CLAIMED.items() for status in row]
)
def test_a_status_decides_whether_a_check_looks(
    world: Any,
    worlds: Callable[..., Any],
    expecting: Callable[[str], None],
    contract: str,
    expects: str,
    status: int,
) -> None:
    subject = world if contract == "claimed" else worlds("generic")
    expecting(expects)
    answer = subject[PROBE]
    answer.status, answer.body, answer.chunks = status, REFUSAL, None
    word = CLAIMED[expects][status]
    if contract == "optional" and expects in UNSUPPORTED and status in HONEST:
        word = "unsupported"
    verdict, message = WORDS[word]
    judged = subject.judge(REQUIREMENT)
    assert (judged.verdict, judged.message) == (verdict, message.format(status=status))
    assert judged.probes == (PROBE,)


INFRA = ("dns", "connect", "tls", "timeout", "reset")
# What a check expects → the failures it looks at, and those that are the network's.
FAILURES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "success": ((), INFRA),
    "acceptance": (("truncated", "protocol"), INFRA),
    "error": ((), INFRA),
    "refusal": ((), INFRA),
    "reply": (("timeout", "reset", "truncated", "protocol"), ("dns", "connect", "tls")),
    "any": (("truncated", "protocol"), INFRA),
    "transport": (("truncated", "protocol"), INFRA),
}


@pytest.mark.parametrize("kind", [*INFRA, "truncated", "protocol"])
@pytest.mark.parametrize("expects", FAILURES)
def test_a_failure_on_the_way_decides_it_too(
    world: Any, expecting: Callable[[str], None], expects: str, kind: FailureKind
) -> None:
    expecting(expects)
    looked, network = FAILURES[expects]
    answer = world[PROBE]
    if expects == "error":
        answer.status, answer.body = 400, REFUSAL
    answer.fail(kind)
    judged = world.judge(REQUIREMENT)
    if kind in looked:
        assert (judged.verdict, judged.message) == WORDS["looked"]
    elif kind in network:
        assert (judged.verdict, judged.message) == (Verdict.INFRA, f"{kind}: it was {kind}")
    else:
        assert judged.verdict is Verdict.NOT_TESTABLE
        assert judged.message == f"the answer did not come whole: it was {kind}"


@pytest.mark.parametrize("expects", ["any", "stream"])
def test_what_was_cut_before_a_status_came_is_not_judged(
    world: Any, expecting: Callable[[str], None], expects: str
) -> None:
    expecting(expects)
    world[PROBE].status = None
    world[PROBE].fail("truncated")
    assert world.judge(REQUIREMENT).verdict is Verdict.NOT_TESTABLE


def test_an_error_in_a_stream_is_quoted(world: Any, expecting: Callable[[str], None]) -> None:
    expecting("stream")
    answer = world[PROBE]
    answer.headers["content-type"] = "text/event-stream"
    answer.body, answer.chunks = None, [{"error": {"message": "x" * 300}}]
    judged = world.judge(REQUIREMENT)
    quoted = '{"error": {"message": "' + "x" * 300
    assert (judged.verdict, judged.message) == (
        Verdict.INFRA,
        f"the server reports an error in the stream: {quoted[:200]}",
    )


# -- judgements of several exchanges as one ----------------------------------------------------------------


def _said(verdict: Verdict, *probes: str, message: str = "") -> Judgement:
    return Judgement(load_register()[REQUIREMENT], verdict, message, probes)


@pytest.mark.parametrize(
    ("judgements", "verdict", "message", "probes"),
    [
        ([], Verdict.NOT_TESTABLE, "no probe was there to look at", ()),
        ([_said(Verdict.PASS, "a")], Verdict.PASS, "", ("a",)),
        ([_said(Verdict.FAIL, "a", message="x")], Verdict.FAIL, "a: x", ("a",)),
        ([_said(Verdict.PASS, "a"), _said(Verdict.PASS, "b")], Verdict.PASS, "", ("a", "b")),
        (
            [_said(Verdict.PASS, "a"), _said(Verdict.FAIL, "b", "c", message="x"), _said(Verdict.INFRA, "d")],
            Verdict.FAIL,
            "b, c: x",
            ("b", "c"),
        ),
        (
            [_said(Verdict.WARN, name, message="x") for name in "abc"],
            Verdict.WARN,
            "a: x; b: x; c: x",
            ("a", "b", "c"),
        ),
        (
            [_said(Verdict.WARN, name, message="x") for name in "abcde"],
            Verdict.WARN,
            "a: x; b: x; c: x; and 2 more",
            ("a", "b", "c", "d", "e"),
        ),
        (
            [_said(Verdict.WARN, name, message="x") for name in "abcd"],
            Verdict.WARN,
            "a: x; b: x; c: x; and 1 more",
            ("a", "b", "c", "d"),
        ),
    ],
)
def test_judgements_of_several_exchanges_become_one(
    judgements: list[Judgement], verdict: Verdict, message: str, probes: tuple[str, ...]
) -> None:
    requirement = load_register()[REQUIREMENT]
    assert combined(requirement, judgements) == Judgement(requirement, verdict, message, probes)


def test_an_exchange_is_judged_alone_by_what_looks_at_nothing_else(world: Any) -> None:
    world["chat.plain"].body["object"] = "x"
    judged = {one.requirement.id: one for one in judge_exchange("chat.plain", world.evidence(["chat.plain"]))}
    assert judged["chat.object"].message == 'chat.plain: `object` is "x"'
    assert judged["chat.object"].probes == ("chat.plain",)
    assert judged["chat.created-seconds"].verdict is Verdict.PASS
    assert "chat.stream.usage.prompt-agrees" not in judged  # looks at a second one


def test_an_exchange_is_judged_alone_whatever_others_there_are(world: Any) -> None:
    world["chat.logprobs"].body["object"] = "x"
    judged = {one.requirement.id: one for one in judge_exchange("chat.plain", world.evidence())}
    assert judged["chat.object"].verdict is Verdict.PASS


def test_of_several_probes_those_that_are_there_are_named(world: Any) -> None:
    answer = world["chat.plain"]
    answer.status, answer.body = 400, REFUSAL
    given = {one.requirement.id: one for one in judge_given(world.evidence(["chat.plain"]))}
    assert (given["chat.object"].verdict, given["chat.object"].probes) == (
        Verdict.NOT_TESTABLE,
        ("chat.plain",),
    )


def test_what_was_asked_for_together_stands_for_each_of_it_when_it_was_taken(world: Any) -> None:
    requirement, together = "messages.system-blocks", "messages.at-once"
    judged = judge_one(requirement, world.evidence([together]))
    assert (judged.verdict, judged.probes) == (Verdict.PASS, (together,))
    world[together].status, world[together].body = 400, REFUSAL
    judged = judge_one(requirement, world.evidence([together]))
    assert (judged.verdict, judged.probes) == (Verdict.NOT_TESTABLE, (requirement,))


def test_what_a_probe_needs_comes_before_it() -> None:
    assert with_needs(["messages.echo-back"]) == ("messages.plain", "messages.echo-back")


def test_what_is_there_is_judged_and_nothing_that_needs_more(world: Any) -> None:
    given = {one.requirement.id: one for one in judge_given(world.evidence(["chat.plain", "chat.stream"]))}
    assert given["chat.object"].probes == ("chat.plain",)
    assert given["chat.stream.done"].verdict is Verdict.PASS
    assert "chat.stream.usage.prompt-agrees" not in given
    assert "errors.malformed-json" not in given
    whole = {one.requirement.id for one in judge_given(world.evidence(["chat.plain", "chat.stream.usage"]))}
    assert "chat.stream.usage.prompt-agrees" in whole


def test_an_exchange_stands_in_the_place_of_a_probe(world: Any) -> None:
    world["chat.plain"].body["object"] = "x"
    evidence = world.evidence()
    judged = judge_as("chat.object", "chat.plain", evidence)
    assert (judged.requirement.id, judged.verdict, judged.probes) == (
        "chat.object",
        Verdict.FAIL,
        ("chat.plain",),
    )
    assert judge_as("chat.object", "chat.logprobs", evidence).verdict is Verdict.PASS
    assert judge_one("chat.object", evidence).verdict is Verdict.FAIL

"""The order of questions: what is asked before a check is, and which verdict follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from wiremark_conformance import checking
from wiremark_conformance.evidence import Evidence, View
from wiremark_conformance.exchange import FailureKind
from wiremark_conformance.judge import CHECKS, judge, judge_one
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome, Silent
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

REFUSAL = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}


def _refuse(world: Any, probe: str, status: int = 400) -> None:
    answer = world[probe]
    answer.status, answer.body, answer.chunks = status, REFUSAL, None


def test_judging_is_the_same_the_second_time(world: Any) -> None:
    evidence = world.evidence()
    again = Evidence(evidence.target, dict(evidence.exchanges))
    assert judge(load_register(), evidence) == judge(load_register(), evidence)
    assert judge(load_register(), evidence) == judge(load_register(), again)


def test_a_judgement_names_its_probes(world: Any) -> None:
    assert world.judge("chat.stream.usage.prompt-agrees").probes == ("chat.plain", "chat.stream.usage")


def test_what_the_contract_does_not_promise_is_undeclared(worlds: Callable[..., Any]) -> None:
    judged = worlds("generic").judge("billing.plain.charge")
    assert judged.verdict is Verdict.UNDECLARED
    assert "'generic' does not promise 'billing'" in judged.message


def test_what_the_contract_says_nothing_about_is_undeclared(worlds: Callable[..., Any]) -> None:
    world = worlds("generic")
    assert world.judge("models.list.catalogue").verdict is Verdict.UNDECLARED
    assert world.judge("chat.tools.text-only-refused").verdict is Verdict.UNDECLARED


def test_a_model_that_cannot_is_not_held_to_it(world: Any) -> None:
    world.target = replace(world.target, model="hermes-text-only")
    assert world.judge("chat.tools.forced.called").verdict is Verdict.UNDECLARED


def test_a_missing_key_role_is_not_testable(worlds: Callable[..., Any]) -> None:
    judged = worlds(roles=("default",)).judge("limits.rate.status")
    assert judged.verdict is Verdict.NOT_TESTABLE
    assert "no key for the role 'throttled'" in judged.message


def test_nothing_recorded_is_not_testable(world: Any) -> None:
    judged = judge(load_register(), Evidence(world.target, {}))
    promised = [j for j in judged if world.target.declares(j.requirement.capability)]
    asked = {j.verdict for j in promised if j.requirement.area not in {"properties", "sdk"}}
    assert asked == {Verdict.NOT_TESTABLE}


@pytest.mark.parametrize("kind", ["dns", "connect", "tls", "timeout", "reset"])
@pytest.mark.parametrize(
    "requirement", ["chat.accepted", "chat.id", "http.complete", "errors.malformed-json"]
)
def test_a_network_that_fails_is_infra(world: Any, requirement: str, kind: FailureKind) -> None:
    for probe in CHECKS[requirement].probes:
        world[probe].fail(kind)
    assert world.judge(requirement).verdict is Verdict.INFRA


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("requirement", ["chat.accepted", "chat.object", "chat.stream.done"])
def test_a_server_in_trouble_is_infra(world: Any, requirement: str, status: int) -> None:
    for probe in CHECKS[requirement].probes:
        _refuse(world, probe, status)
    assert world.judge(requirement).verdict is Verdict.INFRA


def test_a_500_in_answer_to_a_bad_request_is_a_finding(world: Any) -> None:
    _refuse(world, "errors.malformed-json", 500)
    assert world.judge("errors.malformed-json").verdict is Verdict.FAIL
    assert world.judge("errors.no-server-error").verdict is Verdict.FAIL


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_not_judged_by_its_refusals(world: Any, status: int) -> None:
    _refuse(world, "errors.malformed-json", status)
    assert world.judge("errors.malformed-json").verdict is Verdict.INFRA


def test_a_claimed_capability_that_is_refused_fails_once(world: Any) -> None:
    _refuse(world, "chat.tools.forced")
    assert world.judge("chat.tools.forced.accepted").verdict is Verdict.FAIL
    judged = world.judge("chat.tools.call.id")
    assert judged.verdict is Verdict.NOT_TESTABLE
    assert "answered 400 (No.)" in judged.message


@pytest.mark.parametrize("status", [400, 404, 422, 501])
def test_an_optional_capability_that_is_refused_is_unsupported(
    worlds: Callable[..., Any], status: int
) -> None:
    world = worlds("generic")
    _refuse(world, "chat.tools.forced", status)
    for requirement in ("chat.tools.forced.accepted", "chat.tools.call.id"):
        assert world.judge(requirement).verdict is Verdict.UNSUPPORTED


def test_an_optional_capability_that_is_ignored_is_silent(world: Any, worlds: Callable[..., Any]) -> None:
    for subject, verdict in ((worlds("generic"), Verdict.SILENT), (world, Verdict.FAIL)):
        subject["chat.n"].body["choices"].pop()
        assert subject.judge("chat.n.count").verdict is verdict


def test_a_stream_that_was_cut_off_is_judged_on_what_came(world: Any) -> None:
    del world.chunks("chat.stream")[3:]
    world["chat.stream"].fail("truncated")
    assert world.judge("chat.stream.complete").verdict is Verdict.FAIL
    assert world.judge("chat.stream.done").verdict is Verdict.FAIL
    assert world.judge("chat.stream.finish").verdict is Verdict.FAIL
    assert world.judge("chat.stream.role-once").verdict is Verdict.PASS


def test_a_body_that_was_cut_off_leaves_nothing_to_judge(world: Any) -> None:
    world["chat.plain"].fail("truncated")
    assert world.judge("chat.accepted").verdict is Verdict.FAIL
    assert world.judge("chat.created-seconds").verdict is Verdict.NOT_TESTABLE


def test_a_failure_that_the_stream_reports_is_infra(world: Any) -> None:
    for answer in world.streams():
        answer.chunks[1:] = [REFUSAL]
    assert world.judge("chat.stream.done").verdict is Verdict.INFRA
    assert world.judge("chat.stream.error-frames").verdict is Verdict.PASS


def test_one_bad_answer_of_several_is_a_finding(world: Any) -> None:
    world["chat.logprobs"].body["object"] = "x"
    judged = world.judge("chat.object")
    assert (judged.verdict, judged.probes) == (Verdict.FAIL, ("chat.logprobs",))
    assert judged.message == 'chat.logprobs: `object` is "x"'


def test_what_was_not_to_be_had_of_several_does_not_matter(world: Any) -> None:
    _refuse(world, "chat.logprobs", 503)
    assert world.judge("chat.object").verdict is Verdict.PASS


def _breaks(_: View) -> Outcome:
    raise ZeroDivisionError("three by nothing")


def _not_testable(_: View) -> Outcome:
    raise NotTestable("there was nothing")


def _not_promised(_: View) -> Outcome:
    raise NotPromised("nobody said so")


@pytest.mark.parametrize(
    ("function", "verdict", "message"),
    [
        (_breaks, Verdict.HARNESS_ERROR, "the check broke: ZeroDivisionError: three by nothing"),
        (_not_testable, Verdict.NOT_TESTABLE, "there was nothing"),
        (_not_promised, Verdict.UNDECLARED, "nobody said so"),
        (lambda _: None, Verdict.PASS, ""),
        (lambda _: "wrong", Verdict.WARN, "wrong"),
        (lambda _: Silent("ignored"), Verdict.WARN, "ignored"),
    ],
)
def test_what_a_check_says_becomes_a_verdict(
    world: Any,
    monkeypatch: pytest.MonkeyPatch,
    function: Callable[[View], Outcome],
    verdict: Verdict,
    message: str,
) -> None:
    requirement = "chat.created-seconds"  # a SHOULD
    monkeypatch.setitem(checking._checks, requirement, replace(CHECKS[requirement], function=function))
    judged = world.judge(requirement)
    assert (judged.verdict, judged.message, judged.probes) == (verdict, message, ("chat.plain",))


def test_a_should_is_a_warning(world: Any) -> None:
    world["chat.plain"].body["created"] = 0
    assert world.judge("chat.created-seconds").verdict is Verdict.WARN


def test_two_checks_of_one_requirement_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two checks judge 'chat\.id'"):
        checking.check("chat.id", "chat.plain")(lambda _: None)


def test_an_unknown_requirement_is_a_key_error(world: Any) -> None:
    with pytest.raises(KeyError):
        judge_one("chat.nonsense", world.evidence())

"""Which requests misbehave, and how a running server is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from wiremark_schemas import contracts
from wiremark_server.faults import catalogue
from wiremark_server.faults.catalogue import UnknownNameError
from wiremark_server.faults.control import Control
from wiremark_server.faults.edit import Ask
from wiremark_server.faults.rules import BadRuleError, Rules
from wiremark_server.faults.together import NeverShowsError

DONE = "chat.stream.done-missing"


def _ask(operation: str = "chat.create", **headers: str) -> Ask:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Ask(operation, "POST", given, {})


def _shown(rules: Rules, ask: Ask) -> int:
    return len(list(rules.choose(ask)))


def test_a_rule_for_one_key_is_for_that_key_alone() -> None:
    rules = Rules()
    rules.add({"faults": [DONE], "key": "sk-1"})
    assert _shown(rules, _ask(authorization="Bearer sk-1")) == 1
    assert _shown(rules, _ask(authorization="bearer  sk-1")) == 1
    assert _shown(rules, _ask(x_api_key="sk-1")) == 1
    assert _shown(rules, _ask(x_goog_api_key="sk-1")) == 1
    assert _shown(rules, Ask("gemini.stream", "POST", [], {}, query="alt=sse&key=sk-1")) == 1
    assert _shown(rules, Ask("gemini.stream", "POST", [], {}, query="alt=sse&key=sk-2")) == 0
    assert _shown(rules, _ask(authorization="Bearer sk-2")) == 0
    assert _shown(rules, _ask()) == 0


def test_a_rule_for_one_request_is_used_up_by_it() -> None:
    rules = Rules()
    rules.add({"faults": [DONE], "requests": 1, "operation": "chat.create"})
    assert _shown(rules, _ask("models.list")) == 0
    assert [_shown(rules, _streamed()) for _ in range(3)] == [1, 0, 0]
    assert list(rules) == []


def _streamed() -> Ask:
    return Ask("chat.create", "POST", [], {"stream": True})


def test_requests_that_cannot_show_a_rule_do_not_use_it_up() -> None:
    """A client that lists the models first, or asks for a whole answer, has not met a fault of streams."""
    rules = Rules()
    rules.add({"faults": ["chat.stream.cut"], "requests": 1})
    rules.add({"faults": ["chat.created-zero"], "requests": 1})
    rules.add({"faults": ["limits.minute-higher"], "requests": 3})  # in the gateway itself: on whatever comes
    told = [(rule.id, rule.requests) for rule in rules]
    assert told == [("1", 1), ("2", 1), ("3", 3)]
    list(rules.choose(Ask("models.list", "GET", [], {})))
    assert [(rule.id, rule.requests) for rule in rules] == [("1", 1), ("2", 1), ("3", 2)]
    list(rules.choose(_ask()))
    assert [rule.id for rule in rules] == ["1", "3"]
    list(rules.choose(_streamed()))
    assert [rule.id for rule in rules] == []


@pytest.mark.parametrize(
    ("path", "query", "streams"),
    [
        ("/v1beta/models/m:streamGenerateContent", "alt=sse&key=k", True),
        ("/v1beta/models/m:streamGenerateContent", "", False),
        ("/v1/responses/resp_1", "stream=true", True),
        ("/v1/models", "", False),
    ],
)
def test_a_stream_is_asked_for_by_path_or_query_as_well(path: str, query: str, streams: bool) -> None:
    assert Ask("", "GET", [], {}, path=path, query=query).streams is streams


def test_what_is_always_on_comes_first() -> None:
    rules = Rules(catalogue.chosen([DONE], []))
    rules.add({"variants": ["wire.sse.comments"]})
    assert _shown(rules, _ask()) == 2


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "a rule needs a name"),
        ({"fault": [DONE]}, "'fault' is no part of a rule"),
        ({"faults": DONE}, "'faults' must be a list of names"),
        ({"faults": [DONE], "requests": 0}, "'requests' must be how many"),
        ({"faults": [DONE], "requests": True}, "'requests' must be how many"),
        ({"faults": [DONE], "rate": 2}, "'rate' must be a number from 0 to 1"),
        ({"faults": [DONE], "key": ""}, "'key' must be an API key"),
        ({"faults": [DONE], "seed": 1.5}, "'seed' must be an integer"),
        ({"faults": [DONE], "rate": 0.5}, "'rate' is for variants"),
        (
            {"faults": [DONE], "operation": "chat.crate"},
            "has an operation 'chat.crate'; did you mean 'chat.create'",
        ),
        ({"faults": [DONE], "operation": "tts"}, "has an operation 'tts'; there are .*models.list"),
    ],
)
def test_a_bad_rule_is_refused_with_a_sentence(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRuleError, match=said):
        Rules(served=[contracts.load("hermes-tokens")]).add(wanted)


def test_a_rule_that_could_never_show_is_refused() -> None:
    """Whoever hardens a client must not take a fault that never came for one that was survived."""
    rules = Rules(served=[contracts.load("hermes-tokens")])
    with pytest.raises(
        NeverShowsError, match="never shows under 'hermes-tokens': serve it with --contract anth"
    ):
        rules.add({"faults": ["messages.stream.done"]})
    both = Rules(served=[contracts.load("hermes-tokens"), contracts.load("anthropic")])
    both.add({"faults": ["messages.stream.done", DONE]})


def test_an_unknown_fault_lists_the_nearest() -> None:
    for name in ("chat.stream.done-mising", "Chat.Stream.Done-Missing"):
        with pytest.raises(UnknownNameError, match=r"nearest are .*chat\.stream\.done-missing"):
            Rules().add({"faults": [name]})
    with pytest.raises(
        UnknownNameError, match="there is no fault '!'; `wiremark faults` lists what there is"
    ):
        Rules().add({"faults": ["!"]})


def test_a_fault_that_is_named_twice_shows_once() -> None:
    assert len(_shown_names([DONE, DONE])) == 1


def _shown_names(names: list[str]) -> list[str]:
    chosen = catalogue.chosen(names, ())
    assert chosen is not None
    return [fault.name for fault in chosen.faults]


def test_no_key_is_ever_told() -> None:
    rules = Rules()
    rule = rules.add({"faults": [DONE], "key": "sk-secret"})
    assert "sk-secret" not in json.dumps(rule.told()) + repr(rule)


def _call(control: Control, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(control({"type": "http", "method": method, "path": path}, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


def test_the_control_port_adds_lists_and_removes() -> None:
    control = Control(Rules())
    status, rule = _call(control, "POST", "/rules", json.dumps({"faults": [DONE], "requests": 2}).encode())
    assert (status, rule["faults"], rule["requests"], rule["one_key"]) == (201, [DONE], 2, False)
    assert _call(control, "GET", "/rules") == (200, {"rules": [rule]})
    assert _call(control, "DELETE", "/rules/99")[0] == 404
    assert _call(control, "DELETE", f"/rules/{rule['id']}") == (200, {"rules": []})
    _call(control, "POST", "/rules", json.dumps({"variants": ["all"], "rate": 0.1}).encode())
    assert _call(control, "DELETE", "/rules") == (200, {"rules": []})
    assert len(_call(control, "GET", "/catalogue")[1]["faults"]) >= 500


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/rules", b"{", 400),
        ("POST", "/rules", b"[]", 400),
        ("POST", "/rules", b"\xff", 400),
        ("POST", "/rules", b'{"faults": ["nothing.like-it"]}', 400),
        ("POST", "/rules", b" " * 70_000, 413),
        ("POST", "/rules", b'{"faults":' + b"[" * 60_000, 400),
        ("POST", "/rules", b'{"faults": ["messages.stream.done"]}', 400),
        ("GET", "/", b"", 404),
        ("PUT", "/rules", b"{}", 405),
        ("POST", "/catalogue", b"{}", 405),
    ],
)
def test_what_is_no_rule_is_refused(method: str, path: str, body: bytes, status: int) -> None:
    served = [contracts.load("hermes-tokens")]
    found, answer = _call(Control(Rules(served=served)), method, path, body)
    assert found == status
    assert answer["error"]

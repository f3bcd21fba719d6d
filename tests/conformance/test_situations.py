"""Which situation an answer that the suite did not ask for is in, and what is asked of it there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wiremark_conformance.exchange import Exchange, Part, Request
from wiremark_conformance.judge import CHECKS
from wiremark_conformance.replay.situations import ERRORS, SITUATIONS, Situation, of, requirements
from wiremark_conformance.requirement import load_register
from wiremark_schemas.contracts import Dialect

BY_NAME = {situation.name: situation for situation in SITUATIONS}
MIDDLE = "its stream stops in the middle, and whether the client left is not in the file"


def _exchange(
    asked: Any = None, said: bytes = b"{}", status: int | None = 200, target: str = "/v1/x"
) -> Exchange:
    body = asked if isinstance(asked, bytes) else b"" if asked is None else json.dumps(asked).encode()
    return Exchange("entry 1", Request("POST", target, (), body), status, parts=(Part(0, said),))


@pytest.mark.parametrize(
    ("operation", "dialect", "exchange", "name"),
    [
        ("chat.create", "openai", _exchange({}), "chat"),
        ("chat.create", "openai", _exchange({"stream": False, "n": 1}), "chat"),
        ("chat.create", "openai", _exchange({"stream": 1}), "chat"),
        ("chat.create", "openai", _exchange({"stream": True}, b"data: [DONE]\n\n"), "chat stream"),
        ("chat.create", "openai", _exchange({"stream": True}, b'data: {"error"'), "chat stream"),
        ("chat.create", "openai", _exchange({"stream": True}, b'data: "finish_reason" : "'), "chat stream"),
        ("chat.create", "openai", _exchange(b"\xff"), "chat"),
        ("chat.create", "openai", _exchange([]), "chat"),
        ("chat.create", "openai", _exchange({}, status=299), "chat"),
        ("chat.create", "openai", _exchange({}, status=400), "error"),
        ("chat.create", "openai", _exchange({"n": 2}, status=599), "error"),
        ("completions.create", "openai", _exchange({}), "completion"),
        ("completions.create", "openai", _exchange({"stream": True}), "completion stream"),
        ("embeddings.create", "openai", _exchange({"stream": True}), "embeddings"),
        ("models.list", "openai", _exchange(), "models"),
        ("messages.create", "anthropic", _exchange({}), "message"),
        (
            "messages.create",
            "anthropic",
            _exchange({"stream": True}, b"data: message_stop"),
            "message stream",
        ),
        ("responses.create", "openai", _exchange({"background": False}), "response"),
        (
            "responses.create",
            "openai",
            _exchange({"stream": True}, b"data: response.incomplete"),
            "response stream",
        ),
        ("gemini.generate", "gemini", _exchange({}), "gemini"),
        ("gemini.stream", "gemini", _exchange({}, b'data: "finishReason"'), "gemini stream"),
        (
            "gemini.stream",
            "gemini",
            _exchange({}, target="/m:streamGenerateContent?alt=sse"),
            "gemini stream",
        ),
    ],
)
def test_an_answer_is_in_a_situation(operation: str, dialect: Dialect, exchange: Exchange, name: str) -> None:
    found = of(operation, dialect, exchange)
    assert found is (ERRORS[dialect] if name == "error" else BY_NAME[name])


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_an_error_is_held_to_its_dialect(dialect: Dialect) -> None:
    assert of("chat.create", dialect, _exchange({}, status=404)) is ERRORS[dialect]


@pytest.mark.parametrize(
    ("operation", "dialect", "exchange", "reason"),
    [
        *(
            ("chat.create", "openai", _exchange({}, status=code), f"the endpoint was busy ({code})")
            for code in (502, 503, 504, 529)
        ),
        *(
            (
                "chat.create",
                "openai",
                _exchange({}, status=code),
                f"its status {code or 0} is neither a success nor an error",
            )
            for code in (None, 199, 300, 399)
        ),
        ("chat.create", "openai", _exchange({"n": 2}), "it asks for several choices"),
        ("chat.create", "openai", _exchange({"functions": []}), "it uses the old `functions`"),
        (
            "responses.create",
            "openai",
            _exchange({"background": True}),
            "it asks for work in the background",
        ),
        (
            "gemini.stream",
            "gemini",
            _exchange({}, target="/m:streamGenerateContent"),
            "it asks for a JSON array instead of events",
        ),
        (
            "gemini.generate",
            "gemini",
            _exchange({}, b'{"promptFeedback": {"blockReason": "SAFETY"}}'),
            "its prompt was blocked",
        ),
        (
            "models.list",
            "gemini",
            _exchange(),
            "it is in the dialect gemini, where nothing is known of it that needs no question of ours",
        ),
        (
            "models.get",
            "openai",
            _exchange(),
            "what holds for an answer of models.get depends on what was asked",
        ),
        *(
            (operation, "openai", _exchange({"stream": True}, b"data: {}"), MIDDLE)
            for operation in (
                "chat.create",
                "chat.create.more",
                "completions.create",
                "messages.create",
                "responses.create",
                "gemini.stream",
            )
        ),
    ],
)
def test_what_is_not_judged_says_why(
    operation: str, dialect: Dialect, exchange: Exchange, reason: str
) -> None:
    assert of(operation, dialect, exchange) == reason


def test_a_check_of_all_probes_alike_is_asked() -> None:
    found = requirements(BY_NAME["chat"])
    assert found["chat.object"] == "chat.plain"
    assert found["chat.created-seconds"] == CHECKS["chat.created-seconds"].probes[0]
    assert "chat.n.count" not in found
    assert not any(CHECKS[name].each is False for name in found if name not in BY_NAME["chat"].also)


def test_what_a_file_does_not_hold_is_not_asked() -> None:
    for name, left_out in (
        ("chat", "http.no-redirect"),
        ("chat stream", "chat.stream.complete"),
        ("chat stream", "chat.stream.identity"),
        ("message stream", "messages.stream.complete"),
        ("embeddings", "embeddings.count"),
        ("embeddings", "embeddings.float"),
        ("embeddings", "embeddings.unit-length"),
    ):
        situation = BY_NAME[name]
        assert set(situation.alike) <= set(CHECKS[left_out].probes)
        assert left_out not in requirements(situation)


def test_what_depends_on_the_mood_is_not_asked() -> None:
    register = load_register()
    for situation in (*SITUATIONS, *ERRORS.values()):
        assert not any(register[name].mood for name in requirements(situation))
        assert requirements(situation)


def test_an_exchange_takes_the_place_of_the_first_probe_alike() -> None:
    probes = CHECKS["chat.object"].probes
    all_of_them = Situation("all", "", tuple(reversed(probes)))
    assert requirements(all_of_them)["chat.object"] == probes[-1]
    assert (
        requirements(Situation("also", "", probes[1:2], ("models.list.object",)))["chat.object"] == probes[1]
    )
    also = requirements(Situation("nothing alike", "", (), ("models.list.object",)))
    assert dict(also) == {"models.list.object": CHECKS["models.list.object"].probes[0]}

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from wiremark_schemas import registry

Make = Callable[..., Any]
REQUEST_ID = re.compile(r"req_[0-9a-f]{32}")


@pytest.mark.parametrize(
    ("method", "path", "role", "status", "code"),
    [
        ("GET", "/nothing", "default", 404, "unknown_url"),
        ("GET", "/v1/v1/models", None, 404, "unknown_url"),
        ("DELETE", "/models", "default", 405, "method_not_supported"),
        ("GET", "/models", None, 401, None),
        ("GET", "/models", "revoked", 401, "invalid_api_key"),
        ("GET", "/models", "throttled", 429, "rate_limit_exceeded"),
        ("GET", "/models/none", "default", 404, "model_not_found"),
    ],
)
def test_every_refusal_is_an_envelope_with_a_request_id(
    in_process: Make, method: str, path: str, role: str | None, status: int, code: str | None
) -> None:
    answer = in_process().request(method, path, role=role)
    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"
    assert REQUEST_ID.fullmatch(answer.headers["x-request-id"])
    assert registry.validator("openai/error").is_valid(answer.json)


def test_a_401_says_how_to_authenticate(in_process: Make) -> None:
    answer = in_process().get("/models", None)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.error["message"]


def test_the_scheme_is_read_in_any_case(in_process: Make) -> None:
    gateway = in_process()
    for scheme in ("bearer", "BEARER"):
        headers = {"authorization": f"{scheme} {gateway.secrets['default']}"}
        assert gateway.get("/models", headers=headers).status == 200
    basic = {"authorization": f"Basic {gateway.secrets['default']}"}
    assert gateway.get("/models", headers=basic).status == 401


def test_a_wrong_method_lists_the_allowed_ones(in_process: Make) -> None:
    assert in_process().get("/chat/completions").headers["allow"] == "POST"


def test_authentication_is_asked_before_the_body(in_process: Make) -> None:
    assert in_process().post("/chat/completions", b"{not json", role=None).status == 401


def test_the_limit_is_asked_before_the_body(in_process: Make) -> None:
    answer = in_process().post("/chat/completions", b"{not json", role="throttled")
    assert answer.status == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_answers_to_a_known_key_carry_its_limits_refusals_included(in_process: Make) -> None:
    gateway = in_process()
    for answer in (
        gateway.get("/models"),
        gateway.chat(),
        gateway.chat(model="none"),
        gateway.chat("throttled"),
    ):
        assert {f"x-ratelimit-{part}-requests" for part in ("limit", "remaining", "reset")} <= set(
            answer.headers
        )
    assert "x-ratelimit-limit-requests" not in gateway.get("/models", None).headers


def test_a_body_announced_too_large_is_refused_unread(in_process: Make) -> None:
    gateway = in_process("hermes-tokens")
    answer = gateway.post("/chat/completions", b"{", headers={"content-length": "1048577"})
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")
    assert answer.headers["connection"] == "close"


def test_a_body_is_counted_while_it_arrives(in_process: Make) -> None:
    gateway = in_process("hermes-tokens")
    parts = [b" " * 262_144] * 5
    assert gateway.post("/chat/completions", *parts).status == 413
    lying = gateway.post("/chat/completions", *parts, headers={"content-length": "10"})
    assert lying.status == 413


def test_a_body_of_exactly_the_limit_is_read(in_process: Make) -> None:
    gateway = in_process("hermes-tokens")
    body = b'{"model": "hermes-text-only", "messages": [{"role": "user", "content": "hi"}]}'
    assert gateway.post("/chat/completions", body.ljust(1_048_576)).status == 200
    assert gateway.post("/chat/completions", body.ljust(1_048_577)).status == 413


def test_another_media_type_is_415(in_process: Make) -> None:
    answer = in_process().post("/chat/completions", b"{}", headers={"content-type": "text/plain"})
    assert (answer.status, answer.headers["accept"]) == (415, "application/json")


def test_oversized_headers_are_431(in_process: Make) -> None:
    assert in_process().get("/models", headers={"x-padding": "x" * 70_000}).status == 431


def test_head_is_answered_like_get(in_process: Make) -> None:
    gateway = in_process()
    head, get = gateway.request("HEAD", "/models"), gateway.get("/models")
    assert (head.status, head.headers["content-length"]) == (200, get.headers["content-length"])


def test_options_without_a_cors_rule_only_names_the_methods(in_process: Make) -> None:
    answer = in_process().request("OPTIONS", "/models", role=None, headers={"origin": "https://example.org"})
    assert (answer.status, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_denied_cors_lets_no_preflight_succeed(in_process: Make) -> None:
    gateway = in_process("hermes-tokens")
    origin = {"origin": "https://example.org", "access-control-request-method": "POST"}
    preflight = gateway.request("OPTIONS", "/chat/completions", role=None, headers=origin)
    answered = gateway.get("/models", headers={"origin": "https://example.org"})
    assert (preflight.status, answered.status) == (405, 200)
    for answer in (preflight, answered):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_model_list_shows_what_the_key_may_use(in_process: Make) -> None:
    gateway = in_process("hermes-tokens")
    everything = gateway.get("/models").json
    assert registry.validator("openai/models.list").is_valid(everything)
    assert [(entry["id"], entry["supports_tools"]) for entry in everything["data"]] == [
        ("deepseek-v4-flash", True),
        ("hermes-text-only", False),
    ]
    restricted = gateway.get("/models", "restricted").json["data"]
    assert [entry["id"] for entry in restricted] == ["hermes-text-only"]
    assert gateway.get("/models/deepseek-v4-flash", "restricted").status == 403
    assert gateway.get("/models/hermes-text-only").json == everything["data"][1]


def test_usage_pages_and_balance_follow_their_schemas(in_process: Make) -> None:
    gateway = in_process()
    told = [gateway.chat().headers["x-request-id"] for _ in range(3)]
    first = gateway.get("/usage?limit=2").json
    rest = gateway.get(f"/usage?limit=2&after={first['next_after']}").json
    assert registry.validator("meta/usage-list").is_valid(first)
    assert [row["request_id"] for row in first["data"] + rest["data"]] == told[::-1]
    balance = gateway.get("/balance").json
    assert registry.validator("meta/balance").is_valid(balance)
    assert balance["held_microusd"] == 0


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1001", "after=req_unknown"])
def test_a_bad_page_is_400(in_process: Make, query: str) -> None:
    answer = in_process().get(f"/usage?{query}")
    assert (answer.status, answer.error["param"]) == (400, query.partition("=")[0])


def test_our_own_failure_is_a_500_without_its_text(
    in_process: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = in_process()

    def fail(*_: object) -> None:
        raise RuntimeError("a private matter")

    monkeypatch.setattr(gateway.engine, "count_prompt", fail)
    answer = gateway.chat()
    assert (answer.status, answer.error["type"]) == (500, "server_error")
    assert answer.headers["x-request-id"] in answer.error["message"]
    log = capsys.readouterr().err
    assert "RuntimeError" in log
    assert "private" not in log + answer.body.decode()

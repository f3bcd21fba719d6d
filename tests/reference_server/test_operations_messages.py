"""Messages through the whole gateway: envelopes, headers, money, and two dialects on one path."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from wiremark_schemas import contracts, registry
from wiremark_server.domain.generation import Delta, TextDelta, Usage
from wiremark_server.ledger import pricing

Make = Callable[..., Any]
HELLO = {"model": "wiremark-large", "max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]}
BOTH = """
extends: openai
wiremark: contract/1
name: both
auth: {schemes: [bearer, x-api-key]}
operations:
  messages.create: {method: POST, paths: [/messages]}
  messages.count_tokens: {method: POST, paths: [/messages/count_tokens]}
dialect_errors:
  anthropic:
    insufficient_credits: {status: 400, type: invalid_request_error, code: null}
"""


@pytest.fixture
def both(tmp_path: Path, in_process: Make) -> Any:
    """A gateway that speaks OpenAI's dialect and Anthropic's."""
    path = tmp_path / "both.yaml"
    path.write_text(BOTH, encoding="utf-8")
    return in_process(contracts.load(str(path)))


def _post(
    gateway: Any, path: str = "/messages", headers: Mapping[str, str] | None = None, **body: Any
) -> Any:
    role = body.pop("role", "default")
    return gateway.post(path, json.dumps(HELLO | body).encode(), role=role, headers=headers)


def _events(answer: Any) -> list[Any]:
    blocks = answer.body.decode().split("\n\n")
    assert blocks.pop() == ""
    return [json.loads(block.split("\ndata: ")[1]) for block in blocks]


def test_an_answer_is_of_published_shape_and_charged_as_told(in_process: Make) -> None:
    gateway = in_process("anthropic")
    answer = _post(gateway)
    registry.validator("anthropic/messages.response").validate(answer.json)
    (row,) = gateway.usage()
    usage = answer.json["usage"]
    assert row["request_id"] == answer.headers["request-id"]
    assert (row["prompt_tokens"], row["completion_tokens"]) == (usage["input_tokens"], usage["output_tokens"])
    price = gateway.contract.model("wiremark-large").price
    assert row["amount_microusd"] == pricing.charge(price, usage["input_tokens"], usage["output_tokens"]) > 0


def test_a_stream_says_and_costs_what_the_whole_answer_does(in_process: Make) -> None:
    gateway = in_process("anthropic")
    whole, stream = _post(gateway), _post(gateway, stream=True)
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = _events(stream)
    text = "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")
    assert text == whole.json["content"][0]["text"]
    assert events[-2]["usage"]["output_tokens"] == whole.json["usage"]["output_tokens"]
    streamed, charged = gateway.usage()
    assert streamed["amount_microusd"] == charged["amount_microusd"]


def test_a_count_is_what_the_answer_says_and_free(in_process: Make) -> None:
    gateway = in_process("anthropic")
    counted = _post(gateway, "/messages/count_tokens", system="Be brief.")
    assert counted.json == {"input_tokens": _post(gateway, system="Be brief.").json["usage"]["input_tokens"]}
    assert len(gateway.usage()) == 1


def test_a_prompt_beyond_the_context_is_counted_but_not_answered(in_process: Make) -> None:
    gateway = in_process("anthropic")
    long: dict[str, Any] = {
        "model": "wiremark-small",
        "messages": [{"role": "user", "content": "word " * 40_000}],
    }
    assert _post(gateway, "/messages/count_tokens", **long).json["input_tokens"] > 40_000
    refused = _post(gateway, **long)
    assert (refused.status, refused.error["type"]) == (400, "invalid_request_error")
    assert "prompt is too long" in refused.error["message"].lower()


def test_no_tokens_at_all_are_an_answer(in_process: Make) -> None:
    gateway = in_process("anthropic")
    answer = _post(gateway, max_tokens=0).json
    assert (answer["content"], answer["stop_reason"], answer["usage"]["output_tokens"]) == (
        [],
        "max_tokens",
        0,
    )
    kinds = [event["type"] for event in _events(_post(gateway, max_tokens=0, stream=True))]
    assert kinds == ["message_start", "message_delta", "message_stop"]


def test_an_answer_goes_on_where_the_last_message_ends(in_process: Make) -> None:
    question = {"role": "user", "content": "Count to 5."}
    answer = _post(in_process("anthropic"), messages=[question, {"role": "assistant", "content": "1, 2,"}])
    assert answer.json["content"] == [{"type": "text", "text": " 3, 4, 5"}]


def test_a_failed_tool_is_told_as_such(in_process: Make) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no light", "is_error": True}
    answer = _post(
        in_process("anthropic"),
        messages=[
            {"role": "user", "content": "Look."},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ],
    )
    assert answer.json["content"][0]["text"] == "look failed: no light"


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no key": ({"role": None}, 401, "authentication_error"),
    "a revoked key": ({"role": "revoked"}, 401, "authentication_error"),
    "an empty account": ({"role": "exhausted"}, 402, "billing_error"),
    "a full window": ({"role": "throttled"}, 429, "rate_limit_error"),
    "a forbidden model": ({"role": "restricted"}, 403, "permission_error"),
    "an unknown model": ({"model": "none"}, 404, "not_found_error"),
    "a bad value": ({"temperature": 9}, 400, "invalid_request_error"),
    "a model that does not think": (
        {
            "model": "wiremark-small",
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "max_tokens": 2000,
        },
        400,
        "invalid_request_error",
    ),
    "another media type": ({"headers": {"content-type": "text/plain"}}, 415, "invalid_request_error"),
    "a body that is too large": ({"system": "x" * 33_554_432}, 413, "request_too_large"),
    "an unknown version": ({"headers": {"anthropic-version": "1"}}, 400, "invalid_request_error"),
    "an unknown path": ({"path": "/messages/nothing"}, 404, "not_found_error"),
}


@pytest.mark.parametrize(("call", "status", "kind"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("stream", [False, True])
def test_every_refusal_has_the_envelope(
    in_process: Make, call: dict[str, Any], status: int, kind: str, stream: bool
) -> None:
    answer = _post(in_process("anthropic"), **call, stream=stream)
    assert (answer.status, answer.error["type"]) == (status, kind)
    registry.validator("anthropic/error").validate(answer.json)
    assert answer.json["request_id"] == answer.headers["request-id"]
    assert answer.headers["content-type"] == "application/json"


def test_either_header_carries_the_key(in_process: Make) -> None:
    gateway = in_process("anthropic")
    assert _post(gateway, role=None, headers={"x-api-key": gateway.secrets["default"]}).status == 200
    assert _post(gateway).status == 200
    refused = _post(gateway, role=None)
    assert "x-api-key" in refused.error["message"]
    assert refused.headers["www-authenticate"]


def test_the_limits_are_shown_in_the_dialects_own_headers(in_process: Make) -> None:
    gateway = in_process("anthropic")
    answer = _post(gateway)
    shown = {name: value for name, value in answer.headers.items() if "ratelimit" in name}
    assert {name.rsplit("-", 1)[0] for name in shown} == {
        "anthropic-ratelimit-requests",
        "anthropic-ratelimit-tokens",
    }
    assert shown["anthropic-ratelimit-requests-reset"] == "2025-12-01T00:01:00Z"
    refused = _post(gateway, role="throttled")
    assert refused.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert int(refused.headers["retry-after"]) >= 1


class Falling:
    """Gives one token, then fails."""

    usage = Usage(10, 1)

    def __init__(self) -> None:
        self._left = 1

    def __aiter__(self) -> Falling:
        return self

    async def __anext__(self) -> list[Delta]:
        if not self._left:
            raise RuntimeError("the GPU fell off the bus")
        self._left -= 1
        return [TextDelta(0, "x")]

    async def cancel(self) -> None:
        self._left = 0


def test_a_stream_that_breaks_ends_with_an_error_event(
    in_process: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = in_process("anthropic")
    gateway.engine.run = lambda *_: Falling()
    answer = _post(gateway, stream=True)
    assert b"event: error\ndata: " in answer.body
    last = _events(answer)[-1]
    registry.validator("anthropic/error").validate(last)
    assert last["error"]["type"] == "api_error"
    assert b"message_stop" not in answer.body
    assert "GPU" not in capsys.readouterr().err


def test_the_catalogue_in_pages(in_process: Make) -> None:
    gateway = in_process("anthropic")
    first = gateway.get("/models?limit=1").json
    registry.validator("anthropic/models.list").validate(first)
    assert (first["has_more"], first["last_id"]) == (True, "wiremark-large")
    second = gateway.get("/models?limit=1&after_id=wiremark-large").json
    assert (second["has_more"], second["first_id"], second["data"][0]["display_name"]) == (
        False,
        "wiremark-small",
        "Wiremark Small",
    )
    assert gateway.get("/models?after_id=wiremark-small").json == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }
    before = gateway.get("/models?before_id=wiremark-small").json
    assert [entry["id"] for entry in before["data"]] == ["wiremark-large"]
    for query in ("limit=0", "limit=x", "after_id=none", "after_id=a&before_id=b"):
        assert gateway.get(f"/models?{query}").error["type"] == "invalid_request_error"
    registry.validator("anthropic/model").validate(gateway.get("/models/wiremark-large").json)


def test_one_path_speaks_the_dialect_that_the_headers_tell(both: Any) -> None:
    version = {"anthropic-version": "2023-06-01"}
    assert both.get("/models").json["object"] == "list"
    assert both.get("/models", headers=version).json["has_more"] is False
    assert both.get("/models/none").error["code"] == "model_not_found"
    assert both.get("/models/none", headers=version).error["type"] == "not_found_error"
    assert both.get("/nothing").error["code"] == "unknown_url"
    assert both.get("/messages/nothing").json["type"] == "error"


def test_two_dialects_answer_side_by_side(both: Any) -> None:
    chat, message = both.chat(max_tokens=64), _post(both)
    assert chat.json["choices"][0]["message"]["content"] == message.json["content"][0]["text"]
    assert chat.json["usage"]["prompt_tokens"] == message.json["usage"]["input_tokens"]
    assert message.headers["request-id"] == message.headers["x-request-id"]
    assert "request-id" not in chat.headers
    assert "openai-version" not in message.headers
    assert "x-ratelimit-limit-requests" in chat.headers
    assert "anthropic-ratelimit-requests-limit" in message.headers
    assert _post(both, role="exhausted").status == 400
    assert both.chat(role="exhausted").status == 429

"""The official SDK, pointed at the reference server by two environment variables and nothing else."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.types import Message, ToolParam, ToolUseBlock
from wiremark_schemas import credentials

WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, credentials.Credentials]]:
    """Origin and keys of a running server."""
    keys_file: Path = tmp_path_factory.mktemp("sdk") / "keys.yaml"
    command = ["serve", "--contract", "anthropic", "--port", "0", "--credentials-file", str(keys_file)]
    process = subprocess.Popen(
        [sys.executable, "-m", "wiremark_server", *command], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    base_url = next(line.split()[-1] for line in process.stdout if line.startswith("listening on "))
    yield base_url.removesuffix("/v1"), credentials.load(keys_file)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.fixture
def client(
    endpoint: tuple[str, credentials.Credentials], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Anthropic]:
    origin, keys = endpoint
    monkeypatch.setenv("ANTHROPIC_BASE_URL", origin)
    monkeypatch.setenv("ANTHROPIC_API_KEY", str(keys["default"]))
    with Anthropic() as made:
        yield made


@pytest.fixture
def model(client: Anthropic) -> str:
    return client.models.list().data[0].id


def _text(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_the_catalogue_page_by_page(client: Anthropic, model: str) -> None:
    every = [entry.id for entry in client.models.list(limit=1)]
    assert every == ["wiremark-large", "wiremark-small"]
    entry = client.models.retrieve(model)
    assert (entry.id, entry.type, entry.lifecycle) == (model, "model", "active")
    assert entry.created_at.tzinfo is not None
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.models.retrieve("org/no such:model")
    assert caught.value.type == "not_found_error"
    assert "org/no such:model" in str(caught.value)


def test_a_stream_is_what_the_whole_answer_is(client: Anthropic, model: str) -> None:
    asked: dict[str, Any] = {
        "model": model,
        "max_tokens": 512,
        "messages": [{"role": "user", "content": "Tell me about the sea."}],
    }
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        told = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert told == _text(final) == _text(whole)
    assert (final.stop_reason, final.usage) == (whole.stop_reason, whole.usage)
    assert whole.stop_reason == "end_turn"
    counted = client.messages.count_tokens(model=model, messages=asked["messages"])
    assert counted.input_tokens == whole.usage.input_tokens
    assert stream.request_id
    assert stream.request_id.startswith("req_")


def test_a_raw_stream_has_every_event_in_order(client: Anthropic, model: str) -> None:
    events = client.messages.create(
        model=model,
        max_tokens=8,
        stream=True,
        messages=[{"role": "user", "content": "Count to 200."}],
    )
    kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}


def test_a_tool_is_called_in_a_stream_and_the_round_trip_completed(client: Anthropic, model: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "How is the weather in Oslo?"}]
    with client.messages.stream(
        model=model, max_tokens=256, messages=messages, tools=[WEATHER], tool_choice={"type": "any"}
    ) as stream:
        turn = stream.get_final_message()
    assert turn.stop_reason == "tool_use"
    calls = [block for block in turn.content if isinstance(block, ToolUseBlock)]
    assert calls
    assert all(isinstance(call.input["city"], str) for call in calls)
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny, 21 °C"} for call in calls]
    messages += [{"role": "assistant", "content": turn.content}, {"role": "user", "content": results}]
    final = client.messages.create(model=model, max_tokens=256, messages=messages, tools=[WEATHER])
    assert final.stop_reason == "end_turn"
    assert "sunny, 21 °C" in _text(final)


def test_thinking_comes_back_signed_and_an_altered_block_is_refused(client: Anthropic, model: str) -> None:
    asked: dict[str, Any] = {
        "model": model,
        "max_tokens": 4096,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    first: Any = {"role": "user", "content": "Why is the sky blue?"}
    with client.messages.stream(**asked, messages=[first]) as stream:
        turn = stream.get_final_message()
    thinking = turn.content[0]
    assert thinking.type == "thinking"
    assert thinking.thinking
    assert thinking.signature
    again: Any = {"role": "user", "content": "And at night?"}
    history = [first, {"role": "assistant", "content": turn.content}, again]
    assert client.messages.create(**asked, messages=history).stop_reason == "end_turn"
    forged = thinking.model_copy(update={"thinking": "something else"})
    history[1] = {"role": "assistant", "content": [forged, *turn.content[1:]]}
    with pytest.raises(anthropic.BadRequestError, match="signature"):
        client.messages.create(**asked, messages=history)


def test_images_structure_and_stop_sequences(client: Anthropic, model: str) -> None:
    image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    seen = client.messages.create(model=model, max_tokens=64, messages=[{"role": "user", "content": [image]}])
    assert _text(seen).startswith("I see 1 image.")
    schema = {
        "type": "object",
        "properties": {"score": {"type": "integer"}},
        "required": ["score"],
        "additionalProperties": False,
    }
    judged = client.messages.create(
        model=model,
        max_tokens=256,
        messages=[{"role": "user", "content": "Judge me."}],
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    assert isinstance(json.loads(_text(judged))["score"], int)
    stopped = client.messages.create(
        model=model,
        max_tokens=256,
        messages=[{"role": "user", "content": "Count to 20."}],
        stop_sequences=["7"],
    )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "7")
    assert _text(stopped).endswith("6, ")


def test_refused_requests_raise_their_class_with_type_and_request_id(
    client: Anthropic, endpoint: tuple[str, credentials.Credentials], model: str
) -> None:
    hello: Any = {"model": model, "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}]}
    with pytest.raises(anthropic.NotFoundError) as missing:
        client.messages.create(**hello | {"model": "no-such-model"})
    assert missing.value.type == "not_found_error"
    assert missing.value.request_id
    assert missing.value.request_id == missing.value.body["request_id"]  # type: ignore[index]
    with pytest.raises(anthropic.AuthenticationError) as wrong:
        client.with_options(api_key="sk-ant-wrong").messages.create(**hello)
    assert wrong.value.type == "authentication_error"
    with pytest.raises(anthropic.APIStatusError) as poor:
        client.with_options(api_key=endpoint[1]["exhausted"], max_retries=0).messages.create(**hello)
    assert (poor.value.status_code, poor.value.type) == (402, "billing_error")
    with pytest.raises(anthropic.RateLimitError) as fast:
        client.with_options(api_key=endpoint[1]["throttled"], max_retries=0).messages.create(**hello)
    assert fast.value.type == "rate_limit_error"
    assert int(fast.value.response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_both_versions_and_both_headers_of_the_key_are_good(
    client: Anthropic, endpoint: tuple[str, credentials.Credentials], model: str, header: str
) -> None:
    key = str(endpoint[1]["default"])
    names = {"x-api-key": key, "authorization": f"Bearer {key}"}
    given = {name: value if name == header else anthropic.Omit() for name, value in names.items()}
    for version in ("2023-06-01", "2026-10-21"):
        answer = client.post(
            "/v1/messages",
            cast_to=Message,
            body={"model": model, "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}]},
            options={"headers": {**given, "anthropic-version": version}},
        )
        assert answer.role == "assistant"

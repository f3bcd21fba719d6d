"""The official SDK, pointed at the reference server by two environment variables and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel
from wiremark_schemas import credentials

WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Verdict(BaseModel):
    name: str
    score: int


@pytest.fixture(scope="module", params=["openai", "hermes-tokens"])
def endpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Base URL and key of a running server."""
    keys_file: Path = tmp_path_factory.mktemp("sdk") / "keys.yaml"
    command = ["serve", "--contract", request.param, "--port", "0", "--credentials-file", str(keys_file)]
    process = subprocess.Popen(
        [sys.executable, "-m", "wiremark_server", *command], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    base_url = next(line.split()[-1] for line in process.stdout if line.startswith("listening on "))
    yield base_url, credentials.load(keys_file)["default"]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.fixture
def client(endpoint: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAI]:
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint[0])
    monkeypatch.setenv("OPENAI_API_KEY", endpoint[1])
    with OpenAI() as made:
        yield made


@pytest.fixture
def model(client: OpenAI) -> str:
    return client.models.list().data[0].id


def test_the_catalogue(client: OpenAI, model: str) -> None:
    assert client.models.retrieve(model).id == model
    with pytest.raises(NotFoundError) as caught:
        client.models.retrieve("org/no such:model")
    assert caught.value.code == "model_not_found"
    assert "org/no such:model" in caught.value.message
    assert caught.value.request_id


def test_a_stream_is_what_the_whole_answer_is(client: OpenAI, model: str) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Tell me about the sea."}]
    whole = client.chat.completions.create(model=model, messages=messages, seed=1)
    with client.chat.completions.stream(
        model=model, messages=messages, seed=1, stream_options={"include_usage": True}
    ) as stream:
        told = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert told == final.choices[0].message.content == whole.choices[0].message.content
    assert final.usage == whole.usage


def test_a_tool_is_called_in_a_stream_and_the_round_trip_completed(client: OpenAI, model: str) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "How is the weather in Oslo?"}]
    with client.chat.completions.stream(
        model=model, messages=messages, tools=[WEATHER], tool_choice="required"
    ) as stream:
        turn = stream.get_final_completion().choices[0]
    assert turn.finish_reason == "tool_calls"
    assert turn.message.content is None
    assert turn.message.tool_calls
    messages.append(turn.message.model_dump())  # type: ignore[arg-type]
    for call in turn.message.tool_calls:
        assert call.function.name == "get_weather"
        assert isinstance(json.loads(call.function.arguments)["city"], str)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny, 21 °C"})
    final = client.chat.completions.create(model=model, messages=messages, tools=[WEATHER])
    assert final.choices[0].finish_reason == "stop"
    assert final.choices[0].message.content


def test_structured_output_parses(client: OpenAI, model: str) -> None:
    parsed = client.chat.completions.parse(
        model=model, messages=[{"role": "user", "content": "Judge me."}], response_format=Verdict
    )
    assert isinstance(parsed.choices[0].message.parsed, Verdict)


def test_a_refused_request_raises_with_its_sentence(client: OpenAI, model: str) -> None:
    with pytest.raises(BadRequestError, match="temperature"):
        client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "x"}], temperature=9, stream=True
        )


@pytest.fixture
def reference(client: OpenAI) -> OpenAI:
    """The client of a server with every surface of the reference."""
    if not any("/" in entry.id for entry in client.models.list()):
        pytest.skip("this contract has chat only")
    return client


def test_embeddings_in_the_form_that_the_sdk_asks_for_by_itself(reference: OpenAI) -> None:
    model = next(entry.id for entry in reference.models.list() if "/" in entry.id)
    assert reference.models.retrieve(model).id == model
    packed = reference.embeddings.create(model=model, input=["a", "b"])
    plain = reference.embeddings.create(model=model, input=["a", "b"], encoding_format="float")
    assert [entry.embedding for entry in packed.data] == [entry.embedding for entry in plain.data]
    assert packed.usage.total_tokens == 2
    short = reference.embeddings.create(model=model, input=[[1, 2], [3]], dimensions=4)
    assert [len(entry.embedding) for entry in short.data] == [4, 4]
    with pytest.raises(BadRequestError) as caught:
        reference.embeddings.create(model=model, input=[])
    assert caught.value.param == "input"


def test_a_legacy_completion_whole_and_streamed(reference: OpenAI, model: str) -> None:
    whole = reference.completions.create(model=model, prompt=["Count to 3", "Count to 4"], max_tokens=20, n=2)
    assert [choice.text for choice in whole.choices] == ["1, 2, 3"] * 2 + ["1, 2, 3, 4"] * 2
    stream = reference.completions.create(
        model=model, prompt="Count to 3", max_tokens=20, stream=True, echo=True
    )
    assert "".join(chunk.choices[0].text for chunk in stream) == "Count to 31, 2, 3"

"""The official SDK's `client.responses`, pointed at the reference server over a socket."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types.responses import FunctionToolParam
from pydantic import BaseModel
from wiremark_schemas import credentials

WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
MODEL = "wiremark-large"


class Verdict(BaseModel):
    name: str
    score: int


@pytest.fixture(scope="module", params=["openai", "openresponses"])
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
def client(endpoint: tuple[str, str]) -> Iterator[OpenAI]:
    with OpenAI(base_url=endpoint[0], api_key=endpoint[1], max_retries=0) as made:
        yield made


def test_a_stream_is_what_the_whole_answer_is(client: OpenAI) -> None:
    whole = client.responses.create(model=MODEL, input="Tell me about the sea.")
    with client.responses.stream(model=MODEL, input="Tell me about the sea.") as stream:
        told = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert told == final.output_text == whole.output_text
    assert final.usage == whole.usage
    assert (whole.status, whole.error, whole.temperature) == ("completed", None, 1.0)


def test_raw_events_come_in_order(client: OpenAI) -> None:
    events = list(client.responses.create(model=MODEL, input='Say "hi".', stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [type(event).__name__ for event in events][:3] == [
        "ResponseCreatedEvent",
        "ResponseInProgressEvent",
        "ResponseOutputItemAddedEvent",
    ]
    assert events[-1].type == "response.completed"


def test_a_tool_is_called_in_a_stream_and_the_round_trip_completed(client: OpenAI) -> None:
    given: list[Any] = [{"role": "user", "content": "How is the weather in Oslo?"}]
    with client.responses.stream(model=MODEL, input=given, tools=[WEATHER], tool_choice="required") as stream:
        response = stream.get_final_response()
    call = response.output[-1]
    assert call.type == "function_call"
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Oslo"})
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny, 21 °C"}
    given += response.output  # as the documentation has it
    final = client.responses.create(model=MODEL, input=[*given, output], tools=[WEATHER])
    assert "sunny" in final.output_text
    continued = client.responses.create(
        model=MODEL, input=[output], previous_response_id=response.id, tools=[WEATHER]
    )
    assert continued.output_text == final.output_text


def test_reasoning_travels_with_the_client(client: OpenAI) -> None:
    response = client.responses.create(
        model=MODEL,
        input="Which is more, ten or a dozen?",
        reasoning={"effort": "low", "summary": "auto"},
        include=["reasoning.encrypted_content"],
        store=False,
    )
    thought = response.output[0]
    assert thought.type == "reasoning"
    assert thought.summary
    assert thought.encrypted_content
    again: list[Any] = [*response.output, {"role": "user", "content": "And less?"}]
    assert client.responses.create(model=MODEL, input=again, store=False).output_text


def test_structured_output_parses(client: OpenAI) -> None:
    parsed = client.responses.parse(model=MODEL, input="Judge me.", text_format=Verdict)
    assert isinstance(parsed.output_parsed, Verdict)
    with client.responses.stream(model=MODEL, input="Judge me.", text_format=Verdict) as stream:
        assert stream.get_final_response().output_parsed == parsed.output_parsed


def test_a_response_is_kept_listed_and_forgotten(client: OpenAI) -> None:
    given: list[Any] = [{"role": "user", "content": f"Number {number}"} for number in range(3)]
    response = client.responses.create(model=MODEL, input=given)
    assert client.responses.retrieve(response.id) == response
    items = list(client.responses.input_items.list(response.id, limit=2))
    assert [item.to_dict()["content"][0]["text"] for item in items] == ["Number 2", "Number 1", "Number 0"]  # type: ignore[index]
    counted = client.responses.input_tokens.count(model=MODEL, input=given)
    assert response.usage is not None
    assert counted.input_tokens == response.usage.input_tokens
    client.responses.delete(response.id)
    with pytest.raises(NotFoundError, match="not found"):
        client.responses.retrieve(response.id)
    with pytest.raises(BadRequestError, match="Previous response"):
        client.responses.create(model=MODEL, input="Go on.", previous_response_id=response.id)


def test_a_response_in_the_background_is_followed_and_cancelled(client: OpenAI) -> None:
    stream = client.responses.create(model=MODEL, input="Write 50 tokens.", background=True, stream=True)
    events = list(stream)
    first, last = events[0], events[-1]
    assert first.type == "response.created"
    assert last.type == "response.completed"
    again = list(client.responses.retrieve(first.response.id, stream=True, starting_after=3))
    assert again == events[4:]
    queued = client.responses.create(model=MODEL, input="Write 50 tokens.", background=True)
    assert client.responses.cancel(queued.id).status in {"cancelled", "completed"}


def test_a_refused_request_raises_with_its_sentence(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="temperature"):
        client.responses.create(model=MODEL, input="x", temperature=9, stream=True)

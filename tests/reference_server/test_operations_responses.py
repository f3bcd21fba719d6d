"""OpenAI Responses through the whole gateway: created, streamed, continued, stored, cancelled, and paid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from wiremark_conformance.order import walk
from wiremark_schemas import contracts, streams
from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator
from wiremark_server.domain.generation import Delta, Generation, TextDelta, Usage
from wiremark_server.engine import pace
from wiremark_server.engine.simulated import SimulatedEngine

from tests.reference_server.conftest import Answer, InProcess

Make = Callable[..., InProcess]

LONGEST = 20  # seconds that a task may take before its response is looked at again

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
SHELL = {"type": "custom", "name": "run_shell", "description": "Runs a shell command"}


@pytest.fixture
def gateway(in_process: Make) -> InProcess:
    return in_process("openai")


def create(gateway: InProcess, role: str = "default", **body: Any) -> Answer:
    asked = {"model": gateway.contract.models[0].id, "input": "Say hello."} | body
    return gateway.post("/responses", json.dumps(asked).encode(), role=role)


def events(answer: Answer) -> list[Any]:
    """The events of a stream, each named as its data says; checks order, numbers and schema."""
    blocks = answer.body.decode().split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""]
    found = []
    for number, block in enumerate(blocks[:-2]):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        assert event["sequence_number"] == number
        assert [str(v) for v in violations(validator("openai/responses.event.strict"), event)] == []
        found.append(event)
    assert walk(streams.load("openai.responses"), found) == ()
    return found


def final(answer: Answer) -> Any:
    return events(answer)[-1]["response"]


def text(response: Mapping[str, Any]) -> str:
    messages = [item for item in response["output"] if item["type"] == "message"]
    return "".join(part["text"] for item in messages for part in item["content"])


def test_a_conversation_that_is_too_long_loses_its_beginning_when_asked_to(gateway: InProcess) -> None:
    model = gateway.contract.models[1]
    old = [{"role": "user", "content": f"Remember this: {'word ' * (model.context_tokens // 2)}"}] * 3
    last = {"role": "user", "content": "Say exactly: hello"}
    asked: dict[str, Any] = {"model": model.id, "input": [*old, last], "instructions": "Be brief."}
    asked["max_output_tokens"] = 32
    refused = create(gateway, **asked)
    assert (refused.status, refused.json["error"]["code"]) == (400, "context_length_exceeded")
    told = create(gateway, **asked, truncation="auto")
    assert (told.status, told.json["truncation"], text(told.json)) == (200, "auto", "hello")
    assert told.json["usage"]["input_tokens"] <= model.context_tokens - 32
    alone = [{"role": "user", "content": "word " * (2 * model.context_tokens)}]
    assert create(gateway, **{**asked, "input": alone}, truncation="auto").status == 400


# -- answers ----------------------------------------------------------------------------------------------


def test_a_whole_answer_is_as_published(gateway: InProcess) -> None:
    answer = create(gateway, input='Say "hello".', instructions="Be brief.", metadata={"a": "b"})
    response = answer.json
    assert [str(v) for v in violations(validator("openai/responses.response.strict"), response)] == []
    assert (answer.status, response["status"], text(response)) == (200, "completed", "hello")
    assert (response["instructions"], response["metadata"]) == ("Be brief.", {"a": "b"})
    assert response["id"] == "resp_" + answer.headers["x-request-id"].removeprefix("req_")
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reasoning": {"effort": "low", "summary": "auto"}},
        {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]},
        {"max_output_tokens": 16, "input": "Count to 200."},
        {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
        {"text": {"format": {"type": "json_object"}}, "input": "Answer in JSON."},
        {"tools": [WEATHER], "input": "What is the weather in Paris and Oslo?"},
        {"tools": [SHELL], "tool_choice": {"type": "custom", "name": "run_shell"}},
        {"input": "Say exactly: "},
    ],
)
def test_a_stream_adds_up_to_the_whole_answer(gateway: InProcess, body: Mapping[str, Any]) -> None:
    whole = create(gateway, **body).json
    streamed = final(create(gateway, stream=True, **body))
    for response in (whole, streamed):
        response["id"] = response["id"][:5]
        for item in response["output"]:
            item["id"] = item["id"].partition("_")[0]
            item.pop("encrypted_content", None)
    assert streamed == whole


def test_texts_are_told_in_pieces_and_whole(gateway: InProcess) -> None:
    found = events(create(gateway, stream=True, input="Write 40 tokens."))
    pieces = [event["delta"] for event in found if event["type"] == "response.output_text.delta"]
    assert len(pieces) == 40
    assert "".join(pieces) == text(found[-1]["response"])


def test_an_answer_over_its_budget_is_incomplete(gateway: InProcess) -> None:
    found = events(create(gateway, stream=True, input="Count to 200.", max_output_tokens=16))
    response = found[-1]["response"]
    assert found[-1]["type"] == "response.incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["output"][-1]["status"] == "incomplete"
    assert response["usage"]["output_tokens"] == 16


def test_reasoning_comes_first_and_travels_sealed(gateway: InProcess) -> None:
    asked: dict[str, Any] = {
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }
    response = create(gateway, store=False, **asked).json
    reasoning, message = response["output"]
    assert (reasoning["type"], message["type"]) == ("reasoning", "message")
    assert response["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
    assert reasoning["summary"][0]["text"] not in reasoning["encrypted_content"]
    again = [*response["output"], {"role": "user", "content": "And again."}]
    assert create(gateway, input=again).status == 200
    reasoning["encrypted_content"] = reasoning["encrypted_content"][:-4] + "AAA="
    refused = create(gateway, input=again)
    assert (refused.status, refused.error["param"]) == (400, "input[0].encrypted_content")


def test_a_schema_is_kept(gateway: InProcess) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Oslo"]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "name": "place", "schema": schema, "strict": True}
    response = create(gateway, text={"format": form}).json
    assert json.loads(text(response))["city"] in {"Paris", "Oslo"}
    assert response["text"]["format"] == {"description": None, **form}


# -- tools ------------------------------------------------------------------------------------------------


def test_a_call_and_its_output_go_round(gateway: InProcess) -> None:
    question = [{"role": "user", "content": "What is the weather in Paris?"}]
    response = create(gateway, input=question, tools=[WEATHER]).json
    call = response["output"][0]
    assert (call["type"], json.loads(call["arguments"])) == ("function_call", {"city": "Paris"})
    assert call["id"] != call["call_id"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "21 °C"}
    items = [*question, *response["output"], output]
    assert "21 °C" in text(create(gateway, input=items, tools=[WEATHER]).json)
    continued = create(gateway, input=[output], previous_response_id=response["id"], tools=[WEATHER])
    assert "21 °C" in text(continued.json)


def test_a_custom_tool_takes_free_text(gateway: InProcess) -> None:
    tool = {**SHELL, "format": {"type": "grammar", "syntax": "regex", "definition": "ls( -l)?"}}
    response = create(gateway, tools=[tool], tool_choice="required").json
    call = response["output"][0]
    assert call["type"] == "custom_tool_call"
    assert call["input"] in {"ls", "ls -l"}
    output = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "a.txt"}
    assert "a.txt" in text(
        create(gateway, input=[output], previous_response_id=response["id"], tools=[tool]).json
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": [{"type": "function_call_output", "call_id": "x", "output": ""}]}, "input[0].call_id"),
        (
            {"input": [{"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}"}]},
            "input",
        ),
        ({"input": []}, "input"),
        ({"input": [{"role": "robot", "content": ""}]}, "input[0].role"),
        ({"max_output_tokens": 1}, "max_output_tokens"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "no"}}, "tool_choice.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True, "store": False}, "background"),
        ({"input": [{"type": "item_reference", "id": "msg_0"}]}, "input[0].id"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text"),
        ({"previous_response_id": "resp_0"}, "previous_response_id"),
    ],
)
def test_what_cannot_be_done_is_refused(gateway: InProcess, body: Mapping[str, Any], param: str) -> None:
    answer = create(gateway, **body)
    assert (answer.status, answer.error["param"]) == (400, param)
    assert gateway.usage() == []


# -- what is stored ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_is_retrieved_as_it_was_sent_until_it_is_deleted(gateway: InProcess, stream: bool) -> None:
    answer = create(gateway, stream=stream)
    response = final(answer) if stream else answer.json
    path = f"/responses/{response['id']}"
    assert gateway.get(path).json == response
    assert gateway.get(path, role="restricted").status == 404
    assert gateway.request("DELETE", path).json == {
        "id": response["id"],
        "object": "response",
        "deleted": True,
    }
    assert gateway.get(path).status == 404
    assert gateway.request("DELETE", path).status == 404
    refused = create(gateway, previous_response_id=response["id"])
    assert (refused.status, refused.error["code"]) == (400, "previous_response_not_found")


def test_what_is_not_to_be_stored_is_not(gateway: InProcess) -> None:
    response = create(gateway, store=False).json
    assert response["store"] is False
    assert gateway.get(f"/responses/{response['id']}").status == 404
    assert create(gateway, previous_response_id=response["id"]).status == 400


def test_a_contract_without_storage_keeps_nothing_and_says_so(in_process: Make) -> None:
    promised = contracts.load("openai")
    gateway = in_process(contracts.Contract("openai", {**promised.raw, "storage": {"responses": None}}))
    response = create(gateway).json
    assert response["store"] is False
    assert gateway.get(f"/responses/{response['id']}").status == 404
    refused = create(gateway, previous_response_id=response["id"])
    assert "stores no responses" in refused.error["message"]


def test_a_conversation_goes_on_and_branches(gateway: InProcess) -> None:
    first = create(gateway, input="My colour is teal.", instructions="Never say teal.").json
    question: dict[str, Any] = {"input": "What is my colour?", "previous_response_id": first["id"]}
    one = create(gateway, **question).json
    assert "teal" in text(one)
    assert (one["instructions"], one["previous_response_id"]) == (None, first["id"])
    create(gateway, input="My colour is red.", previous_response_id=first["id"])
    assert "teal" in text(create(gateway, **question).json)


def test_responses_are_forgotten_in_time_and_in_number(in_process: Make) -> None:
    promised = contracts.load("openai")
    bounded = {**promised.raw, "storage": {"responses": {"most": 2, "seconds": 60}}}
    gateway = in_process(contracts.Contract("openai", bounded))
    names = [create(gateway).json["id"] for _ in range(3)]
    assert [gateway.get(f"/responses/{name}").status for name in names] == [404, 200, 200]
    gateway.clock.advance(61)
    assert gateway.get(f"/responses/{names[2]}").status == 404


def test_input_items_are_listed_in_pages(gateway: InProcess) -> None:
    given = [{"role": "user", "content": f"Number {number}"} for number in range(3)]
    response = create(gateway, input=given).json
    path = f"/responses/{response['id']}/input_items"
    page = gateway.get(f"{path}?limit=2").json
    assert [str(v) for v in violations(validator("openai/responses.input_items"), page)] == []
    assert [item["content"][0]["text"] for item in page["data"]] == ["Number 2", "Number 1"]
    assert page["has_more"] is True
    rest = gateway.get(f"{path}?after={page['last_id']}").json
    assert [item["content"][0]["text"] for item in rest["data"]] == ["Number 0"]
    assert rest["has_more"] is False
    asked = gateway.get(f"{path}?order=asc").json["data"]
    assert asked[0]["content"] == [{"type": "input_text", "text": "Number 0"}]
    assert gateway.get(f"{path}?limit=0").status == 400
    reference: list[dict[str, Any]] = [
        {"type": "item_reference", "id": asked[0]["id"]},
        {"role": "user", "content": "Go on."},
    ]
    assert create(gateway, input=reference).status == 200


def test_tokens_are_counted_as_they_are_charged_and_free_of_charge(gateway: InProcess) -> None:
    body: dict[str, Any] = {
        "model": gateway.contract.models[0].id,
        "input": "Say hello.",
        "tools": [WEATHER],
    }
    counted = gateway.post("/responses/input_tokens", json.dumps(body).encode()).json
    assert gateway.usage() == []
    used = create(gateway, **body).json["usage"]["input_tokens"]
    assert counted == {"object": "response.input_tokens", "input_tokens": used}


@pytest.mark.parametrize("body", [{}, {"background": True}, {"stream": True}])
def test_a_repeated_request_is_the_same_response(gateway: InProcess, body: Mapping[str, Any]) -> None:
    asked = json.dumps({"model": "wiremark-large", "input": "Tell me.", **body}).encode()
    found = []
    for _ in range(2):
        answer = gateway.post("/responses", asked, headers={"idempotency-key": "once"})
        response = events(answer)[-1]["response"] if body.get("stream") else answer.json
        found.append(settled(gateway, response["id"]))
    assert found[0]["id"] == found[1]["id"]
    assert found[0]["output"] == found[1]["output"]
    assert sum(row["amount_microusd"] > 0 for row in gateway.usage()) == 1


# -- in the background ------------------------------------------------------------------------------------


def settled(gateway: InProcess, name: str) -> Any:
    """The response once it is made; the work goes on while its thread of the ledger is waited for."""

    async def work() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:  # else it ended since it was asked for
            await asyncio.wait(others, timeout=LONGEST, return_when=asyncio.FIRST_COMPLETED)

    while (response := gateway.get(f"/responses/{name}").json)["status"] in {"queued", "in_progress"}:
        gateway.run(work())
    return response


def test_a_background_response_is_polled(gateway: InProcess) -> None:
    queued = create(gateway, background=True, input='Say "hi".').json
    assert (queued["status"], queued["output"], queued["background"]) == ("queued", [], True)
    done = settled(gateway, queued["id"])
    assert (done["status"], text(done)) == ("completed", "hi")
    (row,) = gateway.usage()
    assert (row["outcome"], row["completion_tokens"]) == ("ok", done["usage"]["output_tokens"])


def test_a_background_stream_is_followed_from_any_event_on(gateway: InProcess) -> None:
    answer = create(gateway, background=True, stream=True)
    found = events(answer)
    assert [event["type"] for event in found[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    name = found[-1]["response"]["id"]
    again = gateway.get(f"/responses/{name}?stream=true&starting_after=2")
    expected = b"".join(answer.body.partition(b"event: response.output_item.added")[1:])
    assert again.body == expected
    assert gateway.get(f"/responses/{create(gateway).json['id']}?stream=true").status == 400


def test_a_background_response_outlives_its_first_reader(gateway: InProcess) -> None:
    answer = gateway.post(
        "/responses",
        json.dumps(
            {"model": "wiremark-large", "input": "Write 900 tokens.", "background": True, "stream": True}
        ).encode(),
        leave_after=1,
    )
    name = json.loads(answer.body.split(b"\n")[1].removeprefix(b"data: "))["response"]["id"]
    assert settled(gateway, name)["status"] == "completed"


def test_a_background_response_is_cancelled_and_what_was_made_is_charged(in_process: Make) -> None:
    contract = contracts.load("openai")
    engine = SimulatedEngine(pace.profile("fixed"), 7)
    gateway = in_process(contract, engine=engine)
    queued = create(gateway, background=True, input="Write 4000 tokens.").json
    path = f"/responses/{queued['id']}"
    refused = create(gateway, previous_response_id=queued["id"])
    assert "still in progress" in refused.error["message"]
    cancelled = gateway.post(f"{path}/cancel").json
    assert cancelled["status"] == "cancelled"
    assert gateway.post(f"{path}/cancel").json == gateway.get(path).json == cancelled
    (row,) = gateway.usage()
    assert (row["state"], row["outcome"]) == ("settled", "cut")


def test_only_background_responses_can_be_cancelled(gateway: InProcess) -> None:
    response = create(gateway).json
    assert gateway.post(f"/responses/{response['id']}/cancel").status == 400
    assert gateway.post("/responses/resp_0/cancel").status == 404


# -- failures ---------------------------------------------------------------------------------------------


class _Breaking(SimulatedEngine):
    """Says one word and breaks."""

    def run(self, generation: Generation, prompt_tokens: int | None = None) -> Any:  # noqa: ARG002
        return _Break()


class _Break:
    usage = Usage(3, 1)
    _said = False

    def __aiter__(self) -> _Break:
        return self

    async def __anext__(self) -> list[Delta]:
        if self._said:
            raise RuntimeError("out of memory")
        self._said = True
        return [TextDelta(0, "Hel")]

    async def cancel(self) -> None:
        pass


def test_a_failure_in_a_stream_is_an_error_and_a_failed_response(in_process: Make) -> None:
    gateway = in_process("openai", engine=_Breaking(pace.profile("instant"), 7))
    answer = create(gateway, stream=True)
    blocks = [block.split("\n") for block in answer.body.decode().split("\n\n")[:-1]]
    error, failed = (json.loads(lines[1].removeprefix("data: ")) for lines in blocks[-3:-1])
    assert blocks[-1] == ["data: [DONE]"]
    assert (error["type"], error["code"], error["message"]) == (
        "error",
        error["error"]["code"],
        error["error"]["message"],
    )
    assert "out of memory" not in answer.body.decode()
    assert failed["type"] == "response.failed"
    assert (failed["response"]["status"], failed["response"]["error"]["code"]) == ("failed", "server_error")
    assert failed["sequence_number"] == error["sequence_number"] + 1
    assert gateway.get(f"/responses/{failed['response']['id']}").json == failed["response"]


def test_a_failure_in_the_background_is_kept(in_process: Make) -> None:
    gateway = in_process("openai", engine=_Breaking(pace.profile("instant"), 7))
    queued = create(gateway, background=True).json
    assert settled(gateway, queued["id"])["error"]["code"] == "server_error"


def test_an_account_without_credit_gets_no_response(gateway: InProcess) -> None:
    answer = create(gateway, role="exhausted", stream=True)
    assert (answer.status, answer.error["code"]) == (429, "insufficient_quota")

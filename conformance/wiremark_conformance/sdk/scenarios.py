"""What users do with the official SDKs; run as a process: a task as JSON in, a line of JSON per scenario out.

Each scenario uses the SDK as its documentation shows and asserts what it hands to its user. Whatever is
raised is the finding.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

Task = Mapping[str, Any]
Run = Callable[[Any, Any, Task], None]

_HELLO = [{"role": "user", "content": "Say hello."}]
_MANY = 50  # models; who lists more pages than that may never end
_WEATHER = [{"role": "user", "content": "What is the weather in Paris?"}]
_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def _check(condition: object, what: str) -> None:
    if not condition:
        raise AssertionError(what)


# -- openai ------------------------------------------------------------------------------------------


def _openai_models(_: Any, client: Any, task: Task) -> None:
    ids = [model.id for model in client.models.list()]
    _check(task["model"] in ids, f"models.list() gives {ids[:5]}, not {task['model']!r}")


def _openai_chat(_: Any, client: Any, task: Task) -> None:
    answer = client.chat.completions.create(model=task["model"], messages=_HELLO, max_tokens=64)
    choice = answer.choices[0]
    _check(isinstance(choice.message.content, str), f"message.content is {choice.message.content!r}")
    _check(choice.finish_reason in {"stop", "length"}, f"finish_reason is {choice.finish_reason!r}")
    history = [*_HELLO, choice.message, {"role": "user", "content": "Once more."}]
    client.chat.completions.create(model=task["model"], messages=history, max_tokens=64)


def _openai_stream(_: Any, client: Any, task: Task) -> None:
    with client.chat.completions.stream(model=task["model"], messages=_HELLO, max_tokens=64) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion().choices[0]
    _check(
        text == (final.message.content or ""), f"the deltas give {text!r}, the end {final.message.content!r}"
    )
    _check(final.message.role == "assistant", f"message.role is {final.message.role!r}")


def _openai_tools(_: Any, client: Any, task: Task) -> None:
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": _SCHEMA}}
    asked = {
        "model": task["model"],
        "messages": _WEATHER,
        "tools": [tool],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "max_tokens": 256,
    }
    whole = client.chat.completions.create(**asked).choices[0].message.tool_calls
    with client.chat.completions.stream(**asked) as stream:
        for _event in stream:
            pass
        streamed = stream.get_final_completion().choices[0].message.tool_calls
    for mode, calls in (("whole", whole), ("streamed", streamed)):
        _check(calls, f"the {mode} answer calls no tool")
        _check(calls[0].function.name == "get_weather", f"the {mode} call is of {calls[0].function.name!r}")
        _check(
            isinstance(json.loads(calls[0].function.arguments), dict), f"the {mode} arguments are no object"
        )


def _openai_parse(_: Any, client: Any, task: Task) -> None:
    pydantic = importlib.import_module("pydantic")
    city = pydantic.create_model("City", city=(str, ...))
    answer = client.chat.completions.parse(
        model=task["model"],
        messages=[{"role": "user", "content": "Name a city, in JSON."}],
        response_format=city,
        max_tokens=256,
    )
    message = answer.choices[0].message
    _check(message.parsed is not None or message.refusal, f"parse() gives nothing for {message.content!r}")


def _openai_error(sdk: Any, client: Any, _: Task) -> None:
    try:
        client.chat.completions.create(model="wiremark/no-such-model", messages=_HELLO)
    except sdk.NotFoundError as error:
        _check(error.body and error.message, f"the error has no message: {error!r}")
    else:
        raise AssertionError("an unknown model raises nothing")


def _openai_embeddings(_: Any, client: Any, task: Task) -> None:
    answer = client.embeddings.create(model=task["embedder"], input=["hello", "world"])
    vectors = [entry.embedding for entry in answer.data]
    _check(len(vectors) == 2 and len(vectors[0]) > 0, f"{len(vectors)} vectors of {len(vectors[0])} numbers")
    _check(vectors[0] != vectors[1], "different texts have the same vector")


def _openai_responses(_: Any, client: Any, task: Task) -> None:
    asked = {"model": task["responder"], "max_output_tokens": 64}
    answer = client.responses.create(input=_HELLO, **asked)
    _check(answer.output_text, f"output_text is {answer.output_text!r}")
    _check(answer.usage.output_tokens > 0, f"usage is {answer.usage!r}")
    again = {"role": "user", "content": "Once more."}
    client.responses.create(input=[*_HELLO, *answer.output, again], **asked)


def _openai_responses_stream(_: Any, client: Any, task: Task) -> None:
    asked = {"model": task["responder"], "input": _HELLO, "max_output_tokens": 64}
    with client.responses.stream(**asked) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    _check(text == final.output_text, f"the deltas give {text!r}, the end {final.output_text!r}")


def _openai_responses_tools(_: Any, client: Any, task: Task) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": _SCHEMA, "strict": True}
    asked = {"model": task["responder"], "tools": [tool], "max_output_tokens": 256}
    with client.responses.stream(input=_WEATHER, tool_choice="required", **asked) as stream:
        turn = stream.get_final_response()
    calls = [item for item in turn.output if item.type == "function_call"]
    _check(calls, "no tool is called")
    outputs = [{"type": "function_call_output", "call_id": c.call_id, "output": "sunny"} for c in calls]
    final = client.responses.create(input=[*_WEATHER, *turn.output, *outputs], **asked)
    _check(final.output, "after the result there is no output")


# -- anthropic ---------------------------------------------------------------------------------------


def _anthropic_message(_: Any, client: Any, task: Task) -> None:
    answer = client.messages.create(model=task["model"], messages=_HELLO, max_tokens=64)
    _check(answer.content[0].type == "text", f"the first block is {answer.content[0].type!r}")
    _check(answer.usage.output_tokens > 0, f"usage is {answer.usage!r}")


def _anthropic_stream(_: Any, client: Any, task: Task) -> None:
    with client.messages.stream(model=task["model"], messages=_HELLO, max_tokens=64) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    whole = "".join(block.text for block in final.content if block.type == "text")
    _check(text == whole, f"the deltas give {text!r}, the end {whole!r}")
    _check(final.stop_reason, "the final message has no stop_reason")


def _anthropic_tools(_: Any, client: Any, task: Task) -> None:
    answer = client.messages.create(
        model=task["model"],
        messages=_WEATHER,
        tools=[{"name": "get_weather", "input_schema": _SCHEMA}],
        tool_choice={"type": "tool", "name": "get_weather"},
        max_tokens=256,
    )
    calls = [block for block in answer.content if block.type == "tool_use"]
    _check(calls, "no tool is used")
    _check(isinstance(calls[0].input, dict), f"the input is {calls[0].input!r}")
    _check(answer.stop_reason == "tool_use", f"stop_reason is {answer.stop_reason!r}")


def _anthropic_round_trip(_: Any, client: Any, task: Task) -> None:
    asked = {
        "model": task["model"],
        "tools": [{"name": "get_weather", "input_schema": _SCHEMA}],
        "max_tokens": 256,
    }
    with client.messages.stream(messages=_WEATHER, tool_choice={"type": "any"}, **asked) as stream:
        turn = stream.get_final_message()
    calls = [block for block in turn.content if block.type == "tool_use"]
    _check(calls, "no tool is used")
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
    history = [
        *_WEATHER,
        {"role": "assistant", "content": turn.content},
        {"role": "user", "content": results},
    ]
    final = client.messages.create(messages=history, **asked)
    _check(final.content, "after the result nothing is said")


def _anthropic_count(_: Any, client: Any, task: Task) -> None:
    counted = client.messages.count_tokens(model=task["model"], messages=_HELLO)
    _check(isinstance(counted.input_tokens, int), f"input_tokens is {counted.input_tokens!r}")


def _anthropic_models(_: Any, client: Any, task: Task) -> None:
    listed = [entry.id for _, entry in zip(range(_MANY), client.models.list(limit=1), strict=False)]
    _check(len(listed) == len(set(listed)), f"the pages repeat themselves: {listed[:5]}")
    _check(client.models.retrieve(task["model"]).id == task["model"], "the model asked for is another")


def _anthropic_error(sdk: Any, client: Any, _: Task) -> None:
    try:
        client.messages.create(model="wiremark/no-such-model", messages=_HELLO, max_tokens=16)
    except sdk.NotFoundError as error:
        _check(isinstance(error.body, dict), f"the error has no body: {error!r}")
    else:
        raise AssertionError("an unknown model raises nothing")


# -- google-genai ------------------------------------------------------------------------------------

_QUESTION = _HELLO[0]["content"]


def _google_generate(_: Any, client: Any, task: Task) -> None:
    chat = client.chats.create(model=task["model"])
    for question in (_QUESTION, "Once more."):  # the second with the answer to the first as history
        answer = chat.send_message(question)
        _check(answer.text, f"text is {answer.text!r}")
    _check(answer.usage_metadata.total_token_count, f"usage_metadata is {answer.usage_metadata!r}")


def _google_stream(_: Any, client: Any, task: Task) -> None:
    chunks = list(client.models.generate_content_stream(model=task["model"], contents=_QUESTION))
    _check("".join(chunk.text or "" for chunk in chunks), "the chunks have no text")
    _check(chunks[-1].candidates[0].finish_reason, "the last chunk has no finish_reason")


def _google_functions(sdk: Any, client: Any, task: Task) -> None:
    declared = sdk.types.FunctionDeclaration(name="get_weather", parameters_json_schema=_SCHEMA)
    mode = sdk.types.FunctionCallingConfig(mode="ANY")
    tools = [sdk.types.Tool(function_declarations=[declared])]
    question = sdk.types.Content(role="user", parts=[sdk.types.Part(text=_WEATHER[0]["content"])])
    answer = client.models.generate_content(
        model=task["model"],
        contents=[question],
        config={"tools": tools, "tool_config": {"function_calling_config": mode}},
    )
    calls = answer.function_calls
    _check(calls, "no function is called")
    _check(isinstance(calls[0].args, dict), f"args is {calls[0].args!r}")
    said = {"sky": "clear"}
    replies = [sdk.types.FunctionResponse(id=call.id, name=call.name, response=said) for call in calls]
    results = [sdk.types.Part(function_response=reply) for reply in replies]
    history = [question, answer.candidates[0].content, sdk.types.Content(role="user", parts=results)]
    final = client.models.generate_content(model=task["model"], contents=history, config={"tools": tools})
    _check(final.candidates[0].content.parts, "after the result nothing is said")


def _google_parse(_: Any, client: Any, task: Task) -> None:
    pydantic = importlib.import_module("pydantic")
    city = pydantic.create_model("City", city=(str, ...))
    answer = client.models.generate_content(
        model=task["model"],
        contents="Name a city, in JSON.",
        config={"response_mime_type": "application/json", "response_schema": city},
    )
    _check(isinstance(answer.parsed, city), f"parsed is {answer.parsed!r} of {answer.text!r}")


def _google_error(sdk: Any, client: Any, _: Task) -> None:
    try:
        client.models.generate_content(model="no-such-model", contents=_QUESTION)
    except sdk.errors.ClientError as error:
        _check(error.code == 404, f"the code is {error.code!r}")
        _check(error.status == "NOT_FOUND" and error.message, f"the error is {error!r}")
    else:
        raise AssertionError("an unknown model raises nothing")


def _google_count(_: Any, client: Any, task: Task) -> None:
    counted = client.models.count_tokens(model=task["model"], contents=_QUESTION)
    _check(counted.total_tokens, f"total_tokens is {counted.total_tokens!r}")


def _google_models(_: Any, client: Any, task: Task) -> None:
    pages = client.models.list(config={"page_size": 1})
    listed = [model.name for _, model in zip(range(_MANY), pages, strict=False)]
    _check(len(listed) == len(set(listed)), f"the pages repeat themselves: {listed[:5]}")
    found = client.models.get(model=task["model"]).name
    _check(found.removeprefix("models/") == task["model"], f"the model asked for is {found!r}")


def _google_embeddings(_: Any, client: Any, task: Task) -> None:
    answer = client.models.embed_content(model=task["embedder"], contents=["hello", "world"])
    vectors = [entry.values for entry in answer.embeddings]
    _check(len(vectors) == 2 and vectors[0] != vectors[1], f"{len(vectors)} vectors, or two alike")


_SCENARIOS: Mapping[str, Mapping[str, Run]] = {
    "openai": {
        "models": _openai_models,
        "chat": _openai_chat,
        "stream": _openai_stream,
        "tools": _openai_tools,
        "parse": _openai_parse,
        "error": _openai_error,
        "embeddings": _openai_embeddings,
        "responses": _openai_responses,
        "responses-stream": _openai_responses_stream,
        "responses-tools": _openai_responses_tools,
    },
    "anthropic": {
        "message": _anthropic_message,
        "stream": _anthropic_stream,
        "tools": _anthropic_tools,
        "error": _anthropic_error,
        "round-trip": _anthropic_round_trip,
        "count": _anthropic_count,
        "models": _anthropic_models,
    },
    "google-genai": {
        "generate": _google_generate,
        "stream": _google_stream,
        "functions": _google_functions,
        "parse": _google_parse,
        "error": _google_error,
        "count": _google_count,
        "models": _google_models,
        "embeddings": _google_embeddings,
    },
}


def _client(sdk: Any, task: Task) -> Any:
    if task["sdk"] == "openai":
        return sdk.OpenAI(base_url=task["base_url"], api_key=task["key"], max_retries=0, timeout=60)
    if task["sdk"] == "google-genai":
        base_url, _, version = task["gemini"].rpartition("/")
        options = sdk.types.HttpOptions(base_url=base_url, api_version=version, timeout=60_000)
        return sdk.Client(api_key=task["key"], http_options=options)
    root = task["base_url"].removesuffix("/v1")
    return sdk.Anthropic(base_url=root, api_key=task["key"], max_retries=0, timeout=60)


def main() -> None:
    """Run a task; a finding is the exception's own text."""
    task = json.load(sys.stdin)
    sdk = importlib.import_module(task["module"])
    client = _client(sdk, task)
    for name in task["scenarios"]:
        finding = ""
        try:
            _SCENARIOS[task["sdk"]][name](sdk, client, task)
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is what its user gets
            finding = f"{type(error).__name__}: {error}"[:500]
        print(json.dumps({"scenario": name, "version": sdk.__version__, "finding": finding}), flush=True)


if __name__ == "__main__":
    main()

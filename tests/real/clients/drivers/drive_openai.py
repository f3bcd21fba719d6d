"""openai-python: Chat Completions and Responses."""

from __future__ import annotations

import json
import os
from typing import Any

import told
from openai import OpenAI
from told import City, Task


def _client(task: Task, key: str | None = None) -> Any:
    return OpenAI(base_url=task["base_url"], api_key=key or task["keys"]["default"], max_retries=0)


def _said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def chat_environment(task: Task) -> dict[str, Any]:
    """OPENAI_BASE_URL and OPENAI_API_KEY, and nothing else, point the client at the endpoint."""
    os.environ["OPENAI_BASE_URL"] = task["base_url"]
    os.environ["OPENAI_API_KEY"] = task["keys"]["default"]
    client = OpenAI(max_retries=0)
    answer = client.chat.completions.create(model=task["model"], messages=_said(task["say"]))
    return {"text": answer.choices[0].message.content}


def any_models(task: Task) -> list[str]:
    return [model.id for model in _client(task).models.list()]


def chat_text(task: Task) -> dict[str, Any]:
    answer = _client(task).chat.completions.create(model=task["model"], messages=_said(task["say"]))
    return {
        "text": answer.choices[0].message.content,
        "tokens": [answer.usage.prompt_tokens, answer.usage.completion_tokens],
    }


def chat_stream(task: Task) -> dict[str, Any]:
    chunks = _client(task).chat.completions.create(
        model=task["model"], messages=_said(task["say"]), stream=True
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    return {"text": "".join(pieces), "pieces": len([piece for piece in pieces if piece])}


def chat_tools(task: Task) -> dict[str, Any]:
    client, messages = _client(task), _said(task["weather"])
    asked = {"model": task["model"], "tools": [told.TOOL]}
    with client.chat.completions.stream(messages=messages, **asked) as stream:
        streamed = stream.get_final_completion().choices[0].message.tool_calls
    turn = client.chat.completions.create(messages=messages, **asked)
    choice = turn.choices[0]
    calls = choice.message.tool_calls
    messages.append(choice.message)
    for call in calls:
        result = told.get_weather(**json.loads(call.function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    final = client.chat.completions.create(messages=messages, **asked)
    return {
        "finish": choice.finish_reason,
        "calls": [[call.function.name, json.loads(call.function.arguments)] for call in calls],
        "streamed": [[call.function.name, json.loads(call.function.arguments)] for call in streamed],
        "text": final.choices[0].message.content,
    }


def chat_structured(task: Task) -> Any:
    answer = _client(task).chat.completions.parse(
        model=task["model"], messages=_said(task["fill"]), response_format=City
    )
    return answer.choices[0].message.parsed.model_dump()


def chat_vision(task: Task) -> dict[str, Any]:
    parts = [
        {"type": "text", "text": task["look"]},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{task['image']}"}},
    ]
    answer = _client(task).chat.completions.create(
        model=task["model"], messages=[{"role": "user", "content": parts}]
    )
    return {"text": answer.choices[0].message.content}


def chat_errors(task: Task) -> dict[str, Any]:
    def ask(key: str, model: str) -> object:
        return _client(task, key).chat.completions.create(model=model, messages=_said("Hello"))

    return told.errors(task, ask)


def responses_text(task: Task) -> dict[str, Any]:
    answer = _client(task).responses.create(model=task["model"], input=task["say"])
    return {"text": answer.output_text, "tokens": [answer.usage.input_tokens, answer.usage.output_tokens]}


def responses_stream(task: Task) -> dict[str, Any]:
    with _client(task).responses.stream(model=task["model"], input=task["say"]) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    return {"text": "".join(pieces), "pieces": len(pieces), "final": final.output_text}


def responses_tools(task: Task) -> dict[str, Any]:
    client, tool = _client(task), {"type": "function", "strict": False, **told.FUNCTION}
    history: list[Any] = _said(task["weather"])
    asked = {"model": task["model"], "tools": [tool]}
    with client.responses.stream(input=history, **asked) as stream:
        for _ in stream:
            pass
        streamed = [item for item in stream.get_final_response().output if item.type == "function_call"]
    turn = client.responses.create(input=history, **asked)
    calls = [item for item in turn.output if item.type == "function_call"]
    history += turn.output
    for call in calls:
        result = told.get_weather(**json.loads(call.arguments))
        history.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
    final = client.responses.create(input=history, **asked)
    return {
        "calls": [[call.name, json.loads(call.arguments)] for call in calls],
        "streamed": [[call.name, json.loads(call.arguments)] for call in streamed],
        "text": final.output_text,
    }


def responses_structured(task: Task) -> Any:
    answer = _client(task).responses.parse(model=task["model"], input=task["fill"], text_format=City)
    return answer.output_parsed.model_dump()


def responses_vision(task: Task) -> dict[str, Any]:
    parts = [
        {"type": "input_text", "text": task["look"]},
        {"type": "input_image", "image_url": f"data:image/png;base64,{task['image']}", "detail": "auto"},
    ]
    answer = _client(task).responses.create(model=task["model"], input=[{"role": "user", "content": parts}])
    return {"text": answer.output_text}


def responses_errors(task: Task) -> dict[str, Any]:
    def ask(key: str, model: str) -> object:
        return _client(task, key).responses.create(model=model, input="Hello")

    return told.errors(task, ask)


if __name__ == "__main__":
    told.main(globals())

"""LiteLLM as a client: `openai/…` over Chat Completions, `anthropic/…` over Messages."""

from __future__ import annotations

import json
from typing import Any

import litellm
import told
from told import City, Task

_PREFIX = {"chat": "openai", "messages": "anthropic"}


def _complete(task: Task, content: Any, key: str | None = None, model: str | None = None, **more: Any) -> Any:
    history = content if isinstance(content, list) and "role" in content[0] else None
    return litellm.completion(
        model=f"{_PREFIX[task['format']]}/{model or task['model']}",
        api_base=task["base_url"],
        api_key=key or task["keys"]["default"],
        messages=history or [{"role": "user", "content": content}],
        num_retries=0,
        **more,
    )


def _called(message: Any) -> list[Any]:
    return [[call.function.name, json.loads(call.function.arguments)] for call in message.tool_calls or []]


def any_text(task: Task) -> dict[str, Any]:
    answer = _complete(task, task["say"])
    return {
        "text": answer.choices[0].message.content,
        "tokens": [answer.usage.prompt_tokens, answer.usage.completion_tokens],
    }


def any_stream(task: Task) -> dict[str, Any]:
    chunks = list(_complete(task, task["say"], stream=True))
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    return {"text": "".join(pieces), "pieces": len(pieces)}


def any_tools(task: Task) -> dict[str, Any]:
    history: list[Any] = [{"role": "user", "content": task["weather"]}]
    streamed = litellm.stream_chunk_builder(
        list(_complete(task, history, tools=[told.TOOL], stream=True)), messages=history
    )
    turn = _complete(task, history, tools=[told.TOOL]).choices[0]
    history.append(turn.message.model_dump())
    for call in turn.message.tool_calls:
        result = told.get_weather(**json.loads(call.function.arguments))
        history.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return {
        "finish": turn.finish_reason,
        "calls": _called(turn.message),
        "streamed": _called(streamed.choices[0].message),
        "text": _complete(task, history, tools=[told.TOOL]).choices[0].message.content,
    }


def any_structured(task: Task) -> Any:
    answer = _complete(task, task["fill"], response_format=City)
    return City.model_validate_json(answer.choices[0].message.content).model_dump()


def any_vision(task: Task) -> dict[str, Any]:
    parts = [
        {"type": "text", "text": task["look"]},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{task['image']}"}},
    ]
    return {"text": _complete(task, parts).choices[0].message.content}


def any_errors(task: Task) -> dict[str, Any]:
    return told.errors(task, lambda key, model: _complete(task, "Hello", key, model))


if __name__ == "__main__":
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    told.main(globals())

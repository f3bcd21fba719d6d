"""anthropic-python: Messages."""

from __future__ import annotations

from typing import Any

import told
from anthropic import Anthropic
from told import City, Task

_TOOL = {"name": "get_weather", "description": "The weather of a city", "input_schema": told.PARAMETERS}
_TOKENS = 1024


def _client(task: Task, key: str | None = None) -> Any:
    return Anthropic(base_url=task["base_url"], api_key=key or task["keys"]["default"], max_retries=0)


def _said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def _words(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def _calls(message: Any) -> list[Any]:
    return [block for block in message.content if block.type == "tool_use"]


def messages_text(task: Task) -> dict[str, Any]:
    answer = _client(task).messages.create(
        model=task["model"], max_tokens=_TOKENS, messages=_said(task["say"])
    )
    return {"text": _words(answer), "tokens": [answer.usage.input_tokens, answer.usage.output_tokens]}


def messages_stream(task: Task) -> dict[str, Any]:
    with _client(task).messages.stream(
        model=task["model"], max_tokens=_TOKENS, messages=_said(task["say"])
    ) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    return {"text": "".join(pieces), "pieces": len(pieces), "final": _words(final)}


def messages_tools(task: Task) -> dict[str, Any]:
    client, messages = _client(task), _said(task["weather"])
    asked = {"model": task["model"], "max_tokens": _TOKENS, "tools": [_TOOL]}
    with client.messages.stream(messages=messages, **asked) as stream:
        streamed = _calls(stream.get_final_message())
    turn = client.messages.create(messages=messages, **asked)
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": told.get_weather(**call.input)}
        for call in _calls(turn)
    ]
    messages += [{"role": "assistant", "content": turn.content}, {"role": "user", "content": results}]
    final = client.messages.create(messages=messages, **asked)
    return {
        "finish": turn.stop_reason,
        "calls": [[call.name, call.input] for call in _calls(turn)],
        "streamed": [[call.name, call.input] for call in streamed],
        "text": _words(final),
    }


def messages_structured(task: Task) -> Any:
    answer = _client(task).messages.parse(
        model=task["model"], max_tokens=_TOKENS, messages=_said(task["fill"]), output_format=City
    )
    return answer.parsed_output.model_dump()


def messages_vision(task: Task) -> dict[str, Any]:
    image = {"type": "base64", "media_type": "image/png", "data": task["image"]}
    parts = [{"type": "text", "text": task["look"]}, {"type": "image", "source": image}]
    answer = _client(task).messages.create(
        model=task["model"], max_tokens=_TOKENS, messages=[{"role": "user", "content": parts}]
    )
    return {"text": _words(answer)}


def messages_errors(task: Task) -> dict[str, Any]:
    def ask(key: str, model: str) -> object:
        return _client(task, key).messages.create(model=model, max_tokens=9, messages=_said("Hello"))

    return told.errors(task, ask)


def messages_models(task: Task) -> list[str]:
    return [model.id for model in _client(task).models.list()]


if __name__ == "__main__":
    told.main(globals())

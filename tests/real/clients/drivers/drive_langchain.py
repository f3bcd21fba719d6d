"""LangChain: ChatOpenAI over Chat Completions or Responses, ChatAnthropic over Messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import told
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from told import City, Task

Make = Callable[[Task, str, str], Any]


def _openai(task: Task, key: str, model: str) -> Any:
    return ChatOpenAI(
        model=model,
        base_url=task["base_url"],
        api_key=key,
        max_retries=0,
        use_responses_api=task["format"] == "responses",
    )


def _anthropic(task: Task, key: str, model: str) -> Any:
    return ChatAnthropic(model=model, base_url=task["base_url"], api_key=key, max_retries=0, max_tokens=1024)


_MAKE: dict[str, Make] = {"chat": _openai, "responses": _openai, "messages": _anthropic}


def _model(task: Task) -> Any:
    return _MAKE[task["format"]](task, task["keys"]["default"], task["model"])


def any_text(task: Task) -> dict[str, Any]:
    answer = _model(task).invoke(task["say"])
    usage = answer.usage_metadata
    return {"text": answer.text, "tokens": [usage["input_tokens"], usage["output_tokens"]]}


def any_stream(task: Task) -> dict[str, Any]:
    pieces = [chunk.text for chunk in _model(task).stream(task["say"]) if chunk.text]
    return {"text": "".join(pieces), "pieces": len(pieces)}


def any_tools(task: Task) -> dict[str, Any]:
    model = _model(task).bind_tools([told.get_weather])
    history: list[Any] = [HumanMessage(task["weather"])]
    streamed = None
    for chunk in model.stream(history):
        streamed = chunk if streamed is None else streamed + chunk
    turn = model.invoke(history)
    history.append(turn)
    history += [
        ToolMessage(told.get_weather(**call["args"]), tool_call_id=call["id"]) for call in turn.tool_calls
    ]
    return {
        "calls": [[call["name"], call["args"]] for call in turn.tool_calls],
        "streamed": [[call["name"], call["args"]] for call in streamed.tool_calls] if streamed else [],
        "text": model.invoke(history).text,
    }


def any_structured(task: Task) -> Any:
    return _model(task).with_structured_output(City).invoke(task["fill"]).model_dump()


def any_vision(task: Task) -> dict[str, Any]:
    image = {"type": "image", "base64": task["image"], "mime_type": "image/png"}
    return {"text": _model(task).invoke([HumanMessage([{"type": "text", "text": task["look"]}, image])]).text}


def any_errors(task: Task) -> dict[str, Any]:
    return told.errors(task, lambda key, model: _MAKE[task["format"]](task, key, model).invoke("Hello"))


if __name__ == "__main__":
    told.main(globals())

"""OpenAI Agents SDK: an agent with a tool, over Chat Completions or Responses."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import told
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from told import City, Task

_MODELS = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}


def _agent(task: Task, key: str | None = None, model: str | None = None, **more: Any) -> Any:
    client = AsyncOpenAI(base_url=task["base_url"], api_key=key or task["keys"]["default"], max_retries=0)
    made = _MODELS[task["format"]](model=model or task["model"], openai_client=client)
    return Agent(name="Assistant", instructions="You are helpful.", model=made, **more)


def any_text(task: Task) -> dict[str, Any]:
    ran = Runner.run_sync(_agent(task), task["say"])
    usage = ran.context_wrapper.usage
    return {"text": ran.final_output, "tokens": [usage.input_tokens, usage.output_tokens]}


async def _pieces(task: Task) -> tuple[list[str], Any]:
    ran = Runner.run_streamed(_agent(task), task["say"])
    pieces = [
        event.data.delta
        async for event in ran.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    return pieces, ran.final_output


def any_stream(task: Task) -> dict[str, Any]:
    pieces, final = asyncio.run(_pieces(task))
    return {"text": "".join(pieces), "pieces": len(pieces), "final": final}


def _called(ran: Any) -> list[Any]:
    calls = [item.raw_item for item in ran.new_items if item.type == "tool_call_item"]
    return [[call.name, json.loads(call.arguments)] for call in calls]


async def _streamed(task: Task) -> list[Any]:
    ran = Runner.run_streamed(_agent(task, tools=[function_tool(told.get_weather)]), task["weather"])
    async for _ in ran.stream_events():
        pass
    return _called(ran)


def any_tools(task: Task) -> dict[str, Any]:
    ran = Runner.run_sync(_agent(task, tools=[function_tool(told.get_weather)]), task["weather"])
    return {"calls": _called(ran), "streamed": asyncio.run(_streamed(task)), "text": ran.final_output}


def any_structured(task: Task) -> Any:
    return Runner.run_sync(_agent(task, output_type=City), task["fill"]).final_output.model_dump()


def any_vision(task: Task) -> dict[str, Any]:
    parts = [
        {"type": "input_text", "text": task["look"]},
        {"type": "input_image", "image_url": f"data:image/png;base64,{task['image']}", "detail": "auto"},
    ]
    return {"text": Runner.run_sync(_agent(task), [{"role": "user", "content": parts}]).final_output}


def any_errors(task: Task) -> dict[str, Any]:
    return told.errors(task, lambda key, model: Runner.run_sync(_agent(task, key, model), "Hello"))


if __name__ == "__main__":
    set_tracing_disabled(True)
    told.main(globals())

"""google-genai for Python: generateContent."""

from __future__ import annotations

import base64
import json
from typing import Any

import told
from google import genai
from google.genai import types
from told import City, Task


def _client(task: Task, key: str | None = None) -> Any:
    """The key goes as x-goog-api-key, and as a Bearer token for endpoints that take only that."""
    secret = key or task["keys"]["default"]
    return genai.Client(
        api_key=secret,
        http_options=types.HttpOptions(
            base_url=task["base_url"],
            api_version="v1beta",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=60_000,
        ),
    )


def _ask(task: Task, contents: Any, **config: Any) -> Any:
    client = _client(task)  # a client that nobody holds closes itself
    return client.models.generate_content(
        model=task["model"], contents=contents, config=types.GenerateContentConfig(**config)
    )


def _ask_streamed(task: Task, contents: Any, **config: Any) -> list[Any]:
    client = _client(task)
    parts = client.models.generate_content_stream(
        model=task["model"], contents=contents, config=types.GenerateContentConfig(**config)
    )
    return list(parts)


def _calls(answer: Any) -> list[Any]:
    return [[call.name, dict(call.args)] for call in answer.function_calls or []]


def gemini_models(task: Task) -> list[str]:
    client = _client(task)
    return [model.name.removeprefix("models/") for model in client.models.list()]


def gemini_text(task: Task) -> dict[str, Any]:
    answer = _ask(task, task["say"])
    counts = answer.usage_metadata
    return {"text": answer.text, "tokens": [counts.prompt_token_count, counts.candidates_token_count]}


def gemini_stream(task: Task) -> dict[str, Any]:
    pieces = [part.text for part in _ask_streamed(task, task["say"]) if part.text]
    return {"text": "".join(pieces), "pieces": len(pieces)}


def gemini_tools(task: Task) -> dict[str, Any]:
    by_hand = {
        "tools": [{"function_declarations": [told.FUNCTION]}],
        "automatic_function_calling": {"disable": True},
    }
    streamed = _ask_streamed(task, task["weather"], **by_hand)
    return {
        "calls": _calls(_ask(task, task["weather"], **by_hand)),
        "streamed": [call for part in streamed for call in _calls(part)],
        # The SDK runs the function by itself and asks again.
        "text": _ask(task, task["weather"], tools=[told.get_weather]).text,
    }


def gemini_structured(task: Task) -> Any:
    answer = _ask(task, task["fill"], response_mime_type="application/json", response_schema=City)
    return answer.parsed.model_dump() if answer.parsed else json.loads(answer.text)


def gemini_vision(task: Task) -> dict[str, Any]:
    image = types.Part.from_bytes(data=base64.b64decode(task["image"]), mime_type="image/png")
    return {"text": _ask(task, [task["look"], image]).text}


def gemini_errors(task: Task) -> dict[str, Any]:
    def ask(key: str, model: str) -> object:
        client = _client(task, key)
        return client.models.generate_content(model=model, contents="Hello")

    return told.errors(task, ask)


if __name__ == "__main__":
    told.main(globals())

"""curl, with the commands that the documents print."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import told
from told import Task

_TOKENS = 1024


class CurlError(Exception):
    """The status was an error; the text is the body, which is what curl shows."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(body)
        self.status_code = status


def _curl(task: Task, path: str, body: str | None, key: str | None = None) -> str:
    """The body of the answer; `-N` shows a stream as it comes."""
    secret = key or task["keys"]["default"]
    headers = {
        "chat": [f"Authorization: Bearer {secret}"],
        "messages": [f"x-api-key: {secret}", "anthropic-version: 2023-06-01"],
        "gemini": [f"Authorization: Bearer {secret}"],
    }[task["format"]]
    command = ["curl", "-N", "-sS", "-L", "-w", "\n%{http_code}", task["base_url"] + path]
    for header in [*headers, "content-type: application/json"]:
        command += ["-H", header]
    if body is not None:
        command += ["--data-raw", body]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    answer, _, status = done.stdout.rpartition("\n")
    if int(status) >= 400:
        raise CurlError(int(status), answer)
    return answer


def _post(task: Task, path: str, document: Any, key: str | None = None) -> str:
    return _curl(task, path, json.dumps(document, ensure_ascii=False), key)


def _events(answer: str) -> list[Any]:
    lines = (line.removeprefix("data: ") for line in answer.splitlines() if line.startswith("data: "))
    return [json.loads(line) for line in lines if line != "[DONE]"]


def _said(text: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def _chat(task: Task, messages: Any, **more: Any) -> str:
    return _post(task, "/chat/completions", {"model": task["model"], "messages": messages, **more})


def chat_models(task: Task) -> list[str]:
    return [model["id"] for model in json.loads(_curl(task, "/models", None))["data"]]


def chat_text(task: Task) -> dict[str, Any]:
    answer = json.loads(_chat(task, _said(task["say"])))
    usage = answer["usage"]
    return {
        "text": answer["choices"][0]["message"]["content"],
        "tokens": [usage["prompt_tokens"], usage["completion_tokens"]],
    }


def chat_stream(task: Task) -> dict[str, Any]:
    answer = _chat(task, _said(task["say"]), stream=True)
    pieces = [event["choices"][0]["delta"].get("content") or "" for event in _events(answer)]
    ended = answer.rstrip().endswith("data: [DONE]")
    return {"text": "".join(pieces) if ended else None, "pieces": len([piece for piece in pieces if piece])}


def chat_tools(task: Task) -> dict[str, Any]:
    messages = _said(task["weather"])
    events = _events(_chat(task, messages, tools=[told.TOOL], stream=True))
    deltas = [
        call["function"]
        for event in events
        for choice in event["choices"]
        for call in choice["delta"].get("tool_calls") or []
    ]
    turn = json.loads(_chat(task, messages, tools=[told.TOOL]))["choices"][0]
    calls = [(call["id"], call["function"]) for call in turn["message"]["tool_calls"]]
    messages.append(turn["message"])
    for call_id, called in calls:
        result = told.get_weather(**json.loads(called["arguments"]))
        messages.append({"role": "tool", "tool_call_id": call_id, "content": result})
    name = "".join(delta.get("name") or "" for delta in deltas)
    arguments = "".join(delta.get("arguments") or "" for delta in deltas)
    return {
        "finish": turn["finish_reason"],
        "calls": [[called["name"], json.loads(called["arguments"])] for _, called in calls],
        "streamed": [[name, json.loads(arguments)]],
        "text": json.loads(_chat(task, messages, tools=[told.TOOL]))["choices"][0]["message"]["content"],
    }


def chat_vision(task: Task) -> dict[str, Any]:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{task['image']}"}}
    answer = _chat(task, _said([{"type": "text", "text": task["look"]}, image]))
    return {"text": json.loads(answer)["choices"][0]["message"]["content"]}


def chat_errors(task: Task) -> dict[str, Any]:
    def ask(key: str, model: str) -> object:
        return _post(task, "/chat/completions", {"model": model, "messages": _said("Hello")}, key)

    return told.errors(task, ask)


def chat_malformed(task: Task) -> dict[str, Any]:
    """The body that AI/ML API's Python sample describes: a model without its key name."""
    body = f'{{"{task["model"]}", "messages": {json.dumps(_said("Hello"))}}}'
    return told.refusal(lambda: _curl(task, "/chat/completions", body))


def _messages(task: Task, text: str, key: str | None = None, **more: Any) -> str:
    asked = {"model": task["model"], "max_tokens": _TOKENS, "messages": _said(text)}
    return _post(task, "/v1/messages", asked | more, key)


def messages_text(task: Task) -> dict[str, Any]:
    answer = json.loads(_messages(task, task["say"]))
    usage = answer["usage"]
    return {
        "text": "".join(block["text"] for block in answer["content"]),
        "tokens": [usage["input_tokens"], usage["output_tokens"]],
    }


def messages_stream(task: Task) -> dict[str, Any]:
    deltas = [
        event["delta"] for event in _events(_messages(task, task["say"], stream=True)) if "delta" in event
    ]
    pieces = [delta["text"] for delta in deltas if "text" in delta]
    return {"text": "".join(pieces), "pieces": len(pieces)}


def messages_errors(task: Task) -> dict[str, Any]:
    return told.errors(task, lambda key, model: _messages(task, "Hello", key, model=model))


def _gemini(task: Task, verb: str, text: str, key: str | None = None, model: str | None = None) -> str:
    path = f"/v1beta/models/{model or task['model']}:{verb}"
    return _post(task, path, {"contents": [{"parts": [{"text": text}]}]}, key)


def _gemini_words(answer: Any) -> list[str]:
    return [part["text"] for part in answer["candidates"][0]["content"].get("parts", [])]


def gemini_text(task: Task) -> dict[str, Any]:
    answer = json.loads(_gemini(task, "generateContent", task["say"]))
    usage = answer["usageMetadata"]
    return {
        "text": "".join(_gemini_words(answer)),
        "tokens": [usage["promptTokenCount"], usage["candidatesTokenCount"]],
    }


def gemini_stream(task: Task) -> dict[str, Any]:
    """Without `alt=sse` a stream is one JSON array that grows."""
    answers = json.loads(_gemini(task, "streamGenerateContent", task["say"]))
    pieces = [word for answer in answers for word in _gemini_words(answer)]
    return {"text": "".join(pieces), "pieces": len(pieces)}


def gemini_errors(task: Task) -> dict[str, Any]:
    return told.errors(task, lambda key, model: _gemini(task, "generateContent", "Hello", key, model))


if __name__ == "__main__":
    told.main(globals())

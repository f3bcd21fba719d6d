"""Gemini through the whole gateway: envelopes, two framings of streams, money, three dialects on a path."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from wiremark_schemas import contracts, registry
from wiremark_server.domain.generation import Delta, TextDelta, Usage
from wiremark_server.engine import reading
from wiremark_server.ledger import pricing

Make = Callable[..., Any]
MODELS = "/v1beta/models"
LARGE = f"{MODELS}/wiremark-large"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
TOOLS = [
    {
        "functionDeclarations": [
            {
                "name": "get_weather",
                "parameters": {
                    "type": "OBJECT",
                    "properties": {"city": {"type": "STRING"}},
                    "required": ["city"],
                },
            }
        ]
    }
]
ANY = {"functionCallingConfig": {"mode": "ANY"}}
THINK = {"thinkingConfig": {"includeThoughts": True}}
ALL = """
extends: openai
wiremark: contract/1
name: all
auth: {schemes: [bearer, x-api-key, x-goog-api-key, query]}
operations:
  messages.create: {method: POST, paths: [/messages]}
  gemini.generate: {method: POST, paths: ["/models/{model}:generateContent"]}
"""


def _said(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def _post(gateway: Any, method: str = ":generateContent", *, path: str = LARGE, **body: Any) -> Any:
    how = {name: body.pop(name) for name in ("role", "headers") if name in body}
    asked = body or _said("Say hello.")
    return gateway.post(path + method, json.dumps(asked).encode(), **how)


def _stream(gateway: Any, alt: str = "?alt=sse", **body: Any) -> list[Any]:
    answer = _post(gateway, f":streamGenerateContent{alt}", **body)
    chunks: list[Any] = answer.chunks if "sse" in alt else answer.json
    for chunk in chunks:
        registry.validator("gemini/generate.response").validate(chunk)
    return chunks


def _parts(chunks: list[Any]) -> list[Any]:
    return [
        part for c in chunks for one in c["candidates"] for part in one.get("content", {}).get("parts", ())
    ]


def _text(chunks: list[Any]) -> str:
    return "".join(part["text"] for part in _parts(chunks) if not part.get("thought"))


def test_an_answer_is_of_published_shape_and_charged_as_told(in_process: Make) -> None:
    gateway = in_process("gemini")
    answer = _post(gateway)
    registry.validator("gemini/generate.response").validate(answer.json)
    usage = answer.json["usageMetadata"]
    (row,) = gateway.get("/v1beta/usage").json["data"]
    assert answer.headers["x-request-id"].endswith(answer.json["responseId"])
    assert (row["prompt_tokens"], row["completion_tokens"]) == (
        usage["promptTokenCount"],
        usage["candidatesTokenCount"],
    )
    price = gateway.contract.model("wiremark-large").price
    assert row["amount_microusd"] == pricing.charge(price, row["prompt_tokens"], row["completion_tokens"])


@pytest.mark.parametrize("alt", ["?alt=sse", "", "?%24alt=json"])
def test_a_stream_says_and_costs_what_the_whole_answer_does(in_process: Make, alt: str) -> None:
    gateway = in_process("gemini")
    asked = _said("Tell me about the sea.", generationConfig={"candidateCount": 2})
    whole = _post(gateway, **asked).json
    chunks = _stream(gateway, alt, **asked)
    for index, candidate in enumerate(whole["candidates"]):
        mine = [{"candidates": [c]} for chunk in chunks for c in chunk["candidates"] if c["index"] == index]
        assert _text(mine) == candidate["content"]["parts"][0]["text"]
        assert [c["candidates"][0].get("finishReason") for c in mine[-2:]] == [None, "STOP"]
    assert [chunk.get("usageMetadata") for chunk in chunks[-2:]] == [None, whole["usageMetadata"]]
    streamed, charged = gateway.get("/v1beta/usage").json["data"]
    assert streamed["amount_microusd"] == charged["amount_microusd"]


def test_the_two_framings_have_their_media_types(in_process: Make) -> None:
    gateway = in_process("gemini")
    for alt, kind in (("?alt=sse", "text/event-stream"), ("", "application/json")):
        answer = _post(gateway, f":streamGenerateContent{alt}")
        assert answer.headers["content-type"].startswith(kind)
    assert _post(gateway, ":streamGenerateContent?alt=proto").status == 400


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_comes_whole_and_signed_after_the_thoughts(in_process: Make, stream: bool) -> None:
    gateway = in_process("gemini")
    asked = _said("The weather in Paris and Oslo?", tools=TOOLS, toolConfig=ANY, generationConfig=THINK)
    chunks = _stream(gateway, **asked) if stream else [_post(gateway, **asked).json]
    parts = _parts(chunks)
    calls = [part for part in parts if "functionCall" in part]
    assert [call["functionCall"]["args"] for call in calls] == [{"city": "Paris"}, {"city": "Oslo"}]
    assert ["thoughtSignature" in call for call in calls] == [True, False]
    assert parts[0]["thought"]
    usage = chunks[-1]["usageMetadata"]
    assert usage["thoughtsTokenCount"] > 0
    assert usage["totalTokenCount"] == (
        usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
    )
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_that_are_not_asked_for_are_counted_and_not_shown(in_process: Make, stream: bool) -> None:
    gateway = in_process("gemini")
    asked = _said("Why?", generationConfig={"thinkingConfig": {"thinkingBudget": 100}})
    chunks = _stream(gateway, **asked) if stream else [_post(gateway, **asked).json]
    assert not any(part.get("thought") for part in _parts(chunks))
    assert _parts(chunks)[-1]["thoughtSignature"]
    assert chunks[-1]["usageMetadata"]["thoughtsTokenCount"] > 0
    off = _post(gateway, **_said("Why?", generationConfig={"thinkingConfig": {"thinkingBudget": 0}}))
    assert "thoughtsTokenCount" not in off.json["usageMetadata"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_the_budget_cuts_off_is_no_call(in_process: Make, stream: bool) -> None:
    gateway = in_process("gemini")
    asked = _said(
        "The weather in Paris?", tools=TOOLS, toolConfig=ANY, generationConfig={"maxOutputTokens": 2}
    )
    chunks = _stream(gateway, **asked) if stream else [_post(gateway, **asked).json]
    assert not any("functionCall" in part for part in _parts(chunks))
    assert chunks[-1]["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_a_conversation_goes_on_with_the_servers_own_words(in_process: Make) -> None:
    gateway = in_process("gemini")
    asked = _said("The weather in Paris?", tools=TOOLS, toolConfig=ANY, generationConfig=THINK)
    turn = _post(gateway, **asked).json["candidates"][0]["content"]
    result = {"functionResponse": {"name": "get_weather", "response": {"sky": "clear"}}}
    history = [*asked["contents"], turn, {"role": "function", "parts": [result]}]
    final = _post(gateway, contents=history, tools=TOOLS)
    assert final.json["candidates"][0]["content"]["parts"] == [
        {"text": 'According to get_weather: {"sky":"clear"}'}
    ]
    failed = {"functionResponse": {"name": "get_weather", "response": {"error": "no wind"}}}
    history[-1] = {"parts": [failed]}
    said = _text([_post(gateway, contents=history, tools=TOOLS).json])
    assert said.startswith("get_weather failed")


def test_names_with_underscores_numbers_as_text_and_nulls_are_the_same_request(in_process: Make) -> None:
    gateway = in_process("gemini")
    camel = _said("Count to 99", generationConfig={"maxOutputTokens": 5, "stopSequences": ["50"]})
    snake = {
        "contents": camel["contents"],
        "system_instruction": None,
        "generation_config": {"max_output_tokens": "5", "stop_sequences": ["50"], "seed": None},
    }
    assert _post(gateway, **snake).json["candidates"] == _post(gateway, **camel).json["candidates"]


WORDS = {"type": "STRING", "enum": ["Percussion", "String"]}
ENUM = {"responseMimeType": "text/x.enum", "responseSchema": WORDS}


def test_an_enumeration_gives_one_of_its_words(in_process: Make) -> None:
    gateway = in_process("gemini")
    told = _post(gateway, **_said("What is a drum?", generationConfig=ENUM)).json
    assert _text([told]) in WORDS["enum"]
    for wrong in ({**ENUM, "responseSchema": {"type": "STRING"}}, {"responseMimeType": "text/x.enum"}):
        refused = _post(gateway, **_said("What is a drum?", generationConfig=wrong))
        assert (refused.status, "text/x.enum" in refused.json["error"]["message"]) == (400, True)


def test_log_probabilities_come_with_their_mean(in_process: Make) -> None:
    config = {"responseLogprobs": True, "logprobs": 2}
    (candidate,) = _post(in_process("gemini"), **_said("Say exactly: one two", generationConfig=config)).json[
        "candidates"
    ]
    found = candidate["logprobsResult"]
    assert [one["token"] for one in found["chosenCandidates"]] == ["one", " two"]
    assert all(len(one["candidates"]) == 2 for one in found["topCandidates"])
    values = [one["logProbability"] for one in found["chosenCandidates"]]
    assert candidate["avgLogprobs"] == pytest.approx(sum(values) / 2)


def test_what_is_blocked_is_told_in_every_form(in_process: Make) -> None:
    gateway = in_process("gemini")
    assert gateway.contract.raw["safety"] == {"prompt": reading.PROMPT_BLOCK, "answer": reading.ANSWER_BLOCK}
    for alt in ("?alt=sse", ""):
        (chunk,) = _stream(gateway, alt, **_said(reading.PROMPT_BLOCK))
        assert chunk["promptFeedback"]["blockReason"] == "SAFETY"
        assert "candidates" not in chunk
        chunks = _stream(gateway, alt, **_said(reading.ANSWER_BLOCK))
        assert chunks[-1]["candidates"][0]["finishReason"] == "SAFETY"
    whole = _post(gateway, **_said(reading.ANSWER_BLOCK)).json["candidates"]
    assert [(one["finishReason"], "content" in one) for one in whole] == [("SAFETY", False)]
    lifted = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "threshold": "OFF"}]
    assert _text([_post(gateway, **_said(reading.PROMPT_BLOCK, safetySettings=lifted)).json])


def test_other_dialects_tell_of_a_filter_in_their_own_words(in_process: Make) -> None:
    gateway = in_process("openai")
    (choice,) = gateway.chat(messages=[{"role": "user", "content": reading.ANSWER_BLOCK}]).json["choices"]
    assert choice["finish_reason"] == "content_filter"


def test_a_count_is_what_the_answer_says_and_free(in_process: Make) -> None:
    gateway = in_process("gemini")
    asked = _said("Hello there", systemInstruction={"parts": [{"text": "Be brief."}]})
    told = _post(gateway, **asked).json["usageMetadata"]["promptTokenCount"]
    whole: dict[str, Any] = {"generateContentRequest": {"model": "models/wiremark-large", **asked}}
    assert _post(gateway, ":countTokens", **whole).json == {"totalTokens": told}
    assert _post(gateway, ":countTokens", **_said("Hello there")).json["totalTokens"] < told
    assert len(gateway.get("/v1beta/usage").json["data"]) == 1


def test_embeddings_have_the_length_asked_for_and_their_price(in_process: Make) -> None:
    gateway = in_process("gemini")
    path = f"{MODELS}/wiremark-embedding"
    content = {"parts": [{"text": "one "}, {"text": "two"}]}
    one = _post(gateway, ":embedContent", path=path, content=content, outputDimensionality=4).json
    registry.validator("gemini/embed.response").validate(one)
    request = {"model": "models/wiremark-embedding", "content": content, "output_dimensionality": 4}
    many = _post(gateway, ":batchEmbedContents", path=path, requests=[request] * 2).json
    registry.validator("gemini/batch_embed.response").validate(many)
    assert [entry["values"] for entry in many["embeddings"]] == [one["embedding"]["values"]] * 2
    batch, single = gateway.get("/v1beta/usage").json["data"]
    assert (single["prompt_tokens"], batch["prompt_tokens"]) == (2, 4)
    other = {**request, "model": "models/other"}
    assert _post(gateway, ":batchEmbedContents", path=path, requests=[other]).status == 400
    mixed = [request, {**request, "output_dimensionality": 5}]
    assert _post(gateway, ":batchEmbedContents", path=path, requests=mixed).status == 400
    assert _post(gateway, ":embedContent", path=path, content={"parts": []}).status == 400


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no key": ({"role": None}, 403, "PERMISSION_DENIED"),
    "a revoked key": ({"role": "revoked"}, 400, "INVALID_ARGUMENT"),
    "an empty account": ({"role": "exhausted"}, 429, "RESOURCE_EXHAUSTED"),
    "a full window": ({"role": "throttled"}, 429, "RESOURCE_EXHAUSTED"),
    "a forbidden model": ({"role": "restricted"}, 403, "PERMISSION_DENIED"),
    "an unknown model": ({"path": f"{MODELS}/org/none"}, 404, "NOT_FOUND"),
    "an unknown path": ({"path": "/v1beta/nothing"}, 404, "NOT_FOUND"),
    "a bad value": (_said("x", generationConfig={"temperature": 9}), 400, "INVALID_ARGUMENT"),
    "an unknown field": (_said("x", foo=1), 400, "INVALID_ARGUMENT"),
    "another media type": ({"headers": {"content-type": "text/plain"}}, 415, "INVALID_ARGUMENT"),
    "a body that is too large": (_said("x" * 20_971_520), 413, "INVALID_ARGUMENT"),
    "a prompt that is too long": (
        {"path": f"{MODELS}/wiremark-small", **_said("word " * 40_000)},
        400,
        "INVALID_ARGUMENT",
    ),
    "a model that does not think": (
        {"path": f"{MODELS}/wiremark-small", **_said("x", generationConfig=THINK)},
        400,
        "INVALID_ARGUMENT",
    ),
}


@pytest.mark.parametrize(("call", "status", "kind"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("stream", [False, True])
def test_every_refusal_is_a_status_of_google(
    in_process: Make, call: dict[str, Any], status: int, kind: str, stream: bool
) -> None:
    usual = {"method": ":streamGenerateContent?alt=sse" if stream else ":generateContent"}
    answer = _post(in_process("gemini"), **(usual | call))
    registry.validator("gemini/error").validate(answer.json)
    error = answer.error
    assert (answer.status, error["code"], error["status"]) == (status, status, kind)
    delays = [one["retryDelay"] for one in error["details"] if "retryDelay" in one]
    assert bool(delays) == ("retry-after" in answer.headers) == (call.get("role") == "throttled")


def test_three_ways_lead_a_key_in(in_process: Make) -> None:
    gateway = in_process("gemini")
    key = gateway.secrets["default"]
    ways: list[tuple[str, Mapping[str, str]]] = [
        (":generateContent", {"x-goog-api-key": key}),
        (f":generateContent?key={key}&prettyPrint=false", {}),
        (":generateContent", {"authorization": f"Bearer {key}"}),
    ]
    assert [_post(gateway, m, role=None, headers=h).status for m, h in ways] == [200] * 3
    refused = _post(gateway, ":generateContent?key=AIza-wrong", role=None)
    assert [one.get("reason") for one in refused.error["details"] if "reason" in one] == ["API_KEY_INVALID"]


class Falling:
    """Gives one token, then fails."""

    usage = Usage(10, 1)

    def __init__(self) -> None:
        self._left = 1

    def __aiter__(self) -> Falling:
        return self

    async def __anext__(self) -> list[Delta]:
        if not self._left:
            raise RuntimeError("the GPU fell off the bus")
        self._left -= 1
        return [TextDelta(0, "x")]

    async def cancel(self) -> None:
        self._left = 0


@pytest.mark.parametrize("alt", ["?alt=sse", ""])
def test_a_stream_that_breaks_ends_with_an_error_in_its_own_framing(
    in_process: Make, capsys: pytest.CaptureFixture[str], alt: str
) -> None:
    gateway = in_process("gemini")
    gateway.engine.run = lambda *_: Falling()
    answer = _post(gateway, f":streamGenerateContent{alt}")
    chunks = answer.chunks if "sse" in alt else answer.json
    assert "candidates" in chunks[0]
    registry.validator("gemini/error").validate(chunks[-1])
    assert (list(chunks[-1]), chunks[-1]["error"]["code"]) == (["error"], 500)
    assert "GPU" not in capsys.readouterr().err


def test_one_path_speaks_three_dialects(in_process: Make, tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(ALL, encoding="utf-8")
    gateway = in_process(contracts.load(str(path)))
    key = gateway.secrets["default"]
    openai = gateway.get("/models").json
    anthropic = gateway.get("/models", headers={"anthropic-version": "2023-06-01"}).json
    for google in (
        gateway.get("/models", role=None, headers={"x-goog-api-key": key}).json,
        gateway.get(f"/models?key={key}", role=None).json,
    ):
        assert [model["name"] for model in google["models"]] == [
            f"models/{model['id']}" for model in openai["data"]
        ]
    assert anthropic["has_more"] is False
    assert gateway.get("/models/wiremark%2Fembedding").json["object"] == "model"
    one = gateway.get(f"/models/wiremark/embedding?key={key}", role=None).json
    assert one["name"] == "models/wiremark/embedding"
    answer = gateway.post("/models/wiremark-large:generateContent", json.dumps(_said("Hi")).encode())
    assert answer.json["candidates"]
    assert gateway.get("/models/none").error["code"] == "model_not_found"
    refused = gateway.get("/models/none", headers={"x-goog-api-key": key})
    assert refused.error["status"] == "NOT_FOUND"
    assert gateway.post("/models/none:generateContent", b"{").error["status"] == "INVALID_ARGUMENT"


def test_the_catalogue_in_pages(in_process: Make) -> None:
    gateway = in_process("gemini")
    first = gateway.get("/v1/models?pageSize=2").json
    registry.validator("gemini/models.list").validate(first)
    rest = gateway.get(f"/v1/models?pageSize=2&pageToken={first['nextPageToken']}").json
    assert [model["displayName"] for model in rest["models"]] == ["Wiremark Embedding"]
    assert "nextPageToken" not in rest
    registry.validator("gemini/model").validate(gateway.get("/v1/models/wiremark-small").json)
    for query in ("pageSize=x", "pageToken=99", "pageToken=-1"):
        assert gateway.get(f"/v1/models?{query}").status == 400


def test_the_same_document_to_another_model_is_another_request(in_process: Make) -> None:
    raw = {**contracts.load("gemini").raw, "cache": {"tool_less": True, "status_header": "x-cache"}}
    gateway = in_process(contracts.Contract("gemini", raw))
    asked = _said("Tell me about the sea.")
    answers = [
        _post(gateway, path=f"{MODELS}/{model}", headers={"idempotency-key": "k"} if key else {}, **asked)
        for key in (False, True)
        for model in ("wiremark-large", "wiremark-small", "wiremark-large")
    ]
    assert [answer.headers.get("x-cache") for answer in answers[:3]] == ["miss", "miss", "hit"]
    assert [answer.status for answer in answers[3:]] == [200, 422, 200]
    assert answers[3].json["modelVersion"] == "wiremark-large"

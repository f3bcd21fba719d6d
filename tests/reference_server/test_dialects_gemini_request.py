"""Gemini's requests: what they come to, and the path of what is wrong with them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from wiremark_server.dialects.format import RequestHead
from wiremark_server.dialects.gemini import CountFormat, StreamFormat
from wiremark_server.dialects.gemini.names import normalised
from wiremark_server.dialects.gemini.schema import to_json_schema
from wiremark_server.dialects.signature import Signatures
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import ToolChoice
from wiremark_server.domain.problem import ProblemError

SIGNATURES = Signatures(b"test")
PNG = b"\x89PNG\r\n\x1a\n\xfb\xff"
HELLO: dict[str, Any] = {"parts": [{"text": "Hello"}]}
CALL: dict[str, Any] = {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"at": 1}}}]}
RESULT = {"parts": [{"functionResponse": {"name": "look", "response": {"ok": True}}}]}


def decode(alt: str = "sse", **body: Any) -> Asked:
    head = RequestHead(lambda _: None, {"model": "models/m/1"}, {"alt": alt})
    return StreamFormat(SIGNATURES).decode({"contents": [HELLO]} | body, "req_1", head)


def _tools(*declarations: dict[str, Any]) -> list[Any]:
    return [{"functionDeclarations": [{"name": "look", **one} for one in declarations or ({},)]}]


def _calling(**config: Any) -> dict[str, Any]:
    return {"functionCallingConfig": config}


def test_the_model_is_the_paths() -> None:
    assert decode(model="models/other").generation.model == "m/1"


def test_parts_of_a_content_are_one_turn_and_thoughts_none() -> None:
    thought = {"text": "Hm.", "thought": True}
    image = {
        "inlineData": {"mimeType": "image/png", "data": base64.urlsafe_b64encode(PNG).decode().rstrip("=")}
    }
    asked = decode(
        systemInstruction={"role": "system", "parts": [{"text": "Be "}, {"text": "brief."}]},
        contents=[
            {"role": "user", "parts": [{"text": "a"}, image, {"text": "b"}]},
            {"role": "model", "parts": [thought, {"text": "c"}]},
            HELLO,
        ],
    )
    turns = [(turn.role, turn.text, turn.images) for turn in asked.generation.turns]
    assert turns == [
        ("system", "Be brief.", 0),
        ("user", "ab", 1),
        ("assistant", "c", 0),
        ("user", "Hello", 0),
    ]
    assert asked.image_param == "contents[0].parts[1].inlineData"


def test_responses_find_their_calls_by_id_else_by_name_and_order() -> None:
    calls = [{"functionCall": {"id": "1", "name": "a"}}, *({"functionCall": {"name": "b"}},) * 2]
    results = [
        {"functionResponse": {"name": "b", "response": {"n": 1}}},
        {"functionResponse": {"id": "1", "name": "a", "response": {"error": "no"}}},
        {"functionResponse": {"name": "b", "response": {"n": 2}}},
    ]
    turns = decode(contents=[HELLO, {"role": "model", "parts": calls}, {"parts": results}]).generation.turns
    ids = [call.id for call in turns[1].tool_calls]
    assert [(turn.tool_call_id, turn.text, turn.failed) for turn in turns[2:]] == [
        (ids[1], '{"n":1}', False),
        (ids[0], '{"error":"no"}', True),
        (ids[2], '{"n":2}', False),
    ]


CHOICES: dict[str, tuple[dict[str, Any], ToolChoice]] = {
    "nothing said": ({}, ToolChoice("auto")),
    "AUTO": (_calling(mode="AUTO"), ToolChoice("auto")),
    "ANY": (_calling(mode="ANY"), ToolChoice("required")),
    "ANY of some": (_calling(mode="ANY", allowedFunctionNames=["look"]), ToolChoice("required", ("look",))),
    "VALIDATED": (_calling(mode="VALIDATED"), ToolChoice("auto")),
    "NONE": (_calling(mode="NONE"), ToolChoice("none")),
    "unspecified": (_calling(mode="MODE_UNSPECIFIED"), ToolChoice("auto")),
}


@pytest.mark.parametrize(("config", "choice"), CHOICES.values(), ids=CHOICES)
def test_the_modes_of_calling(config: dict[str, Any], choice: ToolChoice) -> None:
    assert decode(tools=_tools(), toolConfig=config).generation.tool_choice == choice


def test_schemas_of_openapi_become_json_schema() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "kind": {"type": "STRING", "format": "enum", "enum": ["a"], "nullable": True},
            "many": {"type": "array", "items": {"type": "INTEGER", "format": "int32"}, "minItems": "2"},
            "either": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
            "one": {"type": "string", "const": "x"},
            "any": {"type": "TYPE_UNSPECIFIED"},
        },
        "propertyOrdering": ["many", "kind"],
    }
    assert to_json_schema(schema) == {
        "type": "object",
        "properties": {
            "kind": {"type": ["string", "null"], "enum": ["a", None]},
            "many": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
            "either": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
            "one": {"type": "string", "const": "x"},
            "any": {},
        },
    }


def test_what_clients_call_their_own_things_by_stays_as_it_is() -> None:
    declaration = {
        "name": "f",
        "parameters": {"type": "OBJECT", "properties": {"max_items": {"min_items": 1}}},
        "parameters_json_schema": {"max_items": 1},
    }
    call = {"function_call": {"name": "f", "args": {"my_arg": None}}}
    found = normalised(
        {"contents": [{"parts": [call]}], "tools": [{"function_declarations": [declaration]}]},
        "generate.request",
    )
    assert found["contents"][0]["parts"][0]["functionCall"]["args"] == {"my_arg": None}
    (kept,) = found["tools"][0]["functionDeclarations"]
    assert kept["parameters"]["properties"] == {"max_items": {"minItems": 1}}
    assert kept["parametersJsonSchema"] == {"max_items": 1}


def test_a_signature_vouches_for_the_call_that_it_came_with() -> None:
    signature = SIGNATURES.sign("look(at)")
    signed: dict[str, Any] = {"role": "model", "parts": [CALL["parts"][0] | {"thoughtSignature": signature}]}
    assert decode(contents=[HELLO, signed, RESULT]).generation.turns
    signed["parts"][0] = {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": signature}
    with pytest.raises(ProblemError, match="signature"):
        decode(contents=[HELLO, signed, RESULT])
    elsewhere = {"role": "model", "parts": [CALL["parts"][0] | {"thoughtSignature": "c2tpcA=="}]}
    assert decode(contents=[HELLO, elsewhere, RESULT]).generation.turns


def _config(**config: Any) -> dict[str, Any]:
    return {"generationConfig": config}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no contents": ({"contents": []}, "contents"),
    "a single content": ({"contents": HELLO}, "contents"),
    "a role of others": ({"contents": [{**HELLO, "role": "assistant"}]}, "contents[0].role"),
    "a part of nothing": ({"contents": [{"parts": [{"thought": True}]}]}, "contents[0].parts[0]"),
    "a part of two kinds": (
        {"contents": [{"parts": [{"text": "a", "functionCall": {"name": "b"}}]}]},
        "contents[0].parts[0]",
    ),
    "a call of the user": (
        {"contents": [{"parts": CALL["parts"]}]},
        "contents[0].parts[0].functionCall",
    ),
    "a call without response": ({"contents": [HELLO, CALL, HELLO]}, "contents[2]"),
    "a call at the end": ({"contents": [HELLO, CALL]}, "contents"),
    "a response without call": ({"contents": [HELLO, RESULT]}, "contents[1]"),
    "a response to another": (
        {
            "contents": [
                HELLO,
                CALL,
                {"parts": [{"functionResponse": {"name": "other", "response": {}}}]},
            ]
        },
        "contents[2].parts[0].functionResponse",
    ),
    "a response as text": (
        {
            "contents": [
                HELLO,
                CALL,
                {"parts": [{"functionResponse": {"name": "look", "response": "x"}}]},
            ]
        },
        "contents[2].parts[0].functionResponse.response",
    ),
    "a file": (
        {"contents": [{"parts": [{"fileData": {"fileUri": "gs://x"}}]}]},
        "contents[0].parts[0].fileData",
    ),
    "a sound": (
        {"contents": [{"parts": [{"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}]}]},
        "contents[0].parts[0].inlineData.mimeType",
    ),
    "an image that is none": (
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}]},
        "contents[0].parts[0].inlineData.data",
    ),
    "kept contents": ({"cachedContent": "cachedContents/1"}, "cachedContent"),
    "a tool of the server": ({"tools": [{"googleSearch": {}}]}, "tools[0].googleSearch"),
    "a name twice": ({"tools": _tools({}, {})}, "tools[0].functionDeclarations[1].name"),
    "two schemas of a function": (
        {"tools": _tools({"parameters": {}, "parametersJsonSchema": {}})},
        "tools[0].functionDeclarations[0]",
    ),
    "a schema that is none": (
        {"tools": _tools({"parametersJsonSchema": {"type": "text"}})},
        "tools[0].functionDeclarations[0].parametersJsonSchema",
    ),
    "names without ANY": (
        {"tools": _tools(), "toolConfig": _calling(mode="AUTO", allowedFunctionNames=["look"])},
        "toolConfig.functionCallingConfig.allowedFunctionNames",
    ),
    "an unknown name": (
        {"tools": _tools(), "toolConfig": _calling(mode="ANY", allowedFunctionNames=["find"])},
        "toolConfig.functionCallingConfig.allowedFunctionNames",
    ),
    "ANY of nothing": (
        {"toolConfig": _calling(mode="ANY")},
        "toolConfig.functionCallingConfig.mode",
    ),
    "calls in pieces": (
        {"toolConfig": _calling(streamFunctionCallArguments=True)},
        "toolConfig.functionCallingConfig.streamFunctionCallArguments",
    ),
    "six stop sequences": (_config(stopSequences=list("abcdef")), "generationConfig.stopSequences"),
    "no budget": (_config(maxOutputTokens=0), "generationConfig.maxOutputTokens"),
    "half a candidate": (_config(candidateCount=1.5), "generationConfig.candidateCount"),
    "too many candidates": (_config(candidateCount=9), "generationConfig.candidateCount"),
    "logprobs unasked": (_config(logprobs=2), "generationConfig.logprobs"),
    "a schema without its media type": (_config(responseSchema={}), "generationConfig.responseSchema"),
    "two schemas": (
        _config(responseMimeType="application/json", responseSchema={}, responseJsonSchema={}),
        "generationConfig.responseSchema",
    ),
    "another media type": (_config(responseMimeType="text/x.enum"), "generationConfig.responseMimeType"),
    "a picture": (_config(responseModalities=["TEXT", "IMAGE"]), "generationConfig.responseModalities"),
    "a voice": (_config(speechConfig={"voice": "x"}), "generationConfig.speechConfig"),
    "two budgets of thought": (
        _config(thinkingConfig={"thinkingBudget": 1, "thinkingLevel": "LOW"}),
        "generationConfig.thinkingConfig",
    ),
    "an unknown threshold": (
        {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "SOME"}]},
        "safetySettings[0].threshold",
    ),
    "another framing": ({"alt": "proto"}, "alt"),
}


@pytest.mark.parametrize(("body", "param"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_named_by_its_path(body: dict[str, Any], param: str) -> None:
    with pytest.raises(ProblemError) as caught:
        decode(**body)
    assert (caught.value.problem.situation, caught.value.problem.param) == ("invalid_request", param)


def test_counting_takes_a_request_or_contents_and_nothing_else() -> None:
    head = RequestHead(lambda _: None, {"model": "m"}, {})
    form = CountFormat(SIGNATURES)
    whole = {"generateContentRequest": {"contents": [HELLO], "tools": _tools()}}
    assert form.decode(whole, "req_1", head).generation.tools
    assert form.decode({"contents": [HELLO]}, "req_1", head).generation.turns
    with pytest.raises(ProblemError):
        form.decode({}, "req_1", head)

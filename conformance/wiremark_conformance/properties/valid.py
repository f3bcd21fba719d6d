"""Good requests of every surface: what the published schema and the contract allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from wiremark_schemas.registry import load

from wiremark_conformance.properties import Document
from wiremark_conformance.properties.values import WORDS, from_schema
from wiremark_conformance.target import Target

Strategy = st.SearchStrategy[Document]
_BUDGETS = st.integers(1, 32)
_NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}", fullmatch=True)
_STOPS = st.lists(WORDS, min_size=1, max_size=4)
_OBJECT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
# Parameters of a chat request that any endpoint takes at any of their values, and those with a capability.
_FREE = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "user", "metadata")
_NEEDS = {"n": "chat.n", "stop": "chat.stop", "stream": "chat.stream", "response_format": "chat.json"}


def _some(draw: st.DrawFn, offered: Mapping[str, st.SearchStrategy[Any]]) -> Document:
    """Some of the parameters, each with a value of its own."""
    names = draw(st.lists(st.sampled_from(sorted(offered)), unique=True)) if offered else []
    return {name: draw(offered[name]) for name in names}


def _published(schema: str, *names: str) -> dict[str, st.SearchStrategy[Any]]:
    """Parameters at any value that their published schema has for them."""
    properties = load(schema)["properties"]
    return {name: from_schema(properties[name]) for name in names}


@st.composite
def _messages(draw: st.DrawFn) -> list[Document]:
    """A conversation that ends with the user."""
    parts = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": WORDS}), min_size=1, max_size=3)
    roles = st.sampled_from(["system", "developer", "user", "assistant"])
    before = draw(st.lists(st.fixed_dictionaries({"role": roles, "content": WORDS | parts}), max_size=3))
    return [*before, {"role": "user", "content": draw(WORDS | parts)}]


@st.composite
def _tools(draw: st.DrawFn) -> Document:
    names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
    parameters = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    functions = [{"name": name, "parameters": parameters} for name in names]
    named = {"type": "function", "function": {"name": draw(st.sampled_from(names))}}
    return {
        "tools": [{"type": "function", "function": function} for function in functions],
        "tool_choice": draw(st.sampled_from(["auto", "none", "required", named])),
        "parallel_tool_calls": draw(st.booleans()),
    }


@st.composite
def _chat(draw: st.DrawFn, target: Target, base: Document) -> Document:
    """A request that the contract promises to answer."""
    properties = load("openai/chat.request")["properties"]
    document: Document = {"model": base["model"], "messages": draw(_messages())}
    document[draw(st.sampled_from(["max_tokens", "max_completion_tokens"]))] = draw(_BUDGETS)
    for name in draw(st.lists(st.sampled_from(_FREE), unique=True)):
        document[name] = draw(from_schema(properties[name]))
    offered = [name for name, capability in _NEEDS.items() if target.claims(capability)]
    for name in draw(st.lists(st.sampled_from(offered), unique=True)) if offered else ():
        document[name] = draw(_OFFERED[name])
    if document.get("stream") and target.claims("chat.stream.usage") and draw(st.booleans()):
        document["stream_options"] = {"include_usage": draw(st.booleans())}
    if target.claims("chat.logprobs") and draw(st.booleans()):
        document |= {"logprobs": True, "top_logprobs": draw(st.integers(0, 20))}
    if target.claims("chat.tools.forced") and "response_format" not in document and draw(st.booleans()):
        document |= draw(_tools())
    return document


_OFFERED: Mapping[str, st.SearchStrategy[Any]] = {
    "n": st.integers(1, 3),
    "stop": st.none() | WORDS | st.lists(WORDS, min_size=1, max_size=4),
    "stream": st.booleans(),
    "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
}


def _claimed(
    target: Target, needs: Mapping[str, tuple[str, st.SearchStrategy[Any]]]
) -> dict[str, st.SearchStrategy[Any]]:
    """Of parameters with the capability that each needs, those that the contract claims."""
    return {name: values for name, (capability, values) in needs.items() if target.claims(capability)}


@st.composite
def _completions(draw: st.DrawFn, target: Target, base: Document) -> Document:
    schema = "openai/completions.request"
    free = _published(schema, "temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "user")
    offered = _claimed(
        target,
        {
            "n": ("completions.n", st.integers(1, 3)),
            "stop": ("completions.stop", st.none() | WORDS | _STOPS),
            "logprobs": ("completions.logprobs", st.integers(0, 5)),
            "echo": ("completions.echo", st.booleans()),
            "stream": ("completions.stream", st.booleans()),
        },
    )
    lists = st.lists(WORDS, min_size=1, max_size=3) if target.claims("completions.n") else st.nothing()
    tokens = st.lists(st.integers(0, 1000), min_size=1, max_size=8)
    prompts = WORDS | lists | (tokens if target.claims("completions.tokens") else st.nothing())
    document = {"model": base["model"], "prompt": draw(prompts), "max_tokens": draw(_BUDGETS)}
    document |= _some(draw, {**free, **offered})
    if document.get("echo"):
        document.pop("logprobs", None)  # log probabilities of a prompt are a promise of their own
    return document


@st.composite
def _embeddings(draw: st.DrawFn, target: Target, base: Document) -> Document:
    tokens = st.lists(st.integers(0, 1000), min_size=1, max_size=8)
    inputs: st.SearchStrategy[Any] = WORDS | st.lists(WORDS, min_size=1, max_size=4)
    if target.claims("embeddings.tokens"):
        inputs |= tokens | st.lists(tokens, min_size=1, max_size=3)
    forms = ["float", "base64"] if target.claims("embeddings.base64") else ["float"]
    offered = {"encoding_format": st.sampled_from(forms), **_published("openai/embeddings.request", "user")}
    entry = target.contract.model(base["model"])
    if target.claims("embeddings.dimensions") and entry is not None and entry.dimensions:
        offered["dimensions"] = st.integers(1, entry.dimensions)
    return {"model": base["model"], "input": draw(inputs), **_some(draw, offered)}


@st.composite
def _anthropic(draw: st.DrawFn, target: Target, base: Document) -> Document:
    blocks = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": WORDS}), min_size=1, max_size=3)
    said = WORDS | blocks
    turn = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": said})
    messages = [*draw(st.lists(turn, max_size=3)), {"role": "user", "content": draw(said)}]
    offered: dict[str, st.SearchStrategy[Any]] = {
        "system": said,
        "metadata": st.fixed_dictionaries({"user_id": WORDS}),
        "temperature": st.floats(0, 1),
    }
    offered |= _claimed(
        target,
        {
            "stop_sequences": ("messages.stop", _STOPS),
            "stream": ("messages.stream", st.booleans()),
        },
    )
    document = {"model": base["model"], "messages": messages, "max_tokens": draw(_BUDGETS)}
    document |= _some(draw, offered)
    if target.claims("messages.tools.forced") and draw(st.booleans()):
        names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
        named = {"type": "tool", "name": draw(st.sampled_from(names))}
        document["tools"] = [{"name": name, "input_schema": _OBJECT} for name in names]
        document["tool_choice"] = draw(st.sampled_from([{"type": "auto"}, {"type": "any"}, named]))
    return document


@st.composite
def _responses(draw: st.DrawFn, target: Target, base: Document) -> Document:
    parts = st.lists(
        st.fixed_dictionaries({"type": st.just("input_text"), "text": WORDS}), min_size=1, max_size=3
    )
    roles = st.sampled_from(["system", "developer", "user", "assistant"])
    earlier = st.lists(st.fixed_dictionaries({"role": roles, "content": WORDS}), max_size=3)
    last = {"role": "user", "content": draw(WORDS | parts)}
    document = {"model": base["model"], "input": draw(WORDS | earlier.map(lambda items: [*items, last]))}
    document["max_output_tokens"] = draw(st.integers(16, 48))
    offered: dict[str, st.SearchStrategy[Any]] = {
        "instructions": st.none() | WORDS,
        "store": st.just(False),
        "truncation": st.sampled_from(["disabled", None]),
        **_published("openai/responses.request", "temperature", "top_p"),
        **_claimed(target, {"stream": ("responses.stream", st.booleans())}),
    }
    document |= _some(draw, offered)
    if target.claims("responses.tools.forced") and draw(st.booleans()):
        names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
        named = {"type": "function", "name": draw(st.sampled_from(names))}
        document["tools"] = [
            {"type": "function", "name": name, "parameters": _OBJECT, "strict": False} for name in names
        ]
        document["tool_choice"] = draw(st.sampled_from(["auto", "none", "required", named]))
    return document


@st.composite
def _gemini(draw: st.DrawFn, target: Target, base: Document) -> Document:  # noqa: ARG001 - the path has the model
    parts = st.lists(st.fixed_dictionaries({"text": WORDS}), min_size=1, max_size=3)
    turn = st.fixed_dictionaries({"role": st.sampled_from(["user", "model"]), "parts": parts})
    contents = [*draw(st.lists(turn, max_size=3)), {"role": "user", "parts": draw(parts)}]
    config = _claimed(
        target,
        {
            "stopSequences": ("gemini.stop", _STOPS),
            "candidateCount": ("gemini.candidates", st.integers(1, 3)),
        },
    )
    config |= {"temperature": st.floats(0, 2), "topP": st.floats(0, 1), "topK": st.integers(1, 40)}
    document: Document = {
        "contents": contents,
        "generationConfig": {"maxOutputTokens": draw(_BUDGETS), **_some(draw, config)},
    }
    if draw(st.booleans()):
        document["systemInstruction"] = {"parts": draw(parts)}
    if target.claims("gemini.functions.forced") and draw(st.booleans()):
        names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
        schema = {"type": "OBJECT", "properties": {"text": {"type": "STRING"}}, "required": ["text"]}
        document["tools"] = [
            {"functionDeclarations": [{"name": name, "parameters": schema} for name in names]}
        ]
        mode = draw(st.sampled_from(["AUTO", "ANY", "NONE"]))
        document["toolConfig"] = {"functionCallingConfig": {"mode": mode}}
    return document


VALID: Mapping[str, Callable[[Target, Document], Strategy]] = {
    "chat": _chat,
    "completions": _completions,
    "embeddings": _embeddings,
    "messages": _anthropic,
    "responses": _responses,
    "gemini": _gemini,
}
"""Good requests by the name of their surface, from the target and the shortest good one."""

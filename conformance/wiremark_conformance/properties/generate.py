"""Hypothesis strategies: good requests, requests that are wrong in one place, and anything at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from wiremark_schemas.registry import load, validator

from wiremark_conformance.properties import Document, Kind, Property, model_of
from wiremark_conformance.target import Target

Path = tuple[str | int, ...]

_TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
_WORDS = _TEXT.filter(str.strip)
_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
)
JSON: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(_TEXT, below, max_size=3),
    max_leaves=8,
)
# Parameters of a chat request that need a capability; the others are everybody's.
_NEEDS = {"n": "chat.n", "stop": "chat.stop", "stream": "chat.stream", "response_format": "chat.json"}
_BUDGETS = st.integers(1, 32)
_NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True)
# Parameters of the schema that any endpoint takes at any of their values.
_FREE = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "user", "metadata")


def requests(wanted: Property, target: Target) -> st.SearchStrategy[bytes]:
    """Bodies of this kind for the surface, as they are sent."""
    base = wanted.surface.base(model_of(target, wanted.surface))
    documents = _valid_chat(target) if wanted.surface.name == "chat" else st.just(base)
    table: Mapping[Kind, st.SearchStrategy[bytes]] = {
        "valid": documents.map(_encoded),
        "invalid": _spoilt(documents, wanted.surface.schema).map(_encoded),
        "any": _anything(documents),
    }
    return table[wanted.kind]


def _encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


def from_schema(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a simple schema: type, bounds, enumerations, items and entries; no references."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    return st.one_of([_of_type(kind, schema) for kind in kinds])


def _of_type(kind: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum"), schema.get("maximum")
    match kind:
        case "integer":
            return st.integers(low, high)
        case "number":
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "string":
            return st.text(max_size=min(schema.get("maxLength", 40), 40))
        case "array":
            most = min(schema.get("maxItems", 4), 4)
            return st.lists(from_schema(schema["items"]), min_size=schema.get("minItems", 0), max_size=most)
        case _:
            return st.dictionaries(_TEXT, from_schema(schema["additionalProperties"]), max_size=3)


@st.composite
def _messages(draw: st.DrawFn) -> list[Document]:
    """A conversation that ends with the user."""
    parts = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": _WORDS}), min_size=1, max_size=3)
    roles = st.sampled_from(["system", "developer", "user", "assistant"])
    before = draw(st.lists(st.fixed_dictionaries({"role": roles, "content": _WORDS | parts}), max_size=3))
    return [*before, {"role": "user", "content": draw(_WORDS | parts)}]


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
def _valid_chat(draw: st.DrawFn, target: Target) -> Document:
    """A request that the contract promises to answer."""
    properties = load("openai/chat.request")["properties"]
    document: Document = {"model": target.model, "messages": draw(_messages())}
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
    "stop": st.none() | _WORDS | st.lists(_WORDS, min_size=1, max_size=4),
    "stream": st.booleans(),
    "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
}


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of everything in a document, but not of the document."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, below in entries:
        yield (*path, key)
        yield from _places(below, (*path, key))


@st.composite
def _spoilt(draw: st.DrawFn, documents: st.SearchStrategy[Document], schema: str) -> Document:
    """A good request in which one thing is taken away or replaced so that the schema no longer holds."""
    document = copy.deepcopy(draw(documents))
    known = list(load(schema)["properties"])
    path = draw(st.sampled_from([*_places(document), *((name,) for name in known)]))
    inner: Any = document
    for step in path[:-1]:
        inner = inner[step]
    if draw(st.booleans()) and isinstance(inner, dict):
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = draw(JSON)
    if validator(schema).is_valid(document):
        document.pop(draw(st.sampled_from(load(schema)["required"])), None)
    return document


def _anything(documents: st.SearchStrategy[Document]) -> st.SearchStrategy[bytes]:
    """Good requests with parameters of any name and value, JSON of any form, and bytes of no form."""
    with_junk = st.tuples(documents, st.dictionaries(_TEXT, JSON, max_size=3)).map(
        lambda pair: {**pair[0], **pair[1]}
    )
    cut = documents.map(_encoded).flatmap(lambda body: st.integers(0, len(body)).map(lambda n: body[:n]))
    return st.one_of(with_junk.map(_encoded), JSON.map(_encoded), cut, st.binary(max_size=200))

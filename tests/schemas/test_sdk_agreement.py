"""The wire schemas against the types of the official `openai` SDK, both ways.

From the SDK: instances of its types, every optional field set, unset and null, every literal in
turn, are valid under our main schemas. To the SDK: instances drawn from our strict schemas pass its
models in strict mode, and instances of the main schemas pass the lenient construction that its
client uses. And property by property: what one side knows and the other does not is listed below
with its reason, so that a new SDK field fails a test here rather than being missed.
"""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import typing_extensions
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.pagination import SyncPage
from openai.types import CompletionUsage, ErrorObject, Model
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionAssistantMessageParam,
    ChatCompletionChunk,
    ChatCompletionDeveloperMessageParam,
    ChatCompletionFunctionMessageParam,
    ChatCompletionMessage,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionSystemMessageParam,
    ChatCompletionTokenLogprob,
    ChatCompletionToolMessageParam,
    ChatCompletionUserMessageParam,
    chat_completion,
    chat_completion_chunk,
)
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.shared_params import FunctionDefinition, ResponseFormatJSONSchema
from pydantic import BaseModel
from referencing._core import Resolver
from wiremark_schemas import registry
from wiremark_schemas.explain import violations

# ------------------------------------------------------------- reading the SDK's annotations


def bare(annotation: Any) -> Any:
    """The annotation without Annotated, Required and NotRequired around it."""
    while get_origin(annotation) in {Annotated, typing_extensions.Required, typing_extensions.NotRequired}:
        annotation = get_args(annotation)[0]
    return annotation


def options(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation alone."""
    annotation = bare(annotation)
    if get_origin(annotation) in {Union, types.UnionType}:
        return tuple(part for member in get_args(annotation) for part in options(member))
    return (annotation,)


def fields(structure: Any) -> dict[str, tuple[Any, bool]]:
    """Wire name → annotation and whether it is required, of a pydantic model or a TypedDict."""
    if isinstance(structure, type) and issubclass(structure, BaseModel):
        return {
            field.alias or name: (field.annotation, field.is_required())
            for name, field in structure.model_fields.items()
        }
    hints = typing_extensions.get_type_hints(structure, include_extras=True)
    # not __required_keys__: with postponed annotations it knows nothing of Required
    marker: Any = typing_extensions.Required
    return {name: (hint, get_origin(hint) is marker) for name, hint in hints.items()}


def is_structure(annotation: Any) -> bool:
    model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return model or typing_extensions.is_typeddict(annotation)


SCALARS: dict[Any, tuple[str, Any]] = {
    str: ("string", "text"),
    int: ("integer", 1),
    float: ("number", 0.5),
    bool: ("boolean", True),
    object: ("any", {"type": "object"}),
    type(None): ("null", None),
}


@dataclass(frozen=True)
class Sampler:
    """Builds one instance of an annotation; `turn` decides which member of unions and literals."""

    turn: int
    optional: bool

    def value(self, annotation: Any) -> Any:
        choices = options(annotation)
        if len(choices) > 1 and self.optional:
            choices = tuple(choice for choice in choices if choice is not type(None))
        kind = choices[self.turn % len(choices)]
        origin = get_origin(kind)
        if kind in SCALARS:
            return SCALARS[kind][1]
        if is_structure(kind):
            return self.structure(kind)
        if origin is Literal:
            return get_args(kind)[self.turn % len(get_args(kind))]
        if origin is dict:
            return {"1": self.value(get_args(kind)[1])}
        # list, Iterable, and the SDK's protocol for a sequence that is not a string
        return [self.value(get_args(kind)[0])]

    def structure(self, kind: Any) -> dict[str, Any]:
        return {
            name: self.value(hint)
            for name, (hint, required) in fields(kind).items()
            if required or self.optional
        }


SAMPLERS = [Sampler(turn, optional) for turn in range(7) for optional in (True, False)]


def assert_valid(schema: str, document: Any) -> None:
    assert [str(found) for found in violations(registry.validator(schema), document)] == []


# ------------------------------------------------------------------- from the SDK to our schemas


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize(
    ("schema", "model"),
    [
        ("openai/chat.response", ChatCompletion),
        ("openai/chat.chunk", ChatCompletionChunk),
        ("openai/usage", CompletionUsage),
        ("openai/model", Model),
    ],
)
def test_what_the_sdk_can_hold_is_valid(schema: str, model: type[BaseModel], sampler: Sampler) -> None:
    instance = model.model_validate(sampler.structure(model), strict=True)
    for dump in (instance.model_dump(mode="json"), instance.model_dump(mode="json", exclude_unset=True)):
        assert_valid(schema, dump)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_an_error_and_a_page_of_models_of_the_sdk_are_valid(sampler: Sampler) -> None:
    error = ErrorObject.model_validate(sampler.structure(ErrorObject), strict=True)
    assert_valid("openai/error", {"error": error.model_dump(mode="json")})
    page = SyncPage[Model](object="list", data=[Model.model_validate(sampler.structure(Model))])
    assert_valid("openai/models.list", page.model_dump(mode="json"))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("params", [CompletionCreateParamsNonStreaming, CompletionCreateParamsStreaming])
def test_a_request_that_the_sdk_can_send_is_valid(params: Any, sampler: Sampler) -> None:
    assert_valid("openai/chat.request", sampler.structure(params))


MESSAGES: dict[str, Any] = {
    "developer": ChatCompletionDeveloperMessageParam,
    "system": ChatCompletionSystemMessageParam,
    "user": ChatCompletionUserMessageParam,
    "assistant": ChatCompletionAssistantMessageParam,
    "tool": ChatCompletionToolMessageParam,
    "function": ChatCompletionFunctionMessageParam,
}


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("role", MESSAGES)
def test_a_message_of_every_role_that_the_sdk_can_send_is_valid(role: str, sampler: Sampler) -> None:
    assert_valid("openai/chat.message", sampler.structure(MESSAGES[role]))


# ------------------------------------------------------------------- from our schemas to the SDK

Node = tuple[Mapping[str, Any], Resolver[Any]]  # a schema and where its references start from

TYPES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "string": st.text(min_size=1, max_size=6),
    "integer": st.integers(0, 200),
    "number": st.floats(-9, 0) | st.integers(-9, 0),
}


def node(schema: str) -> Node:
    return registry.load(schema), registry.registry().resolver(registry.BASE_URI + schema + ".json")


def referred(at: Node) -> Node:
    contents, resolver = at
    found = resolver.lookup(contents["$ref"])
    return found.contents, found.resolver


class Drawing:
    """Draws instances of the part of JSON Schema that our answers use.

    Conditionals must be discriminators: `if` a property has a value, `then` a schema.
    """

    def __init__(self, data: st.DataObject) -> None:
        self.draw = data.draw

    def flatten(self, at: Node) -> Iterator[Node]:
        """The plain schemas that hold together at one place; of alternatives one is drawn."""
        contents, resolver = at
        yield at
        if "$ref" in contents:
            yield from self.flatten(referred(at))
        if "anyOf" in contents:
            yield from self.flatten((self.draw(st.sampled_from(contents["anyOf"])), resolver))
        for part in contents.get("allOf", ()):
            if "if" not in part:
                yield from self.flatten((part, resolver))

    def instance(self, *at: Node) -> Any:
        plain = [part for one in at for part in self.flatten(one)]
        schemas = [contents for contents, _ in plain]
        if consts := [contents["const"] for contents in schemas if "const" in contents]:
            return consts[0]
        if enums := [contents["enum"] for contents in schemas if "enum" in contents]:
            return self.draw(st.sampled_from([v for v in enums[0] if all(v in enum for enum in enums)]))
        kinds = [contents["type"] for contents in schemas if "type" in contents]
        allowed = [[kind] if isinstance(kind, str) else kind for kind in kinds] or [["string"]]
        kind = self.draw(st.sampled_from([k for k in allowed[0] if all(k in others for others in allowed)]))
        if kind == "object":
            return self.object(plain)
        if kind == "array":
            items = [(contents["items"], resolver) for contents, resolver in plain if "items" in contents]
            least = max((contents.get("minItems", 0) for contents in schemas), default=0)
            size = self.draw(st.integers(least, 2)) if items else 0
            return [self.instance(*items) for _ in range(size)]
        return self.draw(TYPES[kind])

    def object(self, plain: list[Node]) -> dict[str, Any]:
        properties: dict[str, list[Node]] = {}
        required: set[str] = set()
        for contents, resolver in plain:
            for name, schema in contents.get("properties", {}).items():
                properties.setdefault(name, []).append((schema, resolver))
            required.update(contents.get("required", ()))
        drawn = {
            name: self.instance(*at)
            for name, at in properties.items()
            if name in required or self.draw(st.booleans())
        }
        for contents, resolver in plain:
            for part in contents.get("allOf", ()):
                if "if" in part and all(drawn[k] == s["const"] for k, s in part["if"]["properties"].items()):
                    drawn |= self.object(list(self.flatten((part["then"], resolver))))
        return drawn


STRICT: list[tuple[str, type[BaseModel]]] = [
    ("openai/chat.response.strict", ChatCompletion),
    ("openai/chat.chunk.strict", ChatCompletionChunk),
    ("openai/usage", CompletionUsage),
    ("openai/model", Model),
]
MAIN: list[tuple[str, type[BaseModel]]] = [
    ("openai/chat.response", ChatCompletion),
    ("openai/chat.chunk", ChatCompletionChunk),
    ("openai/models.list", SyncPage[Model]),
]


@pytest.mark.parametrize(("schema", "model"), STRICT)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_a_strict_schema_allows_the_sdk_takes_strictly(
    schema: str, model: type[BaseModel], data: st.DataObject
) -> None:
    document = Drawing(data).instance(node(schema))
    assert_valid(schema, document)  # the drawing itself is right
    model.model_validate(document, strict=True)


@pytest.mark.parametrize(("schema", "model"), MAIN)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_a_main_schema_allows_the_sdk_can_construct_and_give_back(
    schema: str, model: type[BaseModel], data: st.DataObject
) -> None:
    document = Drawing(data).instance(node(schema))
    assert_valid(schema, document)
    built = model.construct(**document)  # type: ignore[deprecated,unused-ignore]  # as the client does
    assert built.model_dump(mode="json", exclude_unset=True) == document


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_the_error_schema_allows_the_sdk_takes_strictly(data: st.DataObject) -> None:
    document = Drawing(data).instance(node("openai/error"))
    assert_valid("openai/error", document)
    ErrorObject.model_validate(document["error"], strict=True)


# ----------------------------------------------------------------------- property by property

PAIRS: dict[str, tuple[Any, str]] = {
    "request": (CompletionCreateParamsNonStreaming, "openai/chat.request#"),
    "function": (FunctionDefinition, "openai/tool#/$defs/function"),
    "response format": (ResponseFormatJSONSchema, "openai/response-format#"),
    **{f"{role} message": (shape, f"openai/chat.message#/$defs/{role}") for role, shape in MESSAGES.items()},
    "response": (ChatCompletion, "openai/chat.response#"),
    "response choice": (chat_completion.Choice, "openai/chat.response#/$defs/choice"),
    "response message": (ChatCompletionMessage, "openai/chat.response#/$defs/message"),
    "chunk": (ChatCompletionChunk, "openai/chat.chunk#"),
    "chunk choice": (chat_completion_chunk.Choice, "openai/chat.chunk#/$defs/choice"),
    "delta": (chat_completion_chunk.ChoiceDelta, "openai/chat.chunk#/$defs/delta"),
    "delta tool call": (chat_completion_chunk.ChoiceDeltaToolCall, "openai/chat.chunk#/$defs/tool-call"),
    "tool call": (ChatCompletionMessageFunctionToolCall, "openai/tool-call#"),
    "logprobs": (chat_completion.ChoiceLogprobs, "openai/logprobs#"),
    "token": (ChatCompletionTokenLogprob, "openai/logprobs#/$defs/token"),
    "usage": (CompletionUsage, "openai/usage#"),
    "model": (Model, "openai/model#"),
    "error": (ErrorObject, "openai/error#/$defs/error"),
}

ALLOWED = {
    "developer message: only the SDK has role": "the role is judged by the message schema around it",
    "system message: only the SDK has role": "as above",
    "user message: only the SDK has role": "as above",
    "assistant message: only the SDK has role": "as above",
    "tool message: only the SDK has role": "as above",
    "function message: only the SDK has role": "as above",
    "assistant message: only the schema has annotations": "a server emits it, so it comes back",
    "assistant message: only the schema has reasoning_content": "an extension that comes back on tool turns",
    "response message: only the schema has reasoning_content": "an extension that agents read",
    "delta: only the schema has reasoning_content": "an extension that agents read",
    "response format: only the SDK has json_schema": "required by the schema when the type is json_schema",
    "tool call: only the SDK has function": "required by the schema when the type is function",
    "request: the schema adds to prompt_cache_retention: in-memory": "the word of earlier releases",
    "request: the schema adds to function_call: text": "its words are in an if/then, judged elsewhere",
    "request: the schema adds to tool_choice: text": "its words are in an if/then, judged elsewhere",
    "response: the schema adds to service_tier: text": "servers have tiers of their own; strict has the list",
    "chunk: the schema adds to service_tier: text": "servers have tiers of their own; strict has the list",
    "delta: the schema adds to role: text": "the role of a stream is a check of its own; strict has the list",
    "delta tool call: the schema adds to type: text": "the type in a stream is a check of its own",
    "response format: the schema adds to type: json_object, text": "one schema for three SDK types",
    "tool call: the schema adds to type: custom": "one schema for two SDK types",
}


def kinds_of_annotation(annotation: Any) -> set[str]:
    """JSON types and literals that an annotation admits; "text" is any string."""
    found: set[str] = set()
    for kind in options(annotation):
        if get_origin(kind) is Literal:
            found.update("boolean" if isinstance(value, bool) else str(value) for value in get_args(kind))
        elif kind is str:
            found.add("text")
        elif kind in SCALARS:
            found.add(SCALARS[kind][0])
        elif is_structure(kind) or get_origin(kind) in {dict, collections.abc.Mapping}:
            found.add("object")
        else:
            found.add("array")
    return found


def kinds_of_schema(at: Node) -> set[str]:
    contents, resolver = at
    if "$ref" in contents:
        return kinds_of_schema(referred(at))
    if "anyOf" in contents:
        return {kind for part in contents["anyOf"] for kind in kinds_of_schema((part, resolver))}
    if "const" in contents or "enum" in contents:
        values = contents.get("enum", [contents.get("const")])
        return {"null" if value is None else str(value) for value in values}
    kinds = contents.get("type", [])
    return {"text" if kind == "string" else kind for kind in ([kinds] if isinstance(kinds, str) else kinds)}


def differences(label: str, structure: Any, at: Node) -> Iterable[str]:
    contents, resolver = at
    if "$ref" in contents:
        contents, resolver = referred(at)
    ours, theirs = contents["properties"], fields(structure)
    yield from (f"{label}: only the SDK has {name}" for name in theirs.keys() - ours.keys())
    yield from (f"{label}: only the schema has {name}" for name in ours.keys() - theirs.keys())
    for name in theirs.keys() & ours.keys():
        mine, sdk = kinds_of_schema((ours[name], resolver)), kinds_of_annotation(theirs[name][0])
        covered = {"text"} if "text" in mine else set()
        missing = {
            kind for kind in sdk - mine if not (covered and kind not in {"null", *TYPES, "object", "array"})
        }
        if missing:
            yield f"{label}: the schema refuses for {name}: {', '.join(sorted(missing))}"
        extra = mine - sdk - {"null"}  # null stands for absence wherever the SDK may leave a key out
        if extra:
            yield f"{label}: the schema adds to {name}: {', '.join(sorted(extra))}"
        if mine >= {"null"} and "null" not in sdk and theirs[name][1]:
            yield f"{label}: the schema allows null for the required {name}"


def test_both_sides_know_the_same_properties_with_the_same_types() -> None:
    found: set[str] = set()
    for label, (structure, place) in PAIRS.items():
        schema, _, pointer = place.partition("#")
        _, resolver = node(schema)
        resolved = resolver.lookup(f"{registry.BASE_URI}{schema}.json#{pointer}")
        found.update(differences(label, structure, (resolved.contents, resolved.resolver)))
    assert found == set(ALLOWED)


def test_what_the_sdk_requires_the_main_schemas_require_as_well() -> None:
    for label, (structure, place) in PAIRS.items():
        schema, _, pointer = place.partition("#")
        resolved = node(schema)[1].lookup(f"{registry.BASE_URI}{schema}.json#{pointer}")
        required = {name for name, (_, needed) in fields(structure).items() if needed}
        optional_here = {"role", "function", "json_schema"}  # by the schema around it, or by an if/then
        followed = resolved.contents
        if "$ref" in followed:
            followed = referred((followed, resolved.resolver))[0]
        assert required - optional_here <= set(followed.get("required", ())), label

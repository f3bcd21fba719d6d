"""Reading the types of an official SDK and holding them against our schemas, in both directions.

`Sampler` builds instances of SDK types; `Drawing` draws instances of our schemas; `differences`
compares the two property by property.
"""

from __future__ import annotations

import collections.abc
import json
import os
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Annotated, Any, Literal, Union, get_args, get_origin

import typing_extensions
from hypothesis import strategies as st
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
    """The members of a union that JSON can carry, or the annotation alone."""
    annotation = bare(annotation)
    if get_origin(annotation) in {Union, types.UnionType}:
        return tuple(part for member in get_args(annotation) for part in options(member) if not is_file(part))
    return (annotation,)


def is_file(annotation: Any) -> bool:
    """Whether an SDK reads a file here and sends its bytes as text."""
    return get_origin(annotation) in {IO, os.PathLike} or annotation in {IO, os.PathLike}


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
    datetime: ("text", "2026-01-02T03:04:05Z"),
    type(None): ("null", None),
}


@dataclass(frozen=True)
class Sampler:
    """Builds one instance of an annotation; `turn` decides which member of unions and literals.

    fixed: values by field name, where any value of the annotated type would not do
    added: keys by name of the structure, which our schemas require and the SDK's types do not
    """

    turn: int
    optional: bool
    fixed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    added: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

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
        return dict(self.added.get(kind.__name__, {})) | {
            name: self.fixed[name] if name in self.fixed else self.value(hint)
            for name, (hint, required) in fields(kind).items()
            if required or self.optional
        }


def samplers(
    turns: int = 7,
    fixed: Mapping[str, Any] | None = None,
    added: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Sampler]:
    return [
        Sampler(turn, optional, fixed or {}, added or {})
        for turn in range(turns)
        for optional in (True, False)
    ]


SAMPLERS = samplers()


def assert_valid(schema: str, document: Any) -> None:
    assert [str(found) for found in violations(registry.validator(schema), document)] == []


# ------------------------------------------------------------------- drawing from our schemas

ABSENT = object()  # a property that was drawn to be left out
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
        types = [contents["type"] for contents in schemas if "type" in contents]
        allowed = [[kind] if isinstance(kind, str) else kind for kind in types] or [["string"]]
        kind = self.draw(st.sampled_from([k for k in allowed[0] if all(k in others for others in allowed)]))
        if kind == "object":
            return self.object(plain)
        if kind == "array":
            items = [(contents["items"], resolver) for contents, resolver in plain if "items" in contents]
            least = max((contents.get("minItems", 0) for contents in schemas), default=0)
            size = self.draw(st.integers(least, 2)) if items else 0
            return [self.instance(*items) for _ in range(size)]
        if kind == "string" and (patterns := [one["pattern"] for one in schemas if "pattern" in one]):
            return self.draw(st.from_regex(patterns[0], fullmatch=True))
        if kind == "integer" and (least := max(one.get("minimum", 0) for one in schemas)):
            return self.draw(st.integers(least, min(one.get("maximum", least + 200) for one in schemas)))
        return self.draw(TYPES[kind])

    def object(self, plain: list[Node]) -> dict[str, Any]:
        parts, drawn = list(plain), dict[str, Any]()
        for contents, resolver in parts:  # grows: what a discriminator adds may discriminate further
            for part in contents.get("allOf", ()):
                if "if" in part and all(
                    self.value(drawn, parts, name) in (one.get("enum") or [one["const"]])
                    for name, one in part["if"]["properties"].items()
                ):
                    parts.extend(self.flatten((part["then"], resolver)))
        for name in dict.fromkeys(name for contents, _ in parts for name in contents.get("properties", ())):
            self.value(drawn, parts, name)
        return {name: value for name, value in drawn.items() if value is not ABSENT}

    def value(self, drawn: dict[str, Any], parts: list[Node], name: str) -> Any:
        """The value of a property, drawn once from all that is said of it, or ABSENT."""
        if name not in drawn:
            said = [(one["properties"][name], at) for one, at in parts if name in one.get("properties", ())]
            required = any(name in contents.get("required", ()) for contents, _ in parts)
            allowed = said and all(schema is not False for schema, _ in said)
            wanted = allowed and (required or self.draw(st.booleans()))
            drawn[name] = self.instance(*said) if wanted else ABSENT
        return drawn[name]


# ----------------------------------------------------------------------- property by property


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
    ours, theirs = contents.get("properties", {}), fields(structure)
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


def place_differences(label: str, structure: Any, place: str) -> Iterable[str]:
    """`differences` of an SDK type and the schema at `place`, such as `openai/usage#/$defs/strict`."""
    at = found(place)
    if "$ref" in at[0]:
        at = referred(at)
    yield from differences(label, structure, at)
    required = {name for name, (_, needed) in fields(structure).items() if needed}
    ours = set(at[0].get("required", ()))
    yield from (f"{label}: only the SDK requires {name}" for name in required - ours)


def found(place: str) -> Node:
    """The schema at `place`, and where its references start from."""
    schema, _, pointer = place.partition("#")
    _, resolver = node(schema)
    resolved = resolver.lookup(f"{registry.BASE_URI}{schema}.json#{pointer}")
    return resolved.contents, resolved.resolver


def narrowed(overlay: Mapping[str, Any]) -> Node:
    """A schema of a test's own that holds beside another, to draw only what the test can judge."""
    return overlay, registry.registry().resolver()


def held(model: type[BaseModel], sampler: Sampler) -> Iterator[Any]:
    """What the SDK gives back of an instance of its type: all of it, and only what was set."""
    instance = model.model_validate_json(json.dumps(sampler.structure(model)), strict=True)
    for unset in (False, True):
        yield json.loads(instance.model_dump_json(by_alias=True, exclude_unset=unset))

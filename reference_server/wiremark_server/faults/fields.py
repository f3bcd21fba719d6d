"""The fields of a document, read from its JSON Schema: where each is, and what it may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wiremark_schemas import registry

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a document.

    pointer:  with `*` for every entry of an array
    required: the object must have it
    types:    the JSON types it may have, all schemas agreeing; empty when the schemas do not say
    nullable: null is among what it may be
    fixed:    the values it may have, when they are listed
    minimum:  of a number
    """

    pointer: str
    required: bool
    types: frozenset[str]
    nullable: bool
    fixed: tuple[Any, ...] = ()
    minimum: int | None = None


def fields(schema: str, depth: int = 6) -> tuple[Field, ...]:
    """The fields that the schema of this name describes, outer ones first.

    depth: how many names deep; documents that hold themselves have no end
    """
    return tuple(_walk("", [(schema, registry.load(schema))], depth))


# A node with the name of the schema document that it stands in, against which references resolve.
_Placed = tuple[str, Node]


def _walk(prefix: str, nodes: Sequence[_Placed], depth: int) -> Iterator[Field]:
    """Everything below a place that all of `nodes` describe."""
    flat = [inner for node in nodes for inner in _resolved(*node)]
    names = dict.fromkeys(name for _, node in flat for name in node.get("properties", ()))
    for name in names:
        pointer = f"{prefix}/{name}"
        below = [
            (home, node["properties"][name]) for home, node in flat if name in node.get("properties", ())
        ]
        required = any(name in node.get("required", ()) for _, node in flat)
        yield _field(pointer, below, required=required)
        if depth > 1:
            yield from _walk(pointer, below, depth - 1)
    items = [(home, node["items"]) for home, node in flat if "items" in node]
    if items:
        yield from _walk(f"{prefix}/*", items, depth)


def _resolved(home: str, node: Node) -> list[_Placed]:
    """A node with what it refers to or is put together from; of alternatives those that are not null."""
    found: list[_Placed] = [(home, node)]
    if "$ref" in node:
        found += _resolved(*_referred(home, node["$ref"]))
    for part in node.get("allOf", ()):
        found += _resolved(home, part.get("then", part))
    alternatives = [part for part in node.get("anyOf", ()) if part.get("type") != "null"]
    if len(alternatives) == 1:
        found += _resolved(home, alternatives[0])
    return found


def _referred(home: str, reference: str) -> _Placed:
    file, _, path = reference.partition("#")
    name = f"{home.rpartition('/')[0]}/{file.removesuffix('.json')}" if file else home
    node: Any = registry.load(name)
    for step in path.split("/")[1:]:
        node = node[step]
    return name, node


def _field(pointer: str, nodes: Sequence[_Placed], *, required: bool) -> Field:
    # `anyOf: [null, X]` makes X nullable; every node that stands beside it must allow null too.
    nullable = all(_allows_null(home, node) for home, node in nodes)
    flat = [node for placed in nodes for _, node in _resolved(*placed)]
    listed = [node["enum"] for node in flat if "enum" in node]
    listed += [[node["const"]] for node in flat if "const" in node]
    types = [frozenset(_as_list(node["type"])) - {"null"} for node in flat if "type" in node]
    return Field(
        pointer,
        required,
        frozenset.intersection(*types) if types else frozenset(),
        nullable,
        tuple(listed[0]) if listed else (),
        next((node["minimum"] for node in flat if "minimum" in node), None),
    )


def _allows_null(home: str, node: Node) -> bool:
    if "anyOf" in node:
        return any(_allows_null(home, part) for part in node["anyOf"])
    if "const" in node or "enum" in node:
        return None in (node["enum"] if "enum" in node else [node["const"]])
    if "type" in node and "null" not in _as_list(node["type"]):
        return False
    return "$ref" not in node or _allows_null(*_referred(home, node["$ref"]))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

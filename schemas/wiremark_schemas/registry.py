"""Every JSON Schema of the project by its name, references resolved from the package alone.

A schema's name is its path below this folder without `.json` (`openai/chat.response`); its `$id` is
`https://wiremark.invalid/schemas/` + that name, so a relative `$ref` such as `chat.message.json`
reads the same in an editor, in the judge and in the server. Nothing is ever fetched.

The validator takes longer to import than many a program that only reads the documents takes to start, so
only who validates waits for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from referencing import Registry

BASE_URI = "https://wiremark.invalid/schemas/"
_SUFFIX = ".json"


def _json_files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            yield from _json_files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield f"{prefix}{entry.name.removesuffix(_SUFFIX)}", entry


@cache
def names() -> tuple[str, ...]:
    """The names of all schemas, sorted."""
    return tuple(sorted(name for name, _ in _json_files(files("wiremark_schemas"))))


@cache
def load(name: str) -> dict[str, Any]:
    """The schema document called `name`.

    Raises KeyError, naming the known schemas, when there is none.
    """
    entry = files("wiremark_schemas").joinpath(name + _SUFFIX)
    if not entry.is_file():
        raise KeyError(f"no schema is called {name!r}; there are: {', '.join(names())}")
    document: dict[str, Any] = json.loads(entry.read_text(encoding="utf-8"))
    return document


@cache
def registry() -> Registry[Any]:
    """All schemas as a `referencing` registry, for validators that follow references offline."""
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    return Registry().with_resources(
        (f"{BASE_URI}{name}{_SUFFIX}", DRAFT202012.create_resource(load(name))) for name in names()
    )


@cache
def validator(name: str, definition: str | None = None) -> Draft202012Validator:
    """A validator for the schema `name`, or for one of its `$defs`."""
    from jsonschema import Draft202012Validator

    schema: dict[str, Any] = load(name)
    if definition is not None:
        schema = {"$ref": f"{BASE_URI}{name}{_SUFFIX}#/$defs/{definition}"}
    return Draft202012Validator(schema, registry=registry())

"""Hypothesis strategies: good requests, requests that are wrong in one place, and anything at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from wiremark_schemas.registry import load, validator

from wiremark_conformance.properties import Document, Kind, Property, model_of
from wiremark_conformance.properties.valid import VALID
from wiremark_conformance.properties.values import JSON, TEXT
from wiremark_conformance.target import Target

Path = tuple[str | int, ...]
# What takes the place of a good value. Of protobuf's JSON, null, numbers and words can stand for one another.
_WRONG = {"gemini": st.booleans() | st.lists(JSON, max_size=3) | st.dictionaries(TEXT, JSON, max_size=3)}


def requests(wanted: Property, target: Target) -> st.SearchStrategy[bytes]:
    """Bodies of this kind for the surface, as they are sent."""
    base = wanted.surface.base(model_of(target, wanted.surface))
    documents = VALID[wanted.surface.name](target, base)
    wrong = _WRONG.get(wanted.surface.name, JSON)
    table: Mapping[Kind, st.SearchStrategy[bytes]] = {
        "valid": documents.map(_encoded),
        "invalid": _spoilt(documents, wanted.surface.schema, wrong).map(_encoded),
        "any": _anything(documents),
    }
    return table[wanted.kind]


def _encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of everything in a document, but not of the document."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, below in entries:
        yield (*path, key)
        yield from _places(below, (*path, key))


@st.composite
def _spoilt(
    draw: st.DrawFn, documents: st.SearchStrategy[Document], schema: str, wrong: st.SearchStrategy[Any]
) -> Document:
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
        inner[path[-1]] = draw(wrong)
    if validator(schema).is_valid(document):
        document.pop(draw(st.sampled_from(load(schema)["required"])), None)
    return document


def _anything(documents: st.SearchStrategy[Document]) -> st.SearchStrategy[bytes]:
    """Good requests with parameters of any name and value, JSON of any form, and bytes of no form."""
    with_junk = st.tuples(documents, st.dictionaries(TEXT, JSON, max_size=3)).map(
        lambda pair: {**pair[0], **pair[1]}
    )
    cut = documents.map(_encoded).flatmap(lambda body: st.integers(0, len(body)).map(lambda n: body[:n]))
    return st.one_of(with_junk.map(_encoded), JSON.map(_encoded), cut, st.binary(max_size=200))

"""Lines of values in JSON texts, found by pointer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wiremark_schemas.jsonplace import line_of

TEXT = """{
  "log": {"version": "1.2",
    "entries": [
      {"a": 1},
      {"a/b": {"c~d": [
        true, null, "}]{["]}}
    ]
  },
  "end": 3
}"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 1),
        ("/log", 2),
        ("/log/version", 2),
        ("/log/entries", 3),
        ("/log/entries/0/a", 4),
        ("/log/entries/1", 5),
        ("/log/entries/1/a~1b/c~0d/1", 6),
        ("/end", 9),
        ("/log/entries/7", 3),
        ("/end/x", 9),
        ("/missing", 1),
    ],
)
def test_a_value_is_found_on_its_line(pointer: str, line: int) -> None:
    assert line_of(TEXT, pointer) == line


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(_VALUES)
def test_every_key_of_a_printed_document_is_on_the_line_that_names_it(document: Any) -> None:
    text = json.dumps(document, indent=1)
    lines = text.split("\n")

    def walk(value: Any, pointer: str) -> None:
        members = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, inner in members:
            below = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
            shown = f"{json.dumps(key)}: " if isinstance(value, dict) else ""
            assert lines[line_of(text, below) - 1].strip().startswith(shown + json.dumps(inner, indent=1)[:1])
            walk(inner, below)

    walk(document, "")

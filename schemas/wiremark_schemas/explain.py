"""A validation error as a sentence: where, what was expected, what was found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_SHOWN = 120  # characters of a received value that a sentence quotes


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a document departs from its schema.

    pointer:  RFC 6901 pointer into the document, "" for the whole of it
    expected: what the schema asks for, in words
    received: what stands there, as JSON, shortened
    """

    pointer: str
    expected: str
    received: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the document'}: expected {self.expected}, got {self.received}"


def pointer(path: Iterable[str | int]) -> str:
    """RFC 6901 pointer of a path of keys and positions."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def shorten(value: Any) -> str:
    """`value` as JSON on one line, cut to a length that fits a sentence."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _expected(error: ValidationError) -> str:
    rule: Any = error.validator
    wanted: Any = error.validator_value
    instance: Any = error.instance
    match rule:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else list(wanted)
            return "type " + " or ".join(kinds)
        case "const":
            return shorten(wanted)
        case "enum":
            return "one of " + ", ".join(shorten(choice) for choice in wanted)
        case "required":
            missing = [key for key in wanted if key not in instance]
            return "the key " + ", ".join(repr(key) for key in missing)
        case "additionalProperties" | "unevaluatedProperties":
            known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
            extra = [key for key in instance if key not in known]
            return "no key " + ", ".join(repr(key) for key in extra)
        case "minItems":
            return f"at least {wanted} item(s)"
        case "maxItems":
            return f"at most {wanted} item(s)"
        case "minLength":
            return f"at least {wanted} character(s)"
        case "maxLength":
            return f"at most {wanted} character(s)"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            words = {
                "minimum": "at least",
                "maximum": "at most",
                "exclusiveMinimum": "more than",
                "exclusiveMaximum": "less than",
            }
            return f"{words[rule]} {wanted}"
        case "pattern":
            return f"text matching {wanted}"
        case False | None:
            return "nothing here"
        case _:
            return error.message


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The errors that say most: of alternatives, those of the branch that went furthest."""
    if not error.context:
        yield error
        return
    deepest = max(len(sub.absolute_path) for sub in error.context)
    if deepest <= len(error.absolute_path) and error.validator in {"anyOf", "oneOf"}:
        types = {sub.validator for sub in error.context}
        if types == {"type"}:
            yield error
            return
    branch = max(
        error.context,
        key=lambda sub: (len(sub.absolute_path), sub.validator != "const", sub.validator != "type"),
    )
    yield from _leaves(branch)


def _violation(error: ValidationError) -> Violation:
    expected = _expected(error)
    if error.validator in {"anyOf", "oneOf"} and error.context:
        expected = " or ".join(dict.fromkeys(_expected(sub) for sub in error.context))
    return Violation(pointer(error.absolute_path), expected, shorten(error.instance))


def violations(validator: Draft202012Validator, document: Any) -> list[Violation]:
    """Every violation of `document`, in document order; empty when it is valid."""
    errors = sorted(validator.iter_errors(document), key=lambda e: [str(step) for step in e.absolute_path])
    found = (_violation(leaf) for error in errors for leaf in _leaves(error))
    return list(dict.fromkeys(found))

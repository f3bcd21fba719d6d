"""What can be wrong with a field, and what must catch it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from wiremark_server.faults.change import Change, put, take
from wiremark_server.faults.edit import Edit, Form, Where, everywhere
from wiremark_server.faults.fault import CONTRACT, Fault
from wiremark_server.faults.fields import Field, fields


@dataclass(frozen=True, slots=True)
class Rule:
    """What must catch a change of the fields that `pointer` matches; `change` narrows it down."""

    pointer: str
    catches: tuple[str, ...]
    change: str = "*"


def rule(pointer: str, *catches: str, change: str = "*") -> Rule:
    return Rule(pointer, catches, change)


@dataclass(frozen=True, slots=True)
class Family:
    """The fields of one schema in the answers of one operation.

    rules:  the last matches everything
    allows: patterns of what looks at these answers, and may find more than what is owed
    absent: pointers, with `:change` to narrow them down, of what this server's answers never hold or of
            what is legal after all
    """

    name: str
    schema: str
    operation: str | None
    form: Form
    rules: Sequence[Rule]
    allows: tuple[str, ...]
    absent: tuple[str, ...] = ()
    where: Where = everywhere
    contract: str = CONTRACT


@dataclass(frozen=True, slots=True)
class Mutation:
    """says: what the field then is, as the end of a sentence"""

    field: Field
    name: str
    says: str
    change: Change


def mutations(family: Family) -> Iterator[Mutation]:
    """Every change of a family's fields that the schema forbids."""
    for field in fields(family.schema):
        for mutation in _of(field):
            if not any(_matches(mutation, pattern) for pattern in family.absent):
                yield mutation


def _of(field: Field) -> Iterator[Mutation]:
    if field.required:
        yield Mutation(field, "missing", "is missing", take(field.pointer))
    wrong = _of_other_type(field)
    values: list[tuple[str, str, Any, bool]] = [
        ("null", "is null", None, not field.nullable),
        ("type", f"is {wrong!r}", wrong, True),
        ("other", "is a value that is not listed", "wiremark", bool(field.fixed)),
        ("fraction", "is a fraction", 10.5, "integer" in field.types),
        ("negative", "is negative", -1, field.minimum == 0),
    ]
    for name, says, value, forbidden in values:
        if forbidden:
            yield Mutation(field, name, says, put(field.pointer, value, absent_too=False))


def _of_other_type(field: Field) -> Any:
    """A value of a type that the field must not have."""
    if field.fixed or "string" in field.types:
        return 17
    if field.types & {"integer", "number", "boolean"}:
        return "17"
    return "[]" if "array" in field.types else "{}"


def _matches(mutation: Mutation, pattern: str) -> bool:
    pointer, _, change = pattern.partition(":")
    return fnmatchcase(mutation.field.pointer, pointer) and fnmatchcase(mutation.name, change or "*")


def shape_fault(family: Family, mutation: Mutation, edit: Edit, *, name: str = "", where: str = "") -> Fault:
    """The fault of one mutation. name, where: other words for the family, in the name and the sentence."""
    pointer = mutation.field.pointer
    found = next(
        r for r in family.rules if fnmatchcase(pointer, r.pointer) and fnmatchcase(mutation.name, r.change)
    )
    return Fault(
        f"shape.{name or family.name}{pointer.replace('/*', '').replace('/', '.')}.{mutation.name}",
        "shape",
        f"In {where or f'the {family.name}'} `{pointer}` {mutation.says}.",
        (edit,),
        found.catches,
        family.allows,
        derived=True,
        contract=family.contract,
    )

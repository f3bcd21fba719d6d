"""A JSON document that is valid against a JSON Schema, or a clear refusal.

`generate` builds a candidate from the keywords below, seeded and coloured with words of the user's message,
then has it judged by an independent validator; what does not validate is never returned.

Understood: type (also a list), enum, const, properties, required, additionalProperties, minProperties,
items, prefixItems, minItems, maxItems, uniqueItems, contains, minLength, maxLength, format, pattern (see
`strings`), minimum, maximum, exclusive bounds, multipleOf, anyOf, oneOf, allOf, $ref inside the document
($defs, recursion), default and examples. Anything else (not, if/then/else, dependent…, patternProperties)
is not steered by, only validated against: generation succeeds when the candidate happens to comply.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from wiremark_server.engine import strings
from wiremark_server.engine.keywords import is_kind, merge, same
from wiremark_server.engine.protocol import UnsupportedSchema

MAX_DEPTH = 24  # of nesting, recursion through $ref included
OPTIONAL_DEPTH = 3  # optional properties are filled in down to here, which ends recursive schemas soon
MAX_ITEMS = 10_000  # the longest array that minItems may ask for
ATTEMPTS = 12  # candidates tried before refusing; oneOf and uniqueItems are found by trying

Schema = Mapping[str, Any] | bool


@dataclass(frozen=True, slots=True)
class Hints:
    """What the document may speak of: the message, things and numbers named in it, spare words, a seed."""

    said: str = ""
    names: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    words: tuple[str, ...] = (" word",)
    seed: int = 0


class _DeadEnd(Exception):  # noqa: N818 - a signal inside the search, never an error outside
    """This branch of the schema has no document within bounds; the text says why."""


def generate(schema: Schema, hints: Hints) -> Any:
    """A document valid against `schema`; the same for the same hints. Raises UnsupportedSchema."""
    try:
        validator = jsonschema_rs.validator_for(
            dict(schema) if isinstance(schema, Mapping) else schema, validate_formats=True, retriever=_refuse
        )
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "it cannot be compiled"
        raise UnsupportedSchema(f"the JSON Schema is not usable: {reason}") from None
    why = "no document valid against it was found"
    for attempt in range(ATTEMPTS):
        try:
            document = _Builder(schema, hints, attempt).build(schema, 0, "")
        except _DeadEnd as dead_end:
            why = str(dead_end)
        except RecursionError:
            why = "it recurses without end"
        else:
            if validator.is_valid(document):
                return document
    raise UnsupportedSchema(f"the JSON Schema cannot be honoured by this engine: {why}")


def _refuse(uri: str) -> Any:
    raise ValueError(f"a reference outside the schema is not followed: {uri}")


class _Builder:
    """One attempt. Attempt 0 prefers the first alternatives and the shortest forms, later ones shuffle."""

    def __init__(self, root: Schema, hints: Hints, attempt: int) -> None:
        self._root = root
        self._hints = hints
        self._attempt = attempt
        self._rng = random.Random(hints.seed * 31 + attempt)  # noqa: S311 - test data, not secrets
        self._names = list(hints.names)

    def build(self, schema: Schema, depth: int, name: str) -> Any:
        """name: the property being filled, which tells what a free string should say."""
        if schema is False:
            raise _DeadEnd("a part of it allows no value at all")
        if schema is True:
            schema = {}
        if depth > MAX_DEPTH:
            raise _DeadEnd(f"it needs more than {MAX_DEPTH} levels of nesting")
        why: _DeadEnd | None = None
        for flat in self._alternatives(schema, 0):
            for kind in self._kinds(flat):
                try:
                    return self._value(flat, kind, depth, name)
                except _DeadEnd as dead_end:
                    why = why or dead_end
        raise why or _DeadEnd("its parts contradict each other")

    # -- reducing a schema to plain keyword sets -------------------------------------------------------

    def _alternatives(self, schema: Mapping[str, Any], hops: int) -> Iterator[dict[str, Any]]:
        """The schema as flat keyword sets without $ref, allOf, anyOf and oneOf, in order of preference."""
        if hops > 64:
            raise _DeadEnd("it refers to itself without ever describing a value")
        rest = dict(schema)
        parts: list[list[Schema]] = []
        reference = rest.pop("$ref", None)
        if reference is not None:
            parts.append([self._resolve(reference)])
        parts.extend([part] for part in rest.pop("allOf", ()))
        for keyword in ("anyOf", "oneOf"):
            options = list(rest.pop(keyword, ()))
            if options:
                if self._attempt:
                    self._rng.shuffle(options)
                else:  # nullable unions: the value rather than null
                    options.sort(
                        key=lambda option: isinstance(option, Mapping) and option.get("type") == "null"
                    )
                parts.append(options)
        yield from self._product(rest, parts, hops)

    def _product(
        self, base: dict[str, Any], parts: Sequence[Sequence[Schema]], hops: int
    ) -> Iterator[dict[str, Any]]:
        if not parts:
            yield base
            return
        for option in parts[0]:
            if option is False:
                continue
            flats: Iterator[dict[str, Any]] = (
                iter(({},)) if option is True else self._alternatives(option, hops + 1)
            )
            for flat in flats:
                merged = merge(base, flat)
                if merged is not None:
                    yield from self._product(merged, parts[1:], hops)

    def _resolve(self, reference: str) -> Schema:
        if not reference.startswith("#"):
            raise _DeadEnd(f"the reference {reference!r} leads outside the schema")
        found: Any = self._root
        for token in reference[1:].split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise _DeadEnd(f"the reference {reference!r} leads nowhere") from None
        if not isinstance(found, (Mapping, bool)):
            raise _DeadEnd(f"the reference {reference!r} does not lead to a schema")
        return found

    def _kinds(self, flat: Mapping[str, Any]) -> list[str]:
        """Types to try, most telling first."""
        declared = flat.get("type")
        if isinstance(declared, str):
            return [declared]
        if isinstance(declared, list):
            return sorted(declared, key=lambda kind: kind == "null")
        for kind, keywords in _TELLING.items():
            if any(keyword in flat for keyword in keywords):
                return [kind, *(other for other in _TELLING if other != kind)]
        return ["string", "object", "array", "integer", "number", "boolean", "null"]

    # -- values ----------------------------------------------------------------------------------------

    def _value(self, flat: Mapping[str, Any], kind: str, depth: int, name: str) -> Any:
        if "const" in flat:
            return flat["const"]
        if "enum" in flat:
            return self._member(flat, kind)
        match kind:
            case "object":
                return self._object(flat, depth)
            case "array":
                return self._array(flat, depth, name)
            case "string":
                return self._string(flat, name)
            case "integer" | "number":
                return self._number(flat, whole=kind == "integer")
            case "boolean":
                return self._rng.random() < 0.5
            case _:
                return None

    def _member(self, flat: Mapping[str, Any], kind: str) -> Any:
        members = [member for member in flat["enum"] if "type" not in flat or is_kind(member, kind)]
        if not members:
            raise _DeadEnd("an enum has no member of the type beside it")
        said = self._hints.said.lower()
        mentioned = [
            member for member in members if isinstance(member, str) and member and member.lower() in said
        ]
        return mentioned[0] if mentioned and not self._attempt else self._rng.choice(members)

    def _object(self, flat: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties: Mapping[str, Schema] = flat.get("properties", {})
        required: Sequence[str] = flat.get("required", ())
        extra: Schema = flat.get("additionalProperties", True)
        out: dict[str, Any] = {}
        most = flat.get("maxProperties", math.inf)
        optional = depth < OPTIONAL_DEPTH and self._attempt < ATTEMPTS // 2
        for key, schema in properties.items():
            if key in required:
                out[key] = self.build(schema, depth + 1, key)
            elif optional and len(out) + sum(1 for other in required if other not in out) < most:
                try:
                    out[key] = self.build(schema, depth + 1, key)
                except _DeadEnd:
                    continue  # an optional property that cannot be filled is left out
        for key in required:
            if key not in out:
                out[key] = self.build(extra, depth + 1, key)
        number = 0
        while len(out) < flat.get("minProperties", 0):
            left = [key for key in properties if key not in out]
            key = left[0] if left else f"extra_{(number := number + 1)}"
            out[key] = self.build(properties.get(key, extra), depth + 1, key)
        return out

    def _array(self, flat: Mapping[str, Any], depth: int, name: str) -> list[Any]:
        prefix: Sequence[Schema] = flat.get("prefixItems", ())
        items: Schema = flat.get("items", True)
        if isinstance(items, Sequence):  # the tuple form of drafts before 2020-12
            prefix, items = items, flat.get("additionalItems", True)
        least, most = int(flat.get("minItems", 0)), int(flat.get("maxItems", MAX_ITEMS))
        contains: Schema | None = flat.get("contains")
        if contains is not None:
            least = max(least, int(flat.get("minContains", 1)))
        if least > MAX_ITEMS:
            raise _DeadEnd(f"an array needs more than {MAX_ITEMS} items")
        shallow = 1 + self._rng.randrange(3) if depth < OPTIONAL_DEPTH and items is not False else 0
        length = min(most, max(least, len(prefix), shallow if items is not True else least))
        if items is False:
            length = min(length, len(prefix))
        out: list[Any] = []
        for position in range(length):
            if position < len(prefix):
                schema: Schema = prefix[position]
            elif contains is not None and position < len(prefix) + int(flat.get("minContains", 1)):
                schema = contains if items is True else {"allOf": [contains, items]}
            else:
                schema = items
            try:
                value = self._fresh(schema, depth, name, out) if flat.get("uniqueItems") else None
                out.append(value if flat.get("uniqueItems") else self.build(schema, depth + 1, name))
            except _DeadEnd:
                if len(out) >= least:
                    break
                raise
        return out

    def _fresh(self, schema: Schema, depth: int, name: str, taken: Sequence[Any]) -> Any:
        """A value not in the array yet."""
        kept = self._attempt
        try:
            for _ in range(200):
                value = self.build(schema, depth + 1, name)
                if not any(same(value, other) for other in taken):
                    return value
                self._attempt = max(self._attempt, 1)  # hints would give the same value again
        finally:
            self._attempt = kept
        raise _DeadEnd("an array of unique items has too few different values")

    def _string(self, flat: Mapping[str, Any], name: str) -> str:
        least, most = int(flat.get("minLength", 0)), flat.get("maxLength")
        wish = self._wish(name, None if most is None else int(most)) if not self._attempt else self._word()
        filler = [wish]
        while len(filler) < min(least, 1_000) and sum(map(len, filler)) < least:
            filler.append(self._word())
        wish = " ".join(filler)
        made = strings.make(
            self._rng,
            wish,
            least,
            None if most is None else int(most),
            flat.get("format"),
            flat.get("pattern"),
        )
        if made is None:
            what = f"pattern {flat['pattern']!r}" if "pattern" in flat else f"format {flat.get('format')!r}"
            raise _DeadEnd(f"no string of the allowed length was found for {what}")
        return made

    def _wish(self, name: str, most: int | None) -> str:
        """What a free string of this name should say."""
        lowered = name.lower()
        if any(word in lowered for word in _MESSAGE_LIKE) and self._hints.said:
            return self._hints.said[: min(200, most or 200)]
        if self._names:
            return self._names.pop(0) if len(self._names) > 1 else self._names[0]
        return self._word()

    def _word(self) -> str:
        return self._rng.choice(self._hints.words).strip() or "word"

    def _number(self, flat: Mapping[str, Any], *, whole: bool) -> int | float:
        step = flat.get("multipleOf", 1 if whole else None)
        if whole and not float(step).is_integer():
            step = _least_whole_multiple(step)
        low, high = flat.get("minimum", -math.inf), flat.get("maximum", math.inf)
        above, below = flat.get("exclusiveMinimum", -math.inf), flat.get("exclusiveMaximum", math.inf)
        if isinstance(above, bool) or isinstance(below, bool):
            raise _DeadEnd("boolean exclusive bounds belong to draft 4")

        def fits(value: float) -> bool:
            return bool(low <= value <= high and above < value < below)

        if not self._attempt:
            for number in self._hints.numbers:
                if fits(number) and (step is None or (number / step).is_integer()):
                    return int(number) if whole or number.is_integer() else number
        floor, ceiling = max(low, above), min(high, below)
        if step is None:
            return _between(floor, ceiling, fits, self._rng)
        start = 0 if floor <= 0 <= ceiling else (floor if floor > 0 else ceiling)
        first = math.ceil(start / step) if start >= 0 and floor > -math.inf else math.floor(start / step)
        offsets = [self._rng.randrange(0, 100), 0, 1, -1, 2, -2]
        for offset in offsets:
            value = (first + offset) * step
            if fits(value):
                return int(value) if whole or float(value).is_integer() else value
        raise _DeadEnd("no number lies between the bounds of a numeric part")


_TELLING: Mapping[str, tuple[str, ...]] = {
    "object": (
        "properties",
        "required",
        "additionalProperties",
        "minProperties",
        "maxProperties",
        "patternProperties",
    ),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_MESSAGE_LIKE = ("query", "question", "prompt", "message", "input", "text", "request", "task", "search")


def _between(floor: float, ceiling: float, fits: Any, rng: random.Random) -> int | float:
    """A number inside the bounds, with few digits where there is room."""
    if floor == -math.inf:
        floor = ceiling - 100 if ceiling < math.inf else 0
    if ceiling == math.inf:
        ceiling = floor + 100
    point = floor + (ceiling - floor) * rng.random()
    for value in (round(point, 2), round(point, 6), point, (floor + ceiling) / 2, floor, ceiling):
        if fits(value):
            return int(value) if float(value).is_integer() else value
    raise _DeadEnd("no number lies between the bounds of a numeric part")


def _least_whole_multiple(step: float) -> int:
    """The smallest integer that is a multiple of a fractional step: 0.5 → 1, 2.5 → 5, 0.01 → 1."""
    for factor in range(1, 1001):
        if (step * factor).is_integer():
            return int(step * factor)
    raise _DeadEnd(f"no integer is a multiple of {step}")

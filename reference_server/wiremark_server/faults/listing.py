"""The catalogue for a person: `wiremark faults`, filtered, or one entry explained."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from wiremark_server.faults import catalogue, together

_Entry = Mapping[str, Any]
_WIDEST = 48  # of the column of names; what is longer pushes its sentence aside
_WIDTH = 100

# What a filter compares, by the name of its option; each takes one of the values that there are.
_FILTERS: Mapping[str, Callable[[_Entry], Iterable[str]]] = {
    "layer": lambda entry: (entry["layer"],) if "layer" in entry else (),
    "contract": lambda entry: (entry["contract"],),
    "bug": lambda entry: (entry["bug"],) if entry.get("bug") else (),
}


def lines(argv: Sequence[str]) -> Iterator[str]:
    """What `wiremark faults` prints. Raises UnknownNameError, with a sentence, for wrong use."""
    given = _parser().parse_args(argv)
    if given.explain is not None:
        yield from _explained(given.explain, as_json=given.json)
        return
    document = catalogue.document()
    kind = "variants" if given.variants else "faults"
    for name, values in _FILTERS.items():
        known = sorted({value for entry in document[kind] for value in values(entry)})
        if (wanted := getattr(given, name)) is not None and wanted not in known:
            raise catalogue.UnknownNameError(
                f"none of the {kind} has the {name} {wanted!r}; there are {', '.join(known) or 'none'}"
            )
    found = [entry for entry in document[kind] if _matches(entry, given)]
    if given.json:
        narrowed = {**document, kind: found}
        yield json.dumps(narrowed, indent=1, ensure_ascii=False)
        return
    width = min(max((len(entry["name"]) for entry in found), default=0), _WIDEST)
    for entry in found:
        yield f"{entry['name']:<{width}}  {entry['text']}"


def _matches(entry: _Entry, given: argparse.Namespace) -> bool:
    words = f"{entry['name']} {entry['text']}".lower()
    return (
        all(_said(word.lower(), entry["name"], words) for word in given.words)
        and all(getattr(given, name) in (None, *values(entry)) for name, values in _FILTERS.items())
        and (given.catches is None or _caught(entry, given.catches))
    )


def _said(word: str, name: str, words: str) -> bool:
    """A pattern is of the name, a word may stand anywhere."""
    return fnmatchcase(name, word) if "*" in word else word in words


def _caught(entry: _Entry, requirement: str) -> bool:
    return any(fnmatchcase(requirement, pattern) for pattern in entry.get("catches", ()))


def _explained(name: str, *, as_json: bool) -> Iterator[str]:
    document = catalogue.document()
    entries = {entry["name"]: entry for kind in ("faults", "variants") for entry in document[kind]}
    if name not in entries:
        raise catalogue.unknown("fault or variant", name, entries)
    entry = entries[name]
    yield json.dumps(entry, indent=1, ensure_ascii=False) if as_json else "\n".join(_explanation(entry))


def _explanation(entry: _Entry) -> Iterator[str]:
    yield f"{entry['name']}  {entry.get('layer', 'variant')}\n\n  {entry['text']}\n"
    if "basis" in entry:
        yield from _wrapped("legal for", [entry["basis"]])
        yield f"\n  wiremark serve --variant {entry['name']}"
        return
    shown = together.shown_under(catalogue.faults()[entry["name"]])
    yield from _wrapped("shows under", [", ".join(shown) or "a contract of the self-test alone"])
    yield from _wrapped("caught by", entry["catches"])
    yield from _wrapped("may trip", entry["allows"])
    if entry["bug"]:
        yield from _wrapped("known bug", [entry["bug"]])
    if shown:
        yield f"\n  wiremark serve --contract {shown[0]} --fault {entry['name']}"


def _wrapped(head: str, names: Sequence[str]) -> Iterator[str]:
    yield textwrap.fill(
        ", ".join(names),
        _WIDTH,
        initial_indent=f"  {head:<13}",
        subsequent_indent=" " * 15,
        break_on_hyphens=False,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wiremark faults",
        description="List what `wiremark serve` can do wrong, or differently.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="those with these words in name or sentence, or with such a name: 'chat.stream.*'",
    )
    parser.add_argument("--json", action="store_true", help="as data, in the form of the schema meta/faults")
    parser.add_argument("--variants", action="store_true", help="the legal variants in the faults' place")
    parser.add_argument("--layer", metavar="NAME", help="those of one layer, such as wire or ledger")
    parser.add_argument("--contract", metavar="NAME", help="those that are tried under one contract")
    parser.add_argument("--bug", metavar="ID", help="those that stand for one class of known bugs")
    parser.add_argument("--catches", metavar="ID", help="those that a requirement must catch")
    parser.add_argument("--explain", metavar="NAME", help="everything about one of them")
    return parser

"""`wiremark requirements`: list the register, filter it, explain one requirement, show the coverage."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from wiremark_schemas import contracts
from wiremark_schemas.credentials import ROLES, Credentials

from wiremark_conformance import coverage
from wiremark_conformance.requirement import Example, Register, Requirement, load_register

GOOD, WRONG_USE = 0, 2
_FEW = 60  # names that one sentence may list
_SHOWN = 600  # bytes of a request's body

# What a filter compares, by the name of its option; each takes one of the values that there are.
_FILTERS: Mapping[str, Callable[[Requirement], Iterable[str]]] = {
    "level": lambda r: (r.level,),
    "area": lambda r: (r.area,),
    "capability": lambda r: (r.capability,) if r.capability else (),
    "source": lambda r: (r.source.kind,),
    "covers": lambda r: r.covers,
}


def requirements(argv: Sequence[str]) -> int:
    """List the register, or explain one requirement. Returns 0, or 2 for wrong use."""
    given = _parser().parse_args(argv)
    register = load_register()
    if given.coverage:
        print(coverage.page(register), end="")
        return GOOD
    if given.explain is not None:
        return _explain(register, given.explain, as_json=given.json)
    for name, values in _FILTERS.items():
        wanted = getattr(given, name)
        known = sorted({value for requirement in register for value in values(requirement)})
        if wanted is not None and wanted not in known:
            return _complain(f"no requirement has the {name} {wanted!r}{_near(wanted, known)}")
    chosen = [requirement for requirement in register if _matches(requirement, given)]
    if given.json:
        print(json.dumps([_as_json(requirement) for requirement in chosen], indent=2, ensure_ascii=False))
    else:
        width = max((len(requirement.id) for requirement in chosen), default=0)
        for requirement in chosen:
            print(f"{requirement.id:<{width}}  {requirement.level:<6}  {requirement.text}")
    return GOOD


def _matches(requirement: Requirement, given: argparse.Namespace) -> bool:
    words = f"{requirement.id} {requirement.text}".lower()
    return all(
        getattr(given, name) is None or getattr(given, name) in values(requirement)
        for name, values in _FILTERS.items()
    ) and all(word.lower() in words for word in given.words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wiremark requirements", description="List the requirements.", allow_abbrev=False
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="those with these words in id or sentence")
    parser.add_argument(
        "--json", action="store_true", help="a JSON list with id, level, area, source, text, …"
    )
    parser.add_argument("--level", type=str.upper, metavar="LEVEL", help="MUST, SHOULD or MAY")
    parser.add_argument("--area", metavar="NAME", help="those of one area, such as chat-stream")
    parser.add_argument("--capability", metavar="NAME", help="those of one capability, such as chat.stream")
    parser.add_argument("--source", metavar="KIND", help="known from spec, schema, sdk or practice")
    parser.add_argument("--covers", metavar="ID", help="those that hold a statement or a class of known bugs")
    parser.add_argument("--explain", metavar="ID", help="everything about one requirement")
    parser.add_argument(
        "--coverage", action="store_true", help="the coverage page, in Markdown: what is held by which"
    )
    return parser


def _as_json(requirement: Requirement) -> dict[str, Any]:
    """A requirement as `wiremark requirements --json` lists it."""
    example = _example(requirement)
    return {
        "id": requirement.id,
        "level": requirement.level,
        "area": requirement.area,
        "capability": requirement.capability,
        "source": {"kind": requirement.source.kind, "ref": requirement.source.ref},
        "text": requirement.text,
        "covers": list(requirement.covers),
        "example": {"right": example.right, "wrong": example.wrong} if example else None,
    }


def _explain(register: Register, requirement_id: str, *, as_json: bool) -> int:
    if requirement_id not in register:
        hint = _near(requirement_id, list(register.requirements))
        return _complain(f"there is no requirement {requirement_id!r}{hint}")
    requirement = register[requirement_id]
    if as_json:
        print(json.dumps(_as_json(requirement), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_explanation(requirement)))
    return GOOD


def _explanation(requirement: Requirement) -> Iterator[str]:
    from wiremark_conformance.judge import CHECKS

    yield f"{requirement.id}  {requirement.level}\n\n  {requirement.text}\n"
    yield f"  applies to  {requirement.capability or 'every endpoint'}"
    yield f"  source      {requirement.source.kind}: {requirement.source.ref}"
    yield f"  seen in     {', '.join(CHECKS[requirement.id].probes)}"
    if requirement.mood:
        yield "  samples     several, for it depends on the model's mood; told as a rate with its interval"
    known = {entry.id: entry for entry in (*coverage.statements(), *coverage.bug_classes())}
    for name in requirement.covers:
        yield from textwrap.wrap(
            f"{name}: {known[name].text}", 100, initial_indent="  holds       ", subsequent_indent=" " * 14
        )
    asked = _asked(CHECKS[requirement.id].probes[0], requirement.capability)
    if asked:
        yield f"\n  asked:\n{textwrap.indent(asked, '    ')}"
    example = _example(requirement)
    for name, text in (("right", example.right), ("wrong", example.wrong)) if example else ():
        if text:
            yield f"\n  {name}:\n{textwrap.indent(text.rstrip(), '    ')}"


def _example(requirement: Requirement) -> Example | None:
    """The register's, or that of a check which looks at the status alone."""
    from wiremark_conformance.judge import CHECKS

    shown = CHECKS[requirement.id].example
    return requirement.example or (Example(*shown) if shown else None)


def _asked(probe: str, capability: str | None) -> str:
    """The request of a probe under the first bundled contract that has it; "" for one that needs more."""
    from wiremark_conformance.probes import PROBES, ProbeContext
    from wiremark_conformance.target import Target

    for name in sorted(contracts.bundled(), key=lambda name: name != "openai"):
        contract = contracts.load(name)
        if not contract.models or (capability is not None and capability not in contract.claimed):
            continue
        keys = Credentials(dict.fromkeys(ROLES, "KEY"))
        target = Target(contract, contract.models[0].id, contract.base_path, keys, "http://host", "host")
        request = PROBES[probe].build(ProbeContext(target, {}))
        if request is not None:
            body = request.body[:_SHOWN].decode("utf-8", "backslashreplace")
            more = "…" if len(request.body) > _SHOWN else ""
            return f"{request.method} {request.target}\n{body}{more}".rstrip()
    return ""


def _near(wanted: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(wanted, known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(known)}" if len(known) <= _FEW else ""


def _complain(sentence: str) -> int:
    print(f"wiremark: {sentence}", file=sys.stderr)
    return WRONG_USE

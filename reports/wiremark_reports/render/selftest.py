"""The result of a self-test (`meta/selftest`) for a terminal, and as one page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wiremark_reports import reader
from wiremark_reports.figures import count, seconds
from wiremark_reports.render.html import shell
from wiremark_reports.render.markup import Html, element, join, table

_Told = Mapping[str, Any]
_SHOWN = 12  # names on a line of the terminal before the rest is only counted


def text(told: _Told, *, every: bool = False) -> str:
    """What the matrix shows; the whole of it with `every`, otherwise what is wrong with it."""
    return "\n".join(_lines(told, every=every))


def _lines(told: _Told, *, every: bool) -> Iterator[str]:
    for fault in told["faults"]:
        if every or not _good(fault):
            yield from _fault_lines(fault)
    if every:
        for requirement in told["requirements"]:
            yield f"{requirement['id']} is proven by {_names(requirement['proven_by'])}"
    if told["complete"]:
        yield from (f"unproven: {name}" for name in told["unproven"])
    for alarm in told["false_alarms"]:
        yield f"false alarm on {alarm['trial']}: {alarm['requirement']} {alarm['message']}"
    yield from _summary(told)


def _fault_lines(fault: _Told) -> Iterator[str]:
    yield f"{fault['name']} → {_names(fault['fired'])}"
    if fault["missed"]:
        yield f"    undetected by {_names(fault['missed'])}"
    if fault["stray"]:
        yield f"    unrelated: {_names(fault['stray'])}"
    if fault["broke"]:
        yield f"    broke: {fault['broke']}"


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "nothing") + more


def _summary(told: _Told) -> Iterator[str]:
    summary = told["summary"]
    yield f"{summary['detected']} of {count(summary['faults'], 'fault')} detected"
    proven = f"{summary['proven']} of {count(summary['requirements'], 'requirement')} proven"
    yield proven if told["complete"] else f"{proven} (not every fault was tried)"
    if told["unbreakable"]:
        yield f"{len(told['unbreakable'])} more cannot be broken on purpose"
    mixtures = f"{count(summary['variants'], 'variant')} and {count(told['mixtures'], 'mixture')} of them"
    yield f"{count(summary['false_alarms'], 'false alarm')} on {mixtures}"
    yield f"{count(told['trials'], 'server')} judged in {seconds(told['seconds'])}"


def _good(fault: _Told) -> bool:
    return fault["detected"] and not fault["stray"]


# -- the page --------------------------------------------------------------------------------------------


def page(told: _Told) -> str:
    """One self-contained HTML page. Raises ReportError when the document is not valid."""
    reader.check(told, "meta/selftest", "the result of the self-test")
    verdict = "every check is shown to fail, none cries wolf" if told["ok"] else "the suite has holes"
    return shell(
        "wiremark self-test",
        element(
            "header",
            element("h1", "wiremark self-test"),
            element("p", element("span", verdict, class_=f"badge v-{'pass' if told['ok'] else 'fail'}")),
        ),
        element(
            "main",
            element("ul", *(element("li", line) for line in _summary(told))),
            _section("Holes", _holes(told)),
            _section("Fault → checks that fired", _faults(told)),
            _section("Requirement → faults that prove it", _requirements(told)),
            _section("Legal variants", _variants(told)),
        ),
        element("footer", element("p", f"wiremark {told['version']}, seed {told['seed']}")),
    )


def _section(title: str, *parts: Html) -> Html:
    return element("section", element("h2", title), *parts)


def _holes(told: _Told) -> Html:
    undetected = [fault for fault in told["faults"] if not _good(fault)]
    lines = [line for fault in undetected for line in _fault_lines(fault)]
    lines += [f"unproven: {name}" for name in told["unproven"] if told["complete"]]
    lines += [f"{a['trial']}: {a['requirement']} {a['message']}" for a in told["false_alarms"]]
    if not lines:
        return element("p", "There are none.", class_="calm")
    return element("ul", *(element("li", line.strip()) for line in lines))


def _faults(told: _Told) -> Html:
    heads = ("fault", "layer", "what the server does", "fired")
    return table(
        count(len(told["faults"]), "fault"),
        heads,
        ((f["name"], f["layer"], f["text"], _listed(f["fired"])) for f in told["faults"]),
    )


def _requirements(told: _Told) -> Html:
    rows = (
        (r["id"], r["level"], str(len(r["proven_by"])), _folded(r["proven_by"])) for r in told["requirements"]
    )
    return table(
        count(len(told["requirements"]), "requirement"), ("requirement", "level", "proofs", "faults"), rows
    )


def _variants(told: _Told) -> Html:
    rows = ((v["name"], v["text"], v["basis"]) for v in told["variants"])
    return table(count(len(told["variants"]), "variant"), ("variant", "what the server does", "basis"), rows)


def _listed(names: Iterable[str]) -> Html:
    return join(part for name in names for part in (element("code", name), " "))


def _folded(names: list[str]) -> Html:
    if len(names) <= _SHOWN:
        return _listed(names)
    return join([_listed(names[:_SHOWN]), f"and {len(names) - _SHOWN} more"])

"""The result of a self-test (`meta/selftest`) as one page: what each fault showed, what proves each check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wiremark_reports import reader
from wiremark_reports.figures import count, seconds
from wiremark_reports.render.conformance import definitions
from wiremark_reports.render.fields import Filter, narrowing
from wiremark_reports.render.html import shell
from wiremark_reports.render.markup import Html, element, join, row, table
from wiremark_reports.render.selftest import is_good

_Told = Mapping[str, Any]
_SHOWN = 4  # names in a cell before the others are folded away
_DETECTED, _MISSED = "detected", "not detected"


def page(told: _Told) -> str:
    """One self-contained HTML page. Raises ReportError when the document is not valid."""
    reader.check(told, "meta/selftest", "the result of the self-test")
    verdict = "every check is shown to fail, none cries wolf" if told["ok"] else "the suite has holes"
    tone = "v-pass" if told["ok"] else "v-fail"
    return shell(
        "wiremark self-test",
        element(
            "header",
            element("h1", "wiremark self-test"),
            element("p", element("a", verdict, href="#holes", class_=f"badge {tone}"), class_="marks"),
        ),
        element(
            "main",
            _section("summary", "In short", _summary(told)),
            _section("holes", "Holes", _holes(told)),
            _section("faults", "Fault → checks that fired", *_faults(told)),
            _section("requirements", "Requirement → faults that prove it", *_requirements(told)),
            _section("unbreakable", "What cannot be broken on purpose", _unbreakable(told)),
            _section("variants", "Legal variants", *_variants(told)),
        ),
        element("footer", element("p", f"wiremark {told['version']}, seed {told['seed']}")),
    )


def _section(name: str, title: str, *parts: Html) -> Html:
    return element("section", element("h2", title), *parts, id=name)


def _summary(told: _Told) -> Html:
    summary = told["summary"]
    partial = "" if told["complete"] else " (not every fault was tried)"
    facts = definitions(
        (
            ("Faults detected", f"{summary['detected']:,} of {summary['faults']:,}"),
            ("Requirements proven", f"{summary['proven']:,} of {summary['requirements']:,}{partial}"),
            ("False alarms", f"{summary['false_alarms']:,}"),
            ("Variants, one by one", f"{summary['variants']:,}"),
            ("Mixtures of variants", f"{told['mixtures']:,}"),
            ("Servers judged", f"{told['trials']:,} in {seconds(told['seconds'])}"),
        )
    )
    parts = ("faults", "requirements", "unbreakable", "variants")
    links = join(p for name in parts for p in (element("a", name, href=f"#{name}"), " "))
    return join((facts, element("p", "Go to: ", links, class_="calm")))


# -- what is wrong ---------------------------------------------------------------------------------------


def _holes(told: _Told) -> Html:
    unproven = told["unproven"] if told["complete"] else ()
    groups = (
        ("Faults that nothing detects", map(_missed, (f for f in told["faults"] if not f["detected"]))),
        ("Checks that fire on a fault they have nothing to do with", map(_stray, _straying(told))),
        ("Requirements that no fault proves", (element("code", name) for name in unproven)),
        ("False alarms on legal behaviour", map(_alarm, told["false_alarms"])),
    )
    found = [(title, list(entries)) for title, entries in groups]
    parts = [_group(title, entries) for title, entries in found if entries]
    return join(parts) if parts else element("p", "There are none.", class_="calm")


def _group(title: str, entries: Sequence[Html]) -> Html:
    return join(
        (element("h3", f"{title} ({len(entries)})"), element("ul", *(element("li", e) for e in entries)))
    )


def _straying(told: _Told) -> Iterator[_Told]:
    return (fault for fault in told["faults"] if fault["stray"])


def _missed(fault: _Told) -> Html:
    why = f"broke: {fault['broke']}" if fault["broke"] else ""
    silent = join((" undetected by ", _listed(fault["missed"]))) if fault["missed"] else None
    return join((_to_fault(fault["name"]), f" {fault['text']} ", silent, " ", why))


def _stray(fault: _Told) -> Html:
    return join((_to_fault(fault["name"]), " trips ", _listed(fault["stray"])))


def _alarm(alarm: _Told) -> Html:
    requirement = element("code", alarm["requirement"]) if alarm["requirement"] else "the trial broke"
    return join((element("strong", alarm["trial"]), ": ", requirement, " ", alarm["message"]))


# -- the matrix ------------------------------------------------------------------------------------------


def _faults(told: _Told) -> tuple[Html, Html]:
    faults = told["faults"]
    filters: Sequence[Filter] = (
        ("layer", "every layer", dict.fromkeys(fault["layer"] for fault in faults)),
        ("contract", "every contract", dict.fromkeys(fault["contract"] for fault in faults)),
        ("state", "detected or not", (_DETECTED, _MISSED)),
    )
    proving = {requirement["id"] for requirement in told["requirements"]}
    rows = (
        row(
            join((element("code", fault["name"]), element("p", fault["text"]))),
            join((fault["layer"], element("p", fault["contract"], class_="calm"))),
            _folded(fault["fired"], "requirement-", proving) if fault["fired"] else _none("nothing"),
            id=f"fault-{fault['name']}",
            data_layer=fault["layer"],
            data_contract=fault["contract"],
            data_state=_DETECTED if is_good(fault) else _MISSED,
        )
        for fault in faults
    )
    heads = ("fault, and what the server then does", "layer, contract", "checks that fired")
    return narrowing("faults", filters), table(count(len(faults), "fault"), heads, rows, "matrix")


def _requirements(told: _Told) -> tuple[Html, Html]:
    filters: Sequence[Filter] = (
        ("level", "every level", ("MUST", "SHOULD")),
        ("state", "proven or not", ("proven", "unproven")),
    )
    rows = (
        row(
            element("code", one["id"]),
            join((one["level"], element("p", count(len(one["proven_by"]), "proof"), class_="calm"))),
            _folded(one["proven_by"], "fault-") if one["proven_by"] else _none("unproven"),
            id=f"requirement-{one['id']}",
            data_level=one["level"],
            data_state="proven" if one["proven_by"] else "unproven",
        )
        for one in told["requirements"]
    )
    heads = ("requirement", "level", "faults that prove it")
    many = count(len(told["requirements"]), "requirement")
    return narrowing("requirements", filters), table(many, heads, rows, "matrix")


def _unbreakable(told: _Told) -> Html:
    if not told["unbreakable"]:
        return element("p", "There is nothing.", class_="calm")
    rows = ((element("code", one["id"]), one["why"]) for one in told["unbreakable"])
    return table(count(len(told["unbreakable"]), "requirement"), ("requirement", "why"), rows)


def _variants(told: _Told) -> tuple[Html, Html]:
    rows = (
        row(
            join((element("code", one["name"]), element("p", one["text"]))),
            one["contract"],
            one["basis"],
            data_contract=one["contract"],
        )
        for one in told["variants"]
    )
    contracts = dict.fromkeys(one["contract"] for one in told["variants"])
    heads = ("variant, and what the server then does", "written for", "why that is legal")
    many = count(len(told["variants"]), "variant")
    return narrowing("variants", [("contract", "every contract", contracts)]), table(
        many, heads, rows, "matrix"
    )


def _folded(names: Sequence[str], prefix: str, linked: Iterable[str] | None = None) -> Html:
    """The first names, and the others behind a click; those that have a place on the page lead to it."""
    known = None if linked is None else set(linked)
    shown = [_link(name, prefix) if known is None or name in known else name for name in names[:_SHOWN]]
    head = _listed(shown)
    if len(names) <= _SHOWN:
        return head
    more = element("details", element("summary", f"and {len(names) - _SHOWN} more"), _listed(names[_SHOWN:]))
    return join((head, more))


def _link(name: str, prefix: str) -> Html:
    return element("a", name, href=f"#{prefix}{name}")


def _to_fault(name: str) -> Html:
    return element("code", _link(name, "fault-"))


def _listed(names: Iterable[str]) -> Html:
    return join(part for name in names for part in (element("code", name), " "))


def _none(word: str) -> Html:
    return element("span", word, class_="badge v-fail")

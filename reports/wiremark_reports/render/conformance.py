"""The conformance part of the page: counts, findings, every requirement with its evidence."""

from __future__ import annotations

from wiremark_reports import figures
from wiremark_reports.record import Deviation, Evidence, Report, Result, Verdict
from wiremark_reports.render import charts
from wiremark_reports.render.markup import Html, element, join, table

MEANING = {
    Verdict.PASS: "holds",
    Verdict.FAIL: "is broken",
    Verdict.WARN: "a SHOULD that is not met",
    Verdict.UNDECLARED: "the contract does not claim the capability",
    Verdict.UNSUPPORTED: "an honest refusal of an optional capability",
    Verdict.SILENT: "answered 200 and ignored what was asked for",
    Verdict.NOT_TESTABLE: "something that had to work first did not, or a key role is missing",
    Verdict.INFRA: "429, 5xx, time-out or TLS: the endpoint could not be judged",
    Verdict.HARNESS_ERROR: "the check itself broke",
}


def section(report: Report) -> Html:
    counts = figures.tally(report.results)
    return element(
        "section",
        element("h2", "Conformance"),
        _facts(report),
        charts.proportions(counts) if counts else None,
        _legend(counts),
        _findings(report),
        _areas(report),
        _requirements(report),
        id="conformance",
    )


def verdict_badge(verdict: Verdict) -> Html:
    return element("span", verdict.value, class_=f"badge v-{verdict}", title=MEANING[verdict])


def _facts(report: Report) -> Html:
    facts = (
        ("Endpoint", report.base_url),
        ("Contract", report.contract),
        ("Model", report.model or figures.NONE),
        ("Key roles", ", ".join(report.roles) or "none"),
        ("Started", report.started),
        ("Took", figures.seconds(report.seconds)),
        ("HTTP requests", f"{report.requests:,}"),
        ("Requirements judged", f"{len(report.results):,}"),
    )
    return definitions(facts)


def definitions(facts: tuple[tuple[str, str | Html], ...]) -> Html:
    """Names and values side by side."""
    return element(
        "dl",
        *(element("div", element("dt", name), element("dd", value)) for name, value in facts),
        class_="facts",
    )


def _legend(counts: dict[Verdict, int]) -> Html:
    return element(
        "ul",
        *(
            element("li", element("strong", str(number)), " ", verdict_badge(verdict), " ", MEANING[verdict])
            for verdict, number in counts.items()
        ),
        class_="legend",
    )


def _findings(report: Report) -> Html:
    found = figures.findings(report.results)
    if not report.results:
        return element("p", "No requirement was judged.", class_="calm")
    if not found:
        return element("p", "Nothing was found: every requirement that could be judged holds.", class_="calm")
    rows = (
        (
            element("a", result.requirement, href=f"#{result.requirement}"),
            element("span", result.level, class_="word"),
            verdict_badge(result.verdict),
            join((result.message or result.text, _accepted(result.deviation))),
        )
        for result in found
    )
    return join(
        (
            element("h3", "Findings"),
            table(
                figures.count(len(found), "finding"),
                ("Requirement", "Level", "Verdict", "What was seen"),
                rows,
            ),
        )
    )


def _accepted(deviation: Deviation | None) -> Html | None:
    if deviation is None:
        return None
    link = element("a", "more", href=deviation.link) if _is_web(deviation.link) else deviation.link or None
    return element(
        "p",
        f"Accepted until {deviation.expires} ({deviation.owner}): {deviation.reason}",
        " " if link else None,
        link,
        class_="accepted",
    )


def _is_web(address: str) -> bool:
    return address.startswith(("https://", "http://"))  # never javascript: or data:


def _areas(report: Report) -> Html:
    rows = []
    for area, results in figures.by_area(report.results).items():
        counts = figures.tally(results)
        known = join(
            join((verdict_badge(verdict), f" {number}  ")) for verdict, number in counts.items() if number
        )
        rows.append((element("a", area, href=f"#area-{area}"), str(len(results)), known))
    return join(
        (element("h3", "By area"), table("Verdicts in each area", ("Area", "Judged", "Verdicts"), rows))
    )


def _requirements(report: Report) -> Html:
    areas = figures.by_area(report.results)
    return join(
        (
            element("h3", "Every requirement"),
            _filter(figures.tally(report.results)),
            *(
                element(
                    "section",
                    element("h4", area),
                    *(_requirement(result) for result in results),
                    id=f"area-{area}",
                    class_="area",
                )
                for area, results in areas.items()
            ),
        )
    )


def _filter(counts: dict[Verdict, int]) -> Html:
    """Checkboxes by verdict; hidden until the script that makes them work has run."""
    return element(
        "fieldset",
        element("legend", "Show"),
        *(
            element(
                "label",
                element("input", type="checkbox", checked=True, value=verdict.value),
                " ",
                verdict_badge(verdict),
                f" {number}",
            )
            for verdict, number in counts.items()
        ),
        id="filter",
        hidden=True,
    )


def _requirement(result: Result) -> Html:
    source = result.source_ref
    return element(
        "article",
        element(
            "h5",
            verdict_badge(result.verdict),
            " ",
            element("code", result.requirement),
            " ",
            element("span", result.level, class_="level"),
        ),
        element("p", result.text),
        element("p", result.message, class_="message") if result.message else None,
        _accepted(result.deviation),
        element(
            "p",
            f"Source ({result.source_kind}): ",
            element("a", source, href=source) if _is_web(source) else source,
            class_="source",
        )
        if source
        else None,
        *(_evidence(evidence) for evidence in result.evidence),
        id=result.requirement,
        data_verdict=result.verdict.value,
    )


def _evidence(evidence: Evidence) -> Html:
    parts = (("Request", evidence.request), ("Response", evidence.response), ("Repeat it", evidence.curl))
    return element(
        "details",
        element("summary", "Evidence: ", element("code", evidence.probe)),
        *(
            join((element("h6", name), element("pre", element("code", text), tabindex=0)))
            for name, text in parts
            if text
        ),
    )

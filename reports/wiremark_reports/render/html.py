"""One self-contained HTML page: no other file, no other host, readable without its script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from wiremark_reports import reader
from wiremark_reports.render import conformance, load
from wiremark_reports.render.markup import Html, element


def page(
    report_json: Mapping[str, Any] | None,
    load_json: Mapping[str, Any] | None,
    *,
    notes: Sequence[str] = (),
) -> str:
    """The page of a conformance report, of a load report, or of both; None leaves a part out.

    notes: sentences for the reader at the head of the page
    Raises ReportError when a document is not valid under its schema.
    """
    report = reader.from_json(report_json) if report_json is not None else None
    if load_json is not None:
        reader.check(load_json, "meta/load-report", "the load report")
    parts = [conformance.section(report)] if report else []
    parts += [load.section(load_json)] if load_json is not None else []
    marks = []
    if report:
        words = "conforms" if report.ok else "does not conform"
        judged = bool(report.results)
        marks.append(
            _mark("conformance", words if judged else "nothing was judged", report.ok if judged else None)
        )
    if load_json is not None:
        audit = load_json["audit"]
        marks.append(_mark("load", load.audit_result(audit), audit and audit["ok"]))
    target = report.base_url if report else load_json["target"]["base_url"] if load_json is not None else ""
    version = report.version if report else load_json["tool"]["version"] if load_json is not None else ""
    return shell(
        f"wiremark report: {target}" if target else "wiremark report",
        element(
            "header",
            element("h1", "wiremark report"),
            element("p", element("code", target), class_="target") if target else None,
            element("p", *marks, class_="marks"),
        ),
        *(element("p", note, class_="note", role="note") for note in notes),
        element("main", *(parts or [element("p", "There is nothing to report.", class_="calm")])),
        element("footer", element("p", f"wiremark {version}".strip())),
    )


def shell(title: str, *parts: Html) -> str:
    """A whole page around its header, main and footer, with our style and script."""
    body = element("body", *parts, element("script", _asset("page.js")))
    return f"<!DOCTYPE html>\n{element('html', _head(title), body, lang='en')}\n"


def _mark(part: str, words: str, good: bool | None) -> Html:
    """A link to a part of the page that says how it went; None: neither good nor bad."""
    tone = {True: "v-pass", False: "v-fail", None: "v-not-testable"}[good]
    return element("a", words, href=f"#{part}", class_=f"badge {tone}")


def _head(title: str) -> Html:
    # A second fence behind the escaping: the page may run its own script and load nothing at all.
    digest = base64.b64encode(hashlib.sha256(_asset("page.js").encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", _asset("page.css")),
    )


@cache
def _asset(name: str) -> Html:
    """A file of this folder, ours and therefore safe; on its own lines."""
    return Html("\n" + files(__package__).joinpath(name).read_text(encoding="utf-8"))

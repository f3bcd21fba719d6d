"""The page: self-contained, escaped, readable without its script."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from wiremark_reports import writer
from wiremark_reports.reader import ReportError
from wiremark_reports.record import Deviation, Evidence, Verdict
from wiremark_reports.render import html
from wiremark_reports.render.markup import element, escaped, join

VOID = {"meta", "input"}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></pre></details><h1>owned",
    "&lt;b&gt; ]]> <!-- <![CDATA[",
    "{{7*7}} ${7*7} %s {}",
    "\x00\x1b\ud800\ufffe\u202e",
)


class Page(HTMLParser):
    """The elements, ids and text of a page; fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"script", "style"}:
            self.shown.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join("".join(self.shown).split())


@pytest.fixture
def document(make_report: Any, make_result: Any, evidence: Evidence, deviation: Deviation) -> Any:
    return writer.to_json(
        make_report(
            make_result("chat.good", evidence=(evidence,)),
            make_result("chat.broken", Verdict.FAIL, message="got null", evidence=(evidence,)),
            make_result("auth.known", Verdict.FAIL, deviation=deviation),
            make_result("auth.sdk", Verdict.SILENT, source_kind="sdk", source_ref="openai._streaming"),
        )
    )


def test_nothing_comes_from_elsewhere_and_no_attribute_runs(document: Any, make_load: Any) -> None:
    page = Page(html.page(document, make_load()))
    for tag, attributes in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        assert not {"src", "srcset", "style", "action"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    css = html.page(None, None)
    assert "@import" not in css
    assert "url(" not in css
    links = {str(attributes["href"]) for attributes in page.named("a")}
    assert all(link.startswith(("#", "https://example.com/")) for link in links)


def test_the_policy_allows_exactly_the_script_of_the_page(document: Any) -> None:
    text = html.page(document, None)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(meta["content"] for meta in Page(text).named("meta") if "http-equiv" in meta)
    assert policy is not None
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_every_link_within_the_page_has_its_target_once(document: Any, make_load: Any) -> None:
    page = Page(html.page(document, make_load()))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    inner = {str(a["href"])[1:] for a in page.named("a") if str(a["href"]).startswith("#")}
    assert inner <= set(ids)
    assert {"chat.broken", "auth.known", "conformance", "load"} <= inner


def test_headings_descend_and_tables_are_labelled(document: Any, make_load: Any) -> None:
    page = Page(html.page(document, make_load()))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(next_ <= level + 1 for level, next_ in itertools.pairwise(levels))
    assert len(page.named("caption")) == len(page.named("table")) > 0
    assert all(head.get("scope") in {"col", "row"} for head in page.named("th"))
    assert len(page.named("title")) == 1 + len(page.named("svg"))
    assert page.named("html") == [{"lang": "en"}]


def test_findings_evidence_and_deviations_are_shown(document: Any) -> None:
    text = Page(html.page(document, None)).text
    for shown in (
        "does not conform",
        "got null",
        "POST /v1/chat/completions",
        "HTTP/1.1 200 OK",
        "Accepted until 2026-12-31 (ops): the vendor knows",
        "openai._streaming",
        "3 findings",
        "default, revoked",
    ):
        assert shown in text


def test_without_its_script_everything_is_visible_but_the_filter(document: Any) -> None:
    page = Page(html.page(document, None))
    hidden = [attributes.get("id") for _, attributes in page.elements if "hidden" in attributes]
    assert hidden == ["filter"]
    verdicts = [article["data-verdict"] for article in page.named("article")]
    assert verdicts == ["pass", "fail", "fail", "silent"]
    assert {box["value"] for box in page.named("input")} == set(verdicts)


def test_a_run_without_findings_says_so(make_report: Any, make_result: Any) -> None:
    text = Page(html.page(writer.to_json(make_report(make_result())), None)).text
    assert "conforms" in text
    assert "Nothing was found" in text


def test_a_run_that_judged_nothing_does_not_claim_to_conform(make_report: Any) -> None:
    text = Page(html.page(writer.to_json(make_report()), None)).text
    assert "nothing was judged" in text
    assert "conforms" not in text


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_hostile_text_is_only_text(hostile: str, make_report: Any, make_result: Any, make_load: Any) -> None:
    def built(text: str) -> Page:
        result = make_result(
            verdict=Verdict.FAIL,
            area=text,
            text=text,
            source_ref=text,
            message=text,
            evidence=(Evidence(text, text, text, text),),
            deviation=Deviation("chat.done", text, text, text, text),
        )
        report = make_report(
            result, version=text, base_url=text, contract=text, model=text, roles=(text,), started=text
        )
        wrong = {"kind": "doubled", "request_id": text, "expected_microusd": 1, "charged_microusd": None}
        load = make_load(errors={text: 1}, target={"base_url": text, "contract": text, "model": text})
        load["audit"] |= {"discrepancies": [{**wrong, "message": text}], "ok": False}
        return Page(html.page(json.loads(json.dumps(writer.to_json(report))), load))

    plain, page = built("plain"), built(hostile)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert [a.keys() for _, a in page.elements] == [a.keys() for _, a in plain.elements]


def test_a_link_that_is_not_of_the_web_is_text(make_report: Any, make_result: Any) -> None:
    evil = "javascript:alert(1)"
    deviation = Deviation("chat.done", "r", "o", "2026-12-31", evil)
    result = make_result(verdict=Verdict.FAIL, source_ref=evil, deviation=deviation)
    page = Page(html.page(writer.to_json(make_report(result)), None))
    assert evil in page.text
    assert not any("javascript" in str(a["href"]) for a in page.named("a"))


def test_the_load_part_shows_latencies_and_an_audit_that_adds_up(make_load: Any) -> None:
    page = Page(html.page(None, make_load()))
    for shown in ("Time to first token", "99.5", "2,384.1", "the bill adds up", "$0.854321", "rate_limited"):
        assert shown in page.text
    assert len([bar for bar in page.named("rect") if str(bar["class"]).startswith("bar")]) == 9


def test_discrepancies_are_listed_to_the_microdollar(make_load: Any) -> None:
    load = make_load()
    load["audit"] |= {
        "ok": False,
        "charged_microusd": 854322,
        "discrepancies": [
            {
                "kind": "wrong-amount",
                "request_id": "req-7",
                "expected_microusd": 600,
                "charged_microusd": 601,
                "message": "one too many",
            }
        ],
    }
    text = Page(html.page(None, load)).text
    for shown in (
        "the bill does not add up",
        "Discrepancies: 1",
        "req-7",
        "wrong-amount",
        "$0.000601",
        "$0.000001",
    ):
        assert shown in text


def test_a_load_run_without_measurements_or_audit_still_has_a_page(make_load: Any) -> None:
    empty = {"count": 0, **dict.fromkeys(("mean", "p50", "p90", "p99", "max"))}
    latency = dict.fromkeys(("time_to_first_token", "inter_token", "end_to_end"), empty)
    page = Page(html.page(None, make_load(latency_ms=latency, audit=None, errors={})))
    assert "the bill was not audited" in page.text
    assert page.named("svg") == []


def test_a_document_of_another_shape_is_refused(make_load: Any) -> None:
    with pytest.raises(ReportError, match="the load report: /users: expected at least 1"):
        html.page(None, make_load(users=0))
    with pytest.raises(ReportError, match="the report: the document: expected the key"):
        html.page({}, None)
    assert "There is nothing to report." in html.page(None, None)


def test_markup_escapes_what_it_did_not_build() -> None:
    inner = element("b", "<", data_x='"', hidden=True, id=None, open=False)
    assert inner == '<b data-x="&quot;" hidden>&lt;</b>'
    assert element("p", inner, " & ", None) == f"<p>{inner} &amp; </p>"
    assert join(("<", escaped("<"))) == "&lt;&lt;"
    assert escaped("a\r\nb\r\x00\x7f\x85") == "a\nb␍␀␡\ufffd"

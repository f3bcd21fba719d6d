"""The page of a self-test: no hole is missing, names lead to each other, and fields narrow the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from wiremark_reports.reader import ReportError
from wiremark_reports.render import selftest, selftest_page

from tests.system.chromium import browser

FAULT: dict[str, Any] = {
    "name": "chat.stream.cut",
    "layer": "wire",
    "text": "A stream is <cut>.",
    "bug": None,
    "derived": False,
    "contract": "hermes-tokens",
    "catches": ["chat.stream.done"],
    "detected": True,
    "fired": ["chat.stream.done", "chat.stream.finish", "http.complete", "ids.a", "ids.b"],
    "missed": [],
    "stray": [],
    "broke": "",
}
MISSED = {**FAULT, "name": "ledger.free", "layer": "ledger", "fired": [], "missed": ["billing.x"]}
STRAY = {**FAULT, "name": "ids.same", "layer": "headers", "contract": "openai", "stray": ["models.id"]}
BROKEN = {**FAULT, "name": "ids.none", "broke": "KeyError: 'x'"}
TOLD: dict[str, Any] = {
    "wiremark": "selftest/1",
    "version": "0.1.0",
    "seed": 1,
    "seconds": 2.5,
    "trials": 7,
    "complete": True,
    "ok": True,
    "summary": {
        "faults": 1,
        "detected": 1,
        "requirements": 2,
        "proven": 1,
        "unproven": 1,
        "variants": 1,
        "false_alarms": 0,
    },
    "faults": [FAULT],
    "requirements": [
        {"id": "chat.stream.done", "level": "MUST", "proven_by": ["chat.stream.cut"]},
        {"id": "chat.id", "level": "SHOULD", "proven_by": []},
    ],
    "unproven": [],
    "unbreakable": [{"id": "http.tls", "why": "no certificate is served"}],
    "variants": [{"name": "wire.sse.retry", "text": "Waits.", "basis": "HTML", "contract": "hermes-tokens"}],
    "mixtures": 3,
    "false_alarms": [],
}
BAD = {
    **TOLD,
    "ok": False,
    "faults": [FAULT, MISSED, STRAY, BROKEN],
    "unproven": ["chat.id"],
    "false_alarms": [{"trial": "mixture 7", "requirement": "chat.id", "message": "fail: <script>"}],
}
BAD["faults"][3]["detected"] = BAD["faults"][1]["detected"] = False


def test_a_page_without_holes_says_so() -> None:
    page = selftest_page.page(TOLD)
    assert "every check is shown to fail, none cries wolf" in page
    assert "There are none." in page
    assert "A stream is &lt;cut&gt;." in page
    assert "no certificate is served" in page


def test_every_kind_of_hole_is_named() -> None:
    page = selftest_page.page(BAD)
    assert "the suite has holes" in page
    for words in (
        "Faults that nothing detects (2)",
        "broke: KeyError: &#x27;x&#x27;",
        "Checks that fire on a fault they have nothing to do with (1)",
        "Requirements that no fault proves (1)",
        "False alarms on legal behaviour (1)",
        "fail: &lt;script&gt;",
    ):
        assert words in page


def test_names_lead_to_each_other_where_there_is_a_place() -> None:
    page = selftest_page.page(TOLD)
    assert '<a href="#requirement-chat.stream.done">' in page
    assert 'id="requirement-chat.stream.done"' in page
    assert '<a href="#fault-chat.stream.cut">' in page
    assert 'id="fault-chat.stream.cut"' in page
    assert "#requirement-http.complete" not in page  # not among what can be broken
    assert "and 1 more" in page


def test_a_document_of_another_form_is_refused() -> None:
    with pytest.raises(ReportError):
        selftest_page.page({**TOLD, "wiremark": "selftest/9"})


def test_the_terminal_lists_proofs_that_there_are_when_not_all_was_tried() -> None:
    shown = selftest.text({**TOLD, "complete": False}, every=True)
    assert "chat.stream.done is proven by chat.stream.cut" in shown
    assert "chat.id is proven" not in shown
    assert "chat.id is proven by nothing" in selftest.text(TOLD, every=True)


def test_fields_narrow_the_rows_in_a_browser(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(selftest_page.page(BAD))
    shown = "[...document.querySelectorAll('#faults tbody tr:not([hidden]) th code')].map(c => c.innerText)"
    with browser() as page:
        page.go(path.as_uri())
        assert len(page.evaluate(shown)) == 4
        page.tab_to("searchbox", "with the words")
        page.write("IDS. stream")
        assert page.evaluate(shown) == ["chat.stream.cut", "ids.same", "ids.none"]
        page.evaluate(
            "(() => { const list = document.querySelector('#faults select[name=state]');"
            "list.value = 'not detected'; list.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )
        assert page.evaluate(shown) == ["ids.same", "ids.none"]
        assert page.evaluate("document.querySelector('#faults output').innerText") == "2 of 4"
        page.evaluate(
            "new Promise(done => { addEventListener('hashchange', () => done(null));"
            "location.hash = '#fault-ledger.free'; })"
        )
        assert "ledger.free" in page.evaluate(shown)
        assert page.complaints == []
        assert page.nameless() == []

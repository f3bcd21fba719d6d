"""Endpoints side by side: judged now, from reports and from recordings; and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance.comparing.commands import compare
from wiremark_conformance.comparing.difference import document
from wiremark_conformance.replay import corpus
from wiremark_reports import writer
from wiremark_reports.reader import check
from wiremark_reports.record import Report, Result, Verdict
from wiremark_reports.render import comparison

FILES = Path(corpus.__file__).parent.parent / "corpus"
GOOD = Report("0", "http://a/v1", "generic", "m", (), "2026-01-01T00:00:00Z", 1.0, 3, ())
MODELS = {"object": "list", "data": [{"id": "m-1", "object": "model", "created": 1, "owned_by": "us"}]}
SELECT = "models.list.object or models.list.owned-by"


def _report(**verdicts: Verdict) -> Report:
    results = tuple(
        Result(
            name.replace("_", "."),
            "MUST",
            verdict,
            "chat",
            "A sentence.",
            "spec",
            "x",
            f"<b>{name}</b> broke",
        )
        for name, verdict in verdicts.items()
    )
    return replace(GOOD, results=results)


def test_the_document_has_every_requirement_once_and_says_where_they_differ() -> None:
    one = _report(chat_id=Verdict.PASS, chat_model=Verdict.FAIL, chat_usage=Verdict.PASS)
    two = _report(chat_model=Verdict.PASS, chat_usage=Verdict.PASS, chat_n=Verdict.WARN)
    told = document(["a", "b"], [one, two])
    check(told, "meta/comparison", "it")
    assert told["summary"] == {"requirements": 4, "differ": 1}
    assert [(row["id"], row["differs"]) for row in told["requirements"]] == [
        ("chat.id", False),
        ("chat.model", True),
        ("chat.usage", False),
        ("chat.n", False),
    ]
    assert told["requirements"][0]["found"][1] is None


def test_the_table_shows_differences_and_their_reasons() -> None:
    one = _report(chat_id=Verdict.PASS, chat_model=Verdict.FAIL)
    told = document(["a.json", "http://a/v1"], [one, _report(chat_id=Verdict.PASS, chat_model=Verdict.WARN)])
    shown = comparison.text(told)
    assert "chat.model  fail  warn" in shown
    assert "A, B: <b>chat_model</b> broke" in shown
    assert "chat.id" not in shown
    assert "1 of 2 requirements differ" in shown
    assert "chat.id" in comparison.text(told, every=True)


def test_the_page_is_whole_and_escapes_what_endpoints_say() -> None:
    told = document(["a", "b"], [_report(chat_id=Verdict.PASS), _report(chat_id=Verdict.FAIL)])
    page = comparison.page(told)
    assert page.startswith("<!DOCTYPE html>")
    assert "&lt;b&gt;chat_id" in page
    assert "<b>" not in page


def test_more_endpoints_than_letters_are_numbered() -> None:
    told = document([f"r{at}" for at in range(27)], [_report(chat_id=Verdict.PASS)] * 27)
    assert "\n27  r26: " in comparison.text(told)


def test_reports_directories_and_recordings_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.write(_report(chat_stream_done=Verdict.PASS), tmp_path / "run")
    out, page = tmp_path / "c.json", tmp_path / "c.html"
    bug = str(FILES / "stream-done-missing.yaml")
    assert compare([str(tmp_path / "run"), bug, "--json", str(out), "--html", str(page)]) == 1
    told = json.loads(out.read_text())
    check(told, "meta/comparison", "it")
    (row,) = (row for row in told["requirements"] if row["id"] == "chat.stream.done")
    assert [found["verdict"] for found in row["found"]] == ["pass", "fail"]
    assert "chat.stream.done" in page.read_text()
    assert '<form data-rows="differences" hidden>' in page.read_text()
    assert compare([bug, bug]) == 0
    assert "no difference in" in capsys.readouterr().out


def test_what_a_har_does_not_show_is_no_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other clients ask few questions; a recording of the suite has the answers to all of its own."""
    writer.write(_report(models_list_object=Verdict.PASS, chat_stream_done=Verdict.PASS), tmp_path / "run")
    headers = [{"name": "content-type", "value": "application/json"}]
    entry = {
        "request": {"method": "GET", "url": "http://a/v1/models", "headers": []},
        "response": {"status": 200, "headers": headers, "content": {"text": json.dumps(MODELS)}},
    }
    har = tmp_path / "a.har"
    har.write_text(json.dumps({"log": {"version": "1.2", "entries": [entry]}}))
    assert compare([str(tmp_path / "run"), str(har), "--contract", "openai"]) == 0
    assert "no difference in" in capsys.readouterr().out


@pytest.mark.usefixtures("no_keys")
def test_endpoints_are_judged_now(endpoints: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = endpoints({("GET", "/v1/models"): endpoints.answer(MODELS)})
    bad = endpoints({("GET", "/v1/models"): endpoints.answer({"data": MODELS["data"]})})
    code = compare([good.url, bad.url, "--contract", "generic", "-k", SELECT, "--json", str(tmp_path / "c")])
    told = json.loads((tmp_path / "c").read_text())
    assert (code, told["summary"]) == (1, {"requirements": 2, "differ": 1})
    assert "models.list.object  pass  fail" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["run"], 2, "name at least two"),
        (["run", "none"], 2, "cannot be read"),
        (["run", "ftp://a/v1"], 2, "ftp://a/v1 is no address that can be judged"),
        (["run", "none.json"], 2, "there is no such file"),
        (["run", "broken.json"], 2, "broken.json:1: is not JSON"),
        (
            ["run", "run", "--contract", "a", "--contract", "b", "--contract", "c"],
            2,
            "3 times for 2 endpoints",
        ),
        (["run", "run", "--json", "run"], 2, "cannot write"),
        (["run", "http://127.0.0.1:9/v1"], 3, "could not be judged"),
        (["run", "http://127.0.0.1:9/v1", "--contract", "nobodys"], 2, "could not be judged"),
    ],
)
@pytest.mark.usefixtures("no_keys")
def test_what_cannot_be_compared_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    writer.write(_report(chat_id=Verdict.PASS), tmp_path / "run")
    Path("broken.json").write_text("{")
    assert compare(args) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said

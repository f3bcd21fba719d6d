"""Each known bug as its wire form: judged from its file, and served on a socket to the suite."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from wiremark_conformance.client import Client
from wiremark_conformance.coverage import bug_classes
from wiremark_conformance.endpoint import Endpoint
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import Evidence, judge_given
from wiremark_conformance.prober import Patience, Prober
from wiremark_conformance.replay import corpus
from wiremark_conformance.replay.commands import judge
from wiremark_conformance.replay.corpus import Case
from wiremark_conformance.requirement import load_register
from wiremark_conformance.target import Target
from wiremark_reports.record import Verdict
from wiremark_schemas.yamlfile import BadFile

CASES = {case.bug: case for case in corpus.bundled()}
CLASSES = {entry.id: entry for entry in bug_classes()}
FOUND = {Verdict.FAIL, Verdict.WARN, Verdict.SILENT, Verdict.HARNESS_ERROR}
FILES = Path(corpus.__file__).parent.parent / "corpus"

Asked = tuple[str, str, bytes]


@dataclass
class Liar:
    """Answers on loopback what it was told to, by method, target and body; each answer once, in order."""

    told: dict[Asked, list[tuple[bytes, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                for piece in told[self.command, self.path, body].pop(0):
                    self.wfile.write(piece)
                self.close_connection = True

            do_GET = do_POST = do_OPTIONS = answer  # noqa: N815 - names that http.server looks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def tell(self, case: Case, exchanges: Mapping[str, Exchange]) -> None:
        self.told.clear()
        for answer in case.answers:
            request = exchanges[answer.probe].request
            asked = (request.method, request.target, request.body)
            self.told.setdefault(asked, []).append(answer.transmission)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    liar = Liar()
    yield liar
    liar.close()


def _verdicts(target: Target, exchanges: Mapping[str, Exchange]) -> dict[str, Verdict]:
    return {j.requirement.id: j.verdict for j in judge_given(Evidence(target, exchanges))}


@pytest.mark.parametrize("bug", CASES)
def test_a_known_bug_is_found_on_a_socket_as_from_its_file(bug: str, liar: Liar) -> None:
    case = CASES[bug]
    kept = case.target()
    recorded = case.exchanges(kept)
    liar.tell(case, recorded)
    endpoint = Endpoint.parse(f"http://127.0.0.1:{liar.server.server_address[1]}{kept.base_path}")
    live = case.target(endpoint.url, endpoint.host_header)
    prober = Prober(Client(endpoint), Patience(attempts=1), workers=1)
    served = prober.run([answer.probe for answer in case.answers], live, {})

    verdicts = _verdicts(kept, recorded)
    assert _verdicts(live, served) == verdicts
    found = {name: verdict for name, verdict in verdicts.items() if verdict in FOUND}
    assert set(found) == case.expect
    register = load_register()
    assert any(bug in register[name].covers for name in found)
    if CLASSES[bug].note == "hazard":  # legal, so it never costs a level
        assert set(found.values()) == {Verdict.WARN}


def test_every_class_has_its_wire_form_or_a_reason() -> None:
    reasons = {entry.id for entry in CLASSES.values() if entry.unseen or entry.elsewhere}
    assert set(CASES) == set(CLASSES) - reasons
    assert len(CASES) >= 0.95 * len(CLASSES)


def test_files_say_what_the_catalogue_says() -> None:
    for path in FILES.glob("*.yaml"):
        case = corpus.load(path)
        entry = CLASSES[case.bug]
        assert (path.stem, case.title, case.source) == (entry.id, entry.text, entry.report)
        assert path.stat().st_size < 10_000, "a person is to read it"


def test_the_command_judges_a_file_of_the_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = judge(["recording", str(FILES / "stream-done-missing.yaml"), "--out", str(tmp_path)])
    shown = capsys.readouterr().out
    assert code == 1
    assert "_ requirement chat.stream.done _" in shown
    report = json.loads((tmp_path / "report.json").read_text())
    assert [row["requirement"] for row in report["results"] if row["verdict"] == "fail"] == [
        "chat.stream.done"
    ]
    assert shown.startswith("known bug stream-done-missing: A stream has no `[DONE]`. (https://")
    assert shown.partition("\n")[0].endswith(") found by chat.stream.done")
    assert judge([str(FILES / "sse-crlf.yaml")]) == 0
    assert "found by chat.stream.lf" in capsys.readouterr().out


def test_files_of_one_name_have_a_report_each(tmp_path: Path) -> None:
    names = ("sse-crlf", "stream-done-missing")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "bug.yaml").write_text((FILES / f"{name}.yaml").read_text())
    judge([*(str(tmp_path / name / "bug.yaml") for name in names), "--out", str(tmp_path / "out")])
    found = [
        [row["requirement"] for row in report["results"] if row["verdict"] in ("warn", "fail")]
        for folder in ("bug", "bug-2")
        for report in (json.loads((tmp_path / "out" / folder / "report.json").read_text()),)
    ]
    assert found == [["chat.stream.lf"], ["chat.stream.done"]]


def test_a_file_that_does_not_show_its_bug_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bug.yaml"
    text = (FILES / "stream-done-missing.yaml").read_text()
    path.write_text(text.replace("  - chat.stream.done\n", "  - chat.stream.done\n  - chat.id\n"))
    assert judge([str(path)]) == 1
    assert "found by chat.stream.done; not found by chat.id\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("wiremark: corpus/1", "wiremark: corpus/2", 1, "corpus/1"),
        ("  - chat.stream.done", "  - chat.stream.dun", 7, "no requirement 'chat.stream.dun'"),
        ("probe: chat.stream", "probe: chat.dream", 9, "no probe 'chat.dream'"),
        ("contract: every-format", "contract: nobodys", 5, "no bundled contract 'nobodys'"),
        ("HTTP/1.1 200", "HTTP 200", 10, "HTTP/1"),
        ("expect:", "expected:", 1, "expected"),
    ],
)
def test_a_file_that_was_spoilt_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, line: int, words: str
) -> None:
    path = tmp_path / "a.yaml"
    text = (FILES / "stream-done-missing.yaml").read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert judge([str(path)]) == 2
    said = capsys.readouterr().err
    assert f"{path}:{line}: " in said
    assert words in said


def test_a_probe_that_is_not_made_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    text = (FILES / "stream-done-missing.yaml").read_text()
    path.write_text(text.replace("probe: chat.stream", "probe: chat.echo-back"))
    case = corpus.load(path)
    with pytest.raises(BadFile, match="is not asked"):
        case.exchanges(case.target())

"""A file of answers, key by key: what it says, what goes over the wire, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Part
from wiremark_conformance.judge import judge_given
from wiremark_conformance.replay import corpus
from wiremark_conformance.replay.corpus import Answer, Case
from wiremark_conformance.verdicts import Facts
from wiremark_conformance.version import version
from wiremark_schemas import contracts
from wiremark_schemas.credentials import ROLES
from wiremark_schemas.yamlfile import BadFile

WIRE = "HTTP/1.1 200 OK\nx-a: \u00fc\n\n{}"
FULL: dict[str, Any] = {
    "wiremark": "corpus/1",
    "class": "a-bug",
    "title": "Something is wrong.",
    "source": "https://example.invalid/1",
    "contract": "openai",
    "expect": ["models.list.object", "chat.object"],
    "answers": [
        {"probe": "models.list", "wire": WIRE},
        {"probe": "chat.plain", "wire": "HTTP/1.1 200 OK\n\n{\n\n}", "end": "cut"},
    ],
}


def _file(folder: Path, **changes: Any) -> Path:
    path = folder / "a-bug.yaml"
    path.write_text(yaml.safe_dump({**FULL, **changes}, sort_keys=False, width=1000))
    return path


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    assert corpus.load(_file(tmp_path)) == Case(
        "a-bug",
        "Something is wrong.",
        "https://example.invalid/1",
        contracts.load("openai"),
        frozenset({"models.list.object", "chat.object"}),
        (
            Answer("models.list", "HTTP/1.1 200 OK\nx-a: \u00fc", b"{}", cut=False),
            Answer("chat.plain", "HTTP/1.1 200 OK", b"{\n\n}", cut=True),
        ),
    )


def test_a_file_may_promise_more_than_its_contract(tmp_path: Path) -> None:
    case = corpus.load(_file(tmp_path, promises={"base_path": "/other", "title": "Another."}))
    assert case.contract.base_path == "/other"
    assert case.contract.claimed == contracts.load("openai").claimed
    with pytest.raises(BadFile, match=r"a-bug\.yaml:5:\d+: /base_path: "):
        corpus.load(_file(tmp_path, promises={"base_path": 5}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contract": "nobody"}, "5: there is no bundled contract 'nobody'"),
        ({"expect": ["chat.object", "chat.objects"]}, "8: there is no requirement 'chat.objects'"),
        (
            {"answers": [*FULL["answers"], {"probe": "chat.plains", "wire": WIRE}]},
            "21: there is no probe 'chat.plains'",
        ),
        ({"answers": []}, "9: /answers: "),
        ({"class": 5}, "2: /class: "),
    ],
)
def test_what_is_not_known_is_refused_with_its_line(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    path = _file(tmp_path, **changes)
    with pytest.raises(BadFile) as refusal:
        corpus.load(path)
    assert str(refusal.value).startswith(f"{path}:{said}")


def test_a_file_that_is_missing_or_no_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"none\.yaml: there is no such file of answers"):
        corpus.load(tmp_path / "none.yaml")
    (tmp_path / "a.yaml").write_text("]")
    with pytest.raises(BadFile, match=r"a\.yaml:1: this is not YAML"):
        corpus.load(tmp_path / "a.yaml")


HEAD = b"HTTP/1.1 200 OK\r\n"
STREAM = "HTTP/1.1 200 OK\nContent-Type: Text/Event-Stream\n"
_STREAMED = HEAD + b"Content-Type: Text/Event-Stream\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body", "cut", "sent"),
    [
        ("HTTP/1.1 200 OK\n", b"{}", False, (HEAD + b"content-length: 2\r\n\r\n", b"{}")),
        ("HTTP/1.1 200 OK", b"{}", True, (HEAD + b"content-length: 3\r\n\r\n", b"{}")),
        ("HTTP/1.1 200 OK", b"", False, (HEAD + b"content-length: 0\r\n\r\n",)),
        (
            "HTTP/1.1 200 \u00fc",
            b"",
            False,
            ("HTTP/1.1 200 \u00fc\r\ncontent-length: 0\r\n\r\n".encode("latin-1"),),
        ),
        (
            STREAM,
            b"data: 1\n\ndata: 2\n\n",
            False,
            (_STREAMED, b"9\r\ndata: 1\n\n\r\n", b"9\r\ndata: 2\n\n\r\n", b"0\r\n\r\n"),
        ),
        (STREAM, b"data: 1\n\ndata", True, (_STREAMED, b"9\r\ndata: 1\n\n\r\n", b"4\r\ndata\r\n")),
        (STREAM, b"a\n\nb\r\n\r\nc", True, (_STREAMED, b"8\r\na\n\nb\r\n\r\n\r\n", b"1\r\nc\r\n")),
        (STREAM, b"data: 1", False, (_STREAMED, b"7\r\ndata: 1\r\n", b"0\r\n\r\n")),
        (STREAM, b"", False, (_STREAMED, b"0\r\n\r\n")),
    ],
)
def test_an_answer_is_framed_for_the_wire(head: str, body: bytes, cut: bool, sent: tuple[bytes, ...]) -> None:
    assert Answer("p", head, body, cut).transmission == sent


def test_a_case_has_an_endpoint_where_nothing_listens(tmp_path: Path) -> None:
    case = corpus.load(_file(tmp_path, contract="generic"))
    bare = case.target()
    assert (bare.contract, bare.model, bare.base_path) == (
        case.contract,
        "some-model",
        case.contract.base_path,
    )
    assert bare.credentials.keys == {role: f"key-of-{role}" for role in ROLES}
    assert (bare.base_url, bare.host_header) == (
        f"http://corpus.invalid{case.contract.base_path}",
        "corpus.invalid",
    )
    said = case.target("http://a/v1", "a")
    assert (said.base_url, said.host_header) == ("http://a/v1", "a")
    listed = corpus.load(_file(tmp_path, contract="hermes-tokens"))
    assert listed.target().model == listed.contract.models[0].id


def test_answers_become_exchanges_in_their_order(tmp_path: Path) -> None:
    case = corpus.load(_file(tmp_path))
    found = case.exchanges(case.target())
    assert list(found) == ["models.list", "chat.plain"]
    models, chat = found.values()
    assert (models.probe, models.status, models.request.method) == ("models.list", 200, "GET")
    assert (models.parts, models.elapsed_ns) == ((Part(1_000_000, b"{}"),), 2_000_000)
    assert (models.started, models.origin) == ("2026-01-01T00:00:00.000Z", "http://corpus.invalid")
    assert chat.failure is not None


def test_a_question_may_follow_from_an_answer(tmp_path: Path) -> None:
    said = '{"choices": [{"message": {"role": "assistant", "content": "It is I."}}]}'
    wire = f"HTTP/1.1 200 OK\ncontent-type: application/json\n\n{said}"
    answers = [{"probe": name, "wire": wire} for name in ("chat.plain", "chat.echo-back")]
    case = corpus.load(_file(tmp_path, answers=answers))
    assert b"It is I." in case.exchanges(case.target())["chat.echo-back"].request.body


def test_an_answer_to_what_is_not_asked_is_refused(tmp_path: Path) -> None:
    answers = [{"probe": "messages.plain", "wire": WIRE}]
    case = corpus.load(_file(tmp_path, answers=answers))
    with pytest.raises(BadFile, match=r"^a-bug: messages\.plain is not asked: ."):
        case.exchanges(case.target())


def test_a_file_is_judged_as_a_run_is(tmp_path: Path) -> None:
    path = _file(tmp_path)
    judged, case = corpus.read(path), corpus.load(path)
    target = judged.facts.target
    assert judged.facts == Facts(version(), case.target(), "2026-01-01T00:00:00.000Z", 0.0, 2)
    expected = {
        one.requirement.id: one.verdict for one in judge_given(Evidence(target, case.exchanges(target)))
    }
    assert {name: one.result.verdict for name, one in judged.conclusions.items()} == expected
    assert expected["models.list.object"] == "fail"
    assert judged.known == (
        "known bug a-bug: Something is wrong. (https://example.invalid/1) "
        "found by models.list.object; not found by chat.object"
    )


def _bundled(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: str) -> list[str]:
    """The classes of a corpus of these files, in order."""
    (folder / "corpus").mkdir()
    for name, bug in changes.items():
        text = yaml.safe_dump({**FULL, "class": bug or 5}, allow_unicode=True)
        (folder / "corpus" / f"{name}.yaml").write_bytes(text.encode())
    (folder / "corpus" / "note.txt").write_text("This is no case.")
    monkeypatch.setattr(corpus, "files", {"wiremark_conformance": folder}.__getitem__)
    return [case.bug for case in corpus.bundled.__wrapped__()]


def test_the_files_that_come_along_are_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _bundled(tmp_path, monkeypatch, b="z", c="\u00fc", a="y") == ["y", "z", "\u00fc"]


def test_a_file_that_comes_along_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadFile, match=r"^a\.yaml:\d+: /class: "):
        _bundled(tmp_path, monkeypatch, a="")

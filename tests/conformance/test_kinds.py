"""What kind a file of traffic is: as it says itself, else as it is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from wiremark_conformance import recorded
from wiremark_conformance.replay import corpus, passive
from wiremark_conformance.replay.files import Promised, kind, read
from wiremark_schemas.yamlfile import BadFile


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        ("a.ndjson", b'{"wiremark":"recording/1","meta":{}}', "recording"),
        ("a.har", b'{"wiremark": "report/1"}', "report"),
        ("a.json", b'{\n  "wiremark" : "report/1"}', "report"),
        ("a.txt", b"# A bug.\nwiremark: corpus/1\n", "corpus"),
        ("a.txt", b'  {"log": {}}', "har"),
        ("a.txt", b'\xef\xbb\xbf{ "log" : {}}', "har"),
        ("a.json", b'{"entries": [], "log": {}}', "report"),
        ("a.har", b"", "har"),
        ("a.HAR", b"", "har"),
        ("a.yaml", b"", "corpus"),
        ("a.yml", b"", "corpus"),
        ("a.json", b"", "report"),
        ("a.ndjson", b"", "recording"),
        ("a", b"", "recording"),
        ("a.har", b" " * 4000 + b'{"wiremark": "corpus/1"}', "corpus"),
        ("a.har", b" " * 4096 + b'{"wiremark": "corpus/1"}', "har"),
    ],
)
def test_a_file_says_what_it_is_or_is_called_so(tmp_path: Path, name: str, data: bytes, found: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert kind(path) == found


def test_a_file_that_is_missing_is_called_something_all_the_same(tmp_path: Path) -> None:
    assert kind(tmp_path / "none.har") == "har"


def test_a_har_is_held_to_what_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(passive, "read", lambda *given: asked.append(given))
    path = tmp_path / "a.har"
    path.write_bytes(b"")
    read(path, Promised("openai", "http://a/v1", "m"))
    assert asked == [(path, "openai", "http://a/v1", "m")]


def test_other_traffic_says_itself_what_it_is_held_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(corpus, "read", lambda path: asked.append(("corpus", path)))
    monkeypatch.setattr(recorded, "read", lambda path: asked.append(("recording", path)))
    for name in ("a.yaml", "a.ndjson"):
        read(tmp_path / name, Promised())
    assert asked == [("corpus", tmp_path / "a.yaml"), ("recording", tmp_path / "a.ndjson")]


def test_a_report_is_no_traffic(tmp_path: Path) -> None:
    with pytest.raises(
        BadFile, match=r"a\.json:1: this is a report, not traffic; `wiremark compare` reads it$"
    ):
        read(tmp_path / "a.json", Promised())

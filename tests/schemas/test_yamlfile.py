"""YAML that remembers its lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from wiremark_schemas import yamlfile

# each line ten times the line above: 10 000 000 values in 300 characters
LAUGHS = "a: &a0 [x]\n" + "".join(f"b{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(7))


def test_each_value_knows_its_line() -> None:
    document, lines = yamlfile.parse("a: 1\nb:\n  - x\n  - c/d: 2\n", "f.yaml")
    assert document == {"a": 1, "b": ["x", {"c/d": 2}]}
    assert lines == {"": 1, "/a": 1, "/b": 2, "/b/0": 3, "/b/1": 4, "/b/1/c~1d": 4}


def test_an_empty_file_is_an_empty_document() -> None:
    assert yamlfile.parse("", "f.yaml") == (None, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: [", "f.yaml:2: this is not YAML"),
        ("a: 1\n  b: 2\n", "f.yaml:2: this is not YAML"),
        ("a: 1\na: 2\n", "f.yaml: line 2: the key 'a' stands here twice"),
        ("x:\n  a: 1\n  b: 2\n  a: 3\n", "f.yaml: line 4: the key 'a' stands here twice"),
        ("a: \x01\n", "f.yaml: this is not YAML"),
        ("a: !!python/object:os.system {}\n", "f.yaml:1: this is not YAML"),
        ("a: *nowhere\n", "f.yaml:1: this is not YAML"),
        ("a: 1\n? [b]\n: 2\n", "f.yaml: line 2: a key must be plain text"),
        ("a: &x [*x]\n", "f.yaml: this is nested too deeply, or refers to itself"),
        ("[" * 5000, "f.yaml: this is nested too deeply"),
        ("expires: 2026-13-01\n", "f.yaml: a value is not what it looks like: month must be in 1..12"),
        (LAUGHS, "f.yaml: line 1: there are more than 100000 values"),
    ],
    ids=[
        "bracket",
        "indent",
        "twice",
        "twice below",
        "control character",
        "python tag",
        "alias",
        "list as key",
        "refers to itself",
        "nested deeply",
        "no such date",
        "aliases of aliases",
    ],
)
def test_bad_yaml_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(yamlfile.BadFile) as refused:
        yamlfile.parse(text, "f.yaml")
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_a_defect_is_placed_at_the_nearest_line_that_exists() -> None:
    document, lines = yamlfile.parse("- requirement: chat.done\n  reason: r\n  owner: o\n", "f.yaml")
    with pytest.raises(yamlfile.BadFile, match=r"^f\.yaml:1: /0: expected the key 'expires'"):
        yamlfile.check(document, lines, "meta/deviations", "f.yaml")


def test_a_file_that_cannot_be_read_is_named_with_what_it_should_hold(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xfc\n")
    for path, said in (
        (tmp_path / "none.yaml", "there is no such contract file"),
        (tmp_path / "latin.yaml", "the contract file is not UTF-8 text (byte 3)"),
        (tmp_path, "the contract file cannot be read: Is a directory"),
    ):
        with pytest.raises(yamlfile.BadFile) as refused:
            yamlfile.read(path, "contract file")
        assert str(refused.value) == f"{path}: {said}"

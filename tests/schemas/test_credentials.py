"""Credentials files: one key per role, and no key in any message."""

from __future__ import annotations

from pathlib import Path

import pytest
from wiremark_schemas import credentials
from wiremark_schemas.yamlfile import BadFile

SECRET = "sk-very-secret-1234"


def write(folder: Path, text: str) -> Path:
    path = folder / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_keys_are_found_by_role(tmp_path: Path) -> None:
    keys = credentials.load(write(tmp_path, f"default: {SECRET}\nrevoked: sk-old\n"))
    assert keys["default"] == SECRET
    assert keys.get("exhausted") is None
    assert keys.roles == {"default", "revoked"}


def test_a_key_never_shows_in_a_repr(tmp_path: Path) -> None:
    keys = credentials.load(write(tmp_path, f"default: {SECRET}\n"))
    assert SECRET not in f"{keys!r} {keys} {[keys]}"


BAD = {
    "not a mapping": (f"- {SECRET}\n", ":1: a credentials file is a mapping"),
    "text": (f"{SECRET}\n", ":1: a credentials file is a mapping"),
    "empty file": ("", ":1: a credentials file is a mapping"),
    "unknown role": (
        f"default: x\nadmin: {SECRET}\n",
        ":2: this is not a key role; the roles are default,",
    ),
    "empty key": (f"default: {SECRET}\nrevoked: ''\n", ":2: the key of 'revoked' must be ASCII text"),
    "no key": ("default:\n", ":1: the key of 'default' must be ASCII text"),
    "key with a space": (f"default: {SECRET} x\n", ":1: the key of 'default' must be ASCII text"),
    "key with a line end": (f'default: "{SECRET}\\n"\n', ":1: the key of 'default' must be ASCII text"),
    "key not ASCII": (f"default: {SECRET}ü\n", ":1: the key of 'default' must be ASCII text"),
    "a number": ("default: 12345678\n", ":1: the key of 'default' must be ASCII text"),
    "a list": (f"default: [{SECRET}]\n", ":1: the key of 'default' must be ASCII text"),
    "twice": (f"default: {SECRET}\ndefault: {SECRET}\n", ":2: this is not YAML, or a role stands here twice"),
    "swapped": (f"default: x\n{SECRET}: default\n", ":2: this is not a key role"),
    "swapped twice": (f"{SECRET}: a\n{SECRET}: b\n", ":2: this is not YAML, or a role stands here twice"),
    "alias": (f"default: *{SECRET}\n", ":1: this is not YAML, or"),
    "tag": (f"default: !{SECRET} x\n", ":1: this is not YAML, or"),
    "a date that is none": ("default: 2026-13-01\n", ": this is not YAML, or"),
    "bad yaml": (f"default: [{SECRET}\n", "this is not YAML"),
    "tab": (f"default:\t- {SECRET}\n  x\n", "this is not YAML"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_without_its_keys(text: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(BadFile) as refused:
        credentials.load(path)
    assert str(refused.value).startswith(str(path))
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)
    assert "12345678" not in str(refused.value)

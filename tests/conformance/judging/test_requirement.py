"""The register: data that is well-formed, sourced, and judged by exactly one check each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import wiremark_conformance
from wiremark_conformance import requirement as register_module
from wiremark_conformance.judge import CHECKS
from wiremark_conformance.probes import PROBES
from wiremark_conformance.requirement import Example, Requirement, Source, load_register, read_area
from wiremark_schemas import contracts
from wiremark_schemas.yamlfile import BadFile

# Areas whose promises other areas make too, for another format.
_SHARED = {
    "auth",
    "billing",
    "chat-stream",
    "errors",
    "limits",
    "messages",
    "messages-errors",
    "messages-tools",
}
FILES = sorted(Path(wiremark_conformance.__file__).parent.joinpath("register").glob("*.yaml"))

AREA = """\
wiremark: requirements/1
area: made-up
requirements:
  - id: made.up
    level: MUST
    source: {kind: spec, ref: "https://example.invalid"}
    capability: chat
    text: "It holds."
"""


def test_every_requirement_has_one_check_and_every_check_a_requirement() -> None:
    assert {requirement.id for requirement in load_register()} == set(CHECKS)


def test_the_register_is_large_enough_for_the_first_release() -> None:
    assert len(load_register()) >= 120


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_holds_the_area_it_is_named_after(path: Path) -> None:
    assert {requirement.area for requirement in read_area(path.read_text(), path.name)} == {path.stem}


def test_a_check_stands_in_the_folder_of_its_area() -> None:
    for requirement in load_register():
        function = CHECKS[requirement.id].function
        module = function.__module__.split(".")
        if module[1] == "checks":
            # A function may judge the same promise of two areas; then it stands with the first.
            first = module[2].replace("_", "-")
            assert first in {requirement.area, *_SHARED}, requirement.id


def test_every_probe_is_looked_at() -> None:
    judged = {probe for check in CHECKS.values() for probe in check.probes}
    several_at_once = {PROBES[probe].within for probe in judged} - {None}
    assert set(PROBES) == judged | several_at_once


def test_every_capability_of_a_contract_has_a_requirement() -> None:
    judged = {requirement.capability for requirement in load_register()} - {None}
    claimed = contracts.load("hermes-tokens").claimed
    assert claimed - judged == set()


def test_sentences_are_sentences() -> None:
    for requirement in load_register():
        assert re.fullmatch(r"[A-Z`].*\.", requirement.text), requirement.id


def test_what_a_contract_promises_is_cited_as_the_contract() -> None:
    for requirement in load_register():
        if requirement.area in {"contract", "billing", "cache"}:
            assert requirement.source.ref.startswith("contract: "), requirement.id


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("level: MUST", "level: must", "a.yaml:5: /requirements/0/level: expected one of"),
        ("id: made.up", "id: Made", "a.yaml:4: /requirements/0/id: expected text matching"),
        ("capability: chat", "capability: chatting", "a.yaml:7: /requirements/0/capability"),
        ("kind: spec", "kind: hearsay", "a.yaml:6: /requirements/0/source/kind"),
        ("https://example.invalid", "somewhere", "a.yaml:6: /requirements/0/source/ref"),
        ('    text: "It holds."\n', "", "a.yaml:4: /requirements/0: expected the key 'text'"),
        ("wiremark: requirements/1", "wiremark: requirements/2", "a.yaml:1: /wiremark"),
    ],
)
def test_a_bad_entry_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(BadFile, match=re.escape(said)):
        read_area(AREA.replace(old, new), "a.yaml")


def test_an_entry_is_read_whole() -> None:
    more = """\
    covers: [SSE-16, AG-04]
    example: {right: "data: [DONE]", wrong: "data: x"}
    mood: true
  - id: made.too
    level: SHOULD
    source: {kind: practice, ref: "https://example.invalid/2"}
    capability: null
    text: "It holds too."
"""
    assert read_area(AREA + more, "a.yaml") == (
        Requirement(
            "made.up",
            "made-up",
            "MUST",
            Source("spec", "https://example.invalid"),
            "chat",
            "It holds.",
            ("SSE-16", "AG-04"),
            Example("data: [DONE]", "data: x"),
            True,
        ),
        Requirement(
            "made.too",
            "made-up",
            "SHOULD",
            Source("practice", "https://example.invalid/2"),
            None,
            "It holds too.",
        ),
    )


def _read(folder: Path, monkeypatch: pytest.MonkeyPatch, **texts: str) -> list[str]:
    """The ids of a register of these files, in order."""
    (folder / "register").mkdir()
    for name, text in texts.items():
        (folder / "register" / f"{name}.yaml").write_text(text)
    (folder / "register" / "note.txt").write_text("This is no area.")
    monkeypatch.setattr(register_module, "files", {"wiremark_conformance": folder}.__getitem__)
    return [requirement.id for requirement in load_register.__wrapped__()]


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = AREA.replace("made.up", "made.later").replace("It holds.", "It holds \N{EM DASH} always.")
    assert _read(tmp_path, monkeypatch, b=later, c=AREA.replace("made.up", "made.last"), a=AREA) == [
        "made.up",
        "made.later",
        "made.last",
    ]


def test_an_id_stands_in_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadFile, match=r"^b\.yaml: 'made\.up' stands in another file too$"):
        _read(tmp_path, monkeypatch, a=AREA, b=AREA)


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadFile, match=r"^a\.yaml:1: this is not YAML"):
        _read(tmp_path, monkeypatch, a="[]]")


def test_an_id_that_is_listed_twice_is_refused() -> None:
    entry = AREA.partition("requirements:\n")[2]
    with pytest.raises(BadFile, match=r"a\.yaml:9: 'made\.up' is listed twice"):
        read_area(AREA + entry, "a.yaml")


def test_the_register_can_be_asked() -> None:
    register = load_register()
    assert "chat.stream.done" in register
    assert register["chat.stream.done"].covers[:2] == ("SSE-16", "AG-04")
    assert len(set(register.areas)) == len(register.areas) == len(FILES)


def test_every_requirement_has_an_example_of_right_and_of_wrong() -> None:
    for requirement in load_register():
        example = requirement.example or Example(*(CHECKS[requirement.id].example or ("", "")))
        assert example.right, requirement.id
        assert example.wrong not in ("", example.right), requirement.id

"""The register of requirements: what an endpoint must do, from where that is known, in data.

One file per area in `register/`; their form is the schema `meta/requirements`. Identifiers are
stable: they stand in reports, deviations files and command lines of other people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from wiremark_schemas import yamlfile

Level = Literal["MUST", "SHOULD", "MAY"]
SourceKind = Literal["spec", "schema", "sdk", "practice"]


@dataclass(frozen=True, slots=True)
class Source:
    """From where a requirement is known.

    kind: `spec` a published text or standard, `schema` a published schema, `sdk` an official
          client library breaks or loses data without it, `practice` what servers and clients rely on
    ref:  a link, or `contract: key` for what the endpoint's own contract promises
    """

    kind: SourceKind
    ref: str


@dataclass(frozen=True, slots=True)
class Example:
    """The shortest piece of wire that meets the requirement, and one that does not."""

    right: str = ""
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise, in one sentence.

    capability: the capability of a contract that it applies to; None: it applies always
    covers:     statements of the protocol catalogue that it holds, such as `SSE-16`
    mood:       whether it holds depends on what the model feels like saying, so one sample is not enough
    """

    id: str
    area: str
    level: Level
    source: Source
    capability: str | None
    text: str
    covers: tuple[str, ...] = ()
    example: Example | None = None
    mood: bool = False


@dataclass(frozen=True)
class Register:
    """All requirements by id, in the order of the files and of the entries within them."""

    requirements: Mapping[str, Requirement]

    def __getitem__(self, requirement_id: str) -> Requirement:
        return self.requirements[requirement_id]

    def __contains__(self, requirement_id: object) -> bool:
        return requirement_id in self.requirements

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self.requirements.values())

    def __len__(self) -> int:
        return len(self.requirements)

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas, each once, in order."""
        return tuple(dict.fromkeys(requirement.area for requirement in self))


@cache
def load_register() -> Register:
    """The register that comes with the package.

    Raises BadFile with file, line and pointer when an entry is not what it should be.
    """
    found: dict[str, Requirement] = {}
    folder = files("wiremark_conformance").joinpath("register")
    for name in sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")):
        for requirement in read_area(folder.joinpath(name).read_bytes().decode(), name):
            if requirement.id in found:
                raise yamlfile.BadFile(f"{name}: {requirement.id!r} stands in another file too")
            found[requirement.id] = requirement
    return Register(found)


def read_area(text: str, source: str) -> tuple[Requirement, ...]:
    """The requirements of the text of one of our files; `source` names it in errors."""
    document, lines = yamlfile.parse(text, source, ours=True)
    yamlfile.check(document, lines, "meta/requirements", source)
    requirements = []
    seen: set[str] = set()
    for position, entry in enumerate(document["requirements"]):
        if entry["id"] in seen:
            line = lines[f"/requirements/{position}/id"]
            raise yamlfile.BadFile(f"{source}:{line}: {entry['id']!r} is listed twice")
        seen.add(entry["id"])
        requirements.append(
            Requirement(
                id=entry["id"],
                area=document["area"],
                level=entry["level"],
                source=Source(**entry["source"]),
                capability=entry["capability"],
                text=entry["text"],
                covers=tuple(entry.get("covers", ())),
                example=Example(**entry["example"]) if "example" in entry else None,
                mood=entry.get("mood", False),
            )
        )
    return tuple(requirements)

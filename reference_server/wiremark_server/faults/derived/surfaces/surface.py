"""What is known of an operation before anybody has thought of a fault of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from wiremark_schemas import yamlfile

from wiremark_server.faults.edit import Edit, Form, On, Where, everywhere
from wiremark_server.faults.fault import Fault, Layer
from wiremark_server.faults.frames import Frame

Kind = Callable[[Frame], str]
_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z]")  # of a name in camel case
# What holds of every answer, whatever its surface.
_EVERYWHERE = ("billing.*", "bodies.*", "contract.*", "errors.*", "http.*", "ids.*", "limits.*")


def _lowered(capital: re.Match[str]) -> str:
    return f"-{capital[0].lower()}"


@dataclass(frozen=True, slots=True)
class Surface:
    """One operation under one contract.

    name:     of the surface and of its faults
    owns:     pattern of the requirements that look at it
    request:  name of its request schema; "" when it has none
    response: name of the schema of its whole answers
    event:    name of the schema of its stream's events; "" when it does not stream
    error:    name of the schema of its refusals; "" when another surface of the contract has it
    bad:      members that make a request invalid
    answer:   a good answer, to be given where there must be none
    kinds:    the kinds of events, in the order in which they come
    kind:     of an event
    bugs:     pattern of the rest of a fault's name → the class of public bug reports that it stands for
    refusals: pattern of the requirements that look at the form of its refusals
    settled:  makes right what an event that moves would break besides, such as running numbers
    holds:    part ("answer", "event" or "refusal") → a document with every member of it that is taken for a
              field; what the document lacks is not derived. A part that is not named is derived whole
    absent:   patterns of pointers that the schemas describe and this server's answers never hold
    ids:      of those that look at its request ids
    near:     of what else looks at it, "" for nothing
    """

    name: str
    contract: str
    operation: str
    owns: str
    response: str
    request: str = ""
    event: str = ""
    error: str = ""
    bad: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    kind: Kind = lambda _: ""
    refusals: str = "errors.*"
    bugs: Mapping[str, str] = field(default_factory=dict)
    settled: Callable[[Iterable[Frame]], Iterable[Frame]] = iter
    holds: Mapping[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    ids: str = "ids.*"
    near: str = ""

    def on(self, form: Form = "any", where: Where = everywhere) -> On:
        return On(self.operation, form, where)

    def fault(self, name: str, layer: Layer, text: str, *edits: Edit, catches: str = "") -> Fault:
        """A fault of this surface, which any of its requirements may catch, or any that `catches` matches."""
        return Fault(
            f"{self.name}.{_CAPITAL.sub(_lowered, name.replace('@', ''))}",
            layer,
            text,
            edits,
            (catches or self.owns,),
            tuple(dict.fromkeys((self.owns, *((self.near,) if self.near else ()), *_EVERYWHERE))),
            next((bug for pattern, bug in self.bugs.items() if fnmatchcase(name, pattern)), None),
            derived=True,
            contract=self.contract,
        )


@dataclass(frozen=True, slots=True)
class Unseen:
    """Derived faults that are left out, because no client could see them; pattern → why."""

    reasons: Mapping[str, str]

    @classmethod
    @cache
    def load(cls) -> Unseen:
        source = "unseen.yaml"
        text = files(__package__).joinpath(source).read_text(encoding="utf-8")
        document, _ = yamlfile.parse(text, source)
        return cls({pattern: entry["why"] for entry in document["unseen"] for pattern in entry["faults"]})

    def __contains__(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.reasons)

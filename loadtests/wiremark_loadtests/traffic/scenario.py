"""Scenarios: what the users of a load run ask for, as one YAML file (schema `meta/scenario.json`). Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from wiremark_schemas import yamlfile

from wiremark_loadtests.formats import FORMATS
from wiremark_loadtests.formats.base import Format

DEFAULT = "chat"


@dataclass(frozen=True, slots=True)
class Retry:
    """attempts: at most so many, the first included, one right after the other; idempotent: all of them
    carry one Idempotency-Key
    """

    attempts: int = 1
    idempotent: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of request and how often it comes, relative to the others.

    prompt_words: least and most words of a user prompt
    repeat_share: share of requests whose prompt is one of a few that repeat
    role:         whose key the request carries
    format:       name of its wire format
    images:       pictures beside the prompt
    schema:       JSON Schema that the answer is to follow
    turns:        answers of a conversation; with tools, a tool that is called answers
    cut, cut_share: where the client hangs up, and of what share of its requests
    read_rate:    bytes a second that the client reads; None is all there is
    reconnect:    whether every request has a connection of its own
    patient:      whether a user pauses after a refusal or a failure
    webhook:      whether the end of a task is to be told by a webhook; else it is asked for
    fails:        whether a task is to fail, for a reference that cannot be had
    """

    name: str
    weight: int
    stream: bool
    prompt_words: tuple[int, int]
    max_tokens: int
    repeat_share: float = 0.0
    tools: tuple[Mapping[str, Any], ...] = ()
    role: str = "default"
    format: str = "chat"
    images: int = 0
    schema: Mapping[str, Any] | None = None
    turns: int = 1
    cut: tuple[str, ...] = ()
    cut_share: float = 1.0
    read_rate: int | None = None
    reconnect: bool = False
    patient: bool = True
    retry: Retry = Retry()
    webhook: bool = False
    fails: bool = False

    @property
    def form(self) -> Format:
        return FORMATS[self.format]

    @property
    def operation(self) -> str:
        """What the contract calls it."""
        return self.form.operation(stream=self.stream)

    @property
    def needs(self) -> frozenset[str]:
        """Capabilities of a model that can answer it."""
        asked = {"tools": self.tools, "vision": self.images, "json": self.schema}
        return frozenset(name for name, used in asked.items() if used)


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    mix: tuple[Entry, ...]

    @property
    def roles(self) -> frozenset[str]:
        """Whose keys the requests carry."""
        return frozenset(entry.role for entry in self.mix)

    @property
    def is_told(self) -> bool:
        """Whether it needs an address of ours that the endpoint reaches."""
        return any(entry.webhook or entry.fails for entry in self.mix)

    def only(self, fits: Callable[[Entry], bool], why: str) -> Scenario:
        """The entries that fit; raise BadFile, saying `why`, when nothing is left."""
        rest = tuple(entry for entry in self.mix if fits(entry))
        if not rest:
            raise yamlfile.BadFile(f"the scenario {self.name!r} {why}; name another model or scenario")
        return replace(self, mix=rest)

    def for_model(self, capabilities: Collection[str]) -> Scenario:
        """The scenario for a model: without what it does not take."""
        return self.only(
            lambda entry: entry.needs <= set(capabilities), "only asks for what the model does not take"
        )

    def for_operations(self, offered: Collection[str]) -> Scenario:
        """The scenario for an endpoint: without what it does not offer."""
        return self.only(
            lambda entry: entry.operation in offered, "only uses what the contract does not offer"
        )


def load(name_or_path: str) -> Scenario:
    """The bundled scenario of that name, or the one in that file; raise BadFile."""
    text, source = _text(name_or_path)
    document, lines = yamlfile.parse(text, source)
    yamlfile.check(document, lines, "meta/scenario", source)
    mix = []
    for position, entry in enumerate(document["mix"]):
        wrong = _wrong(entry)
        if wrong is not None:
            field, message = wrong
            line = lines.get(f"/mix/{position}/{field}", 1)
            raise yamlfile.BadFile(f"{source}:{line}: /mix/{position}/{field}: {message}")
        mix.append(_entry(entry))
    return Scenario(document["name"], document["title"], tuple(mix))


def names() -> list[str]:
    """The bundled scenarios."""
    folder = files("wiremark_loadtests.traffic").joinpath("scenarios")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir())


def _wrong(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """A field and what is wrong with it beyond the schema; None when nothing is."""
    low, high = entry["prompt_words"]
    if low > high:
        return "prompt_words", f"{low} is more than {high}"
    if entry.get("turns", 1) > 1 and entry.get("format", "chat") != "chat":
        return "turns", "conversations are held in the format chat only"
    if entry.get("format") == "embeddings" and entry["stream"]:
        return "stream", "embeddings do not stream"
    if entry.get("format") == "images" and entry["stream"]:
        return "stream", "tasks do not stream"
    for field in ("webhook", "fails"):
        if entry.get(field) and entry.get("format") != "images":
            return field, "only tasks have it: the format is to be images"
    return None


def _entry(entry: Mapping[str, Any]) -> Entry:
    """The entry as the schema lets it be written; what is left out is the default."""
    given = dict(entry)
    given["prompt_words"] = tuple(entry["prompt_words"])
    given["tools"] = tuple(entry.get("tools", ()))
    given["cut"] = tuple(entry.get("cut", ()))
    given["retry"] = Retry(**entry.get("retry", {}))
    return Entry(**given)


def _text(name_or_path: str) -> tuple[str, str]:
    if name_or_path in names():
        resource = files("wiremark_loadtests.traffic").joinpath("scenarios", f"{name_or_path}.yaml")
        return resource.read_text(encoding="utf-8"), f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"} or path.exists():
        return yamlfile.read(path, "scenario file"), str(path)
    raise yamlfile.BadFile(
        f"there is no scenario called {name_or_path!r} "
        f"(bundled: {', '.join(names())}; or give the path of a .yaml file)"
    )

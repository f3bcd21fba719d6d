"""Scenarios: what the users of a load run ask for, as one YAML file (schema `meta/scenario.json`).

Prompts come from a seed, so two runs with one seed send the same requests; each is unique unless the
entry's `repeat_share` says that some repeat, so that a cache neither helps nor hides by accident.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from wiremark_schemas import yamlfile

from wiremark_loadtests.traffic.arrivals import Arrival
from wiremark_loadtests.traffic.traces import BLOCK_TOKENS

DEFAULT = "chat"

_VOCABULARY = (
    "amber bridge candle delta ember forest garden harbour island jasmine kettle lantern meadow needle "
    "orchard paper quarry river silver timber umbrella valley willow yellow zephyr anchor basket copper"
)
_WORDS = tuple(_VOCABULARY.split())
_REPEATED = 8  # how many different prompts the repeating share draws from


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of request and how often it comes, relative to the others.

    prompt_words: least and most words of a user prompt
    repeat_share: share of requests whose prompt is one of a few that repeat
    role:         whose key the request carries
    """

    name: str
    weight: int
    stream: bool
    prompt_words: tuple[int, int]
    max_tokens: int
    repeat_share: float
    tools: tuple[Mapping[str, Any], ...]
    role: str = "default"


@dataclass(frozen=True, slots=True)
class Planned:
    """A request to send: which entry it is of, its JSON body, and the most tokens it asks for."""

    entry: Entry
    body: bytes
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    mix: tuple[Entry, ...]

    @property
    def roles(self) -> frozenset[str]:
        """Whose keys the requests carry."""
        return frozenset(entry.role for entry in self.mix)

    def without_tools(self) -> Scenario:
        """The scenario for a model that takes no tools; raise BadFile when nothing is left of it."""
        rest = tuple(entry for entry in self.mix if not entry.tools)
        if not rest:
            raise yamlfile.BadFile(
                f"the scenario {self.name!r} only sends requests with tools, which the model does not take; "
                "name another model or scenario"
            )
        return Scenario(self.name, self.title, rest)


class Plan:
    """The endless sequence of requests of one user. Two plans with the same arguments are equal."""

    def __init__(self, scenario: Scenario, model: str, seed: int, user: str) -> None:
        self._mix = scenario.mix
        self._weights = [entry.weight for entry in scenario.mix]
        self._model = model
        self._seed = seed
        self._user = user
        self._random = random.Random(f"{seed}/{user}")  # noqa: S311  not for secrets
        self._sent = 0

    def next(self, arrival: Arrival | None = None) -> Planned:
        """The next request; `arrival` may say how long it and its answer are to be."""
        (entry,) = self._random.choices(self._mix, self._weights)
        self._sent += 1
        prompt = self._prompt(entry)
        max_tokens = entry.max_tokens
        if arrival is not None and arrival.prompt_tokens is not None:
            prompt = self._traced(arrival.prompt_tokens, arrival.blocks)
            max_tokens = arrival.output_tokens or max_tokens
        document: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": max_tokens,
        }
        if entry.stream:
            document |= {"stream": True, "stream_options": {"include_usage": True}}
        if entry.tools:
            document["tools"] = [{"type": "function", "function": tool} for tool in entry.tools]
        return Planned(entry, json.dumps(document).encode(), max_tokens)

    def _traced(self, tokens: int, blocks: tuple[int, ...]) -> str:
        """A prompt of about so many tokens, a word counting as one; equal blocks are equal text."""
        words: list[str] = []
        for block in blocks:
            known = random.Random(f"{self._seed}/block/{block}")  # noqa: S311  not for secrets
            words += known.choices(_WORDS, k=min(BLOCK_TOKENS, tokens - len(words)))
        words += self._random.choices(_WORDS, k=tokens - len(words))
        return " ".join(words)

    def _prompt(self, entry: Entry) -> str:
        if self._random.random() < entry.repeat_share:
            number = self._random.randrange(_REPEATED)
            return f"[{self._seed}-{entry.name}-{number}] " + " ".join(_WORDS[: entry.prompt_words[0]])
        words = self._random.choices(_WORDS, k=self._random.randint(*entry.prompt_words))
        return f"[{self._seed}-{self._user}-{self._sent}] " + " ".join(words)


def load(name_or_path: str) -> Scenario:
    """The bundled scenario of that name, or the one in that file; raise BadFile."""
    text, source = _text(name_or_path)
    document, lines = yamlfile.parse(text, source)
    yamlfile.check(document, lines, "meta/scenario", source)
    mix = []
    for position, entry in enumerate(document["mix"]):
        low, high = entry["prompt_words"]
        if low > high:
            line = lines.get(f"/mix/{position}/prompt_words", 1)
            raise yamlfile.BadFile(
                f"{source}:{line}: /mix/{position}/prompt_words: {low} is more than {high}"
            )
        mix.append(
            Entry(
                name=entry["name"],
                weight=entry["weight"],
                stream=entry["stream"],
                prompt_words=(low, high),
                max_tokens=entry["max_tokens"],
                repeat_share=entry.get("repeat_share", 0.0),
                tools=tuple(entry.get("tools", ())),
                role=entry.get("role", "default"),
            )
        )
    return Scenario(document["name"], document["title"], tuple(mix))


def _text(name_or_path: str) -> tuple[str, str]:
    folder = files("wiremark_loadtests.traffic").joinpath("scenarios")
    bundled = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir())
    if name_or_path in bundled:
        return folder.joinpath(f"{name_or_path}.yaml").read_text(encoding="utf-8"), f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"} or path.exists():
        return yamlfile.read(path, "scenario file"), str(path)
    raise yamlfile.BadFile(
        f"there is no scenario called {name_or_path!r} "
        f"(bundled: {', '.join(bundled)}; or give the path of a .yaml file)"
    )

"""The requests of one user, one after the other, drawn from a seed. Pure.

Two runs with one seed send the same requests; each prompt is unique unless the entry's `repeat_share` says
that some repeat, so that a cache neither helps nor hides by accident.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wiremark_loadtests.client import conduct
from wiremark_loadtests.client.conduct import STEADY, Conduct
from wiremark_loadtests.formats import CHAT
from wiremark_loadtests.formats.base import Ask
from wiremark_loadtests.traffic import images
from wiremark_loadtests.traffic.arrivals import Arrival
from wiremark_loadtests.traffic.scenario import Entry, Scenario
from wiremark_loadtests.traffic.traces import BLOCK_TOKENS

_VOCABULARY = (
    "amber bridge candle delta ember forest garden harbour island jasmine kettle lantern meadow needle "
    "orchard paper quarry river silver timber umbrella valley willow yellow zephyr anchor basket copper"
)
_WORDS = tuple(_VOCABULARY.split())
_REPEATED = 8  # how many different prompts the repeating share draws from

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Planned:
    """A request to send: which entry it is of, its JSON body, the most tokens it asks for, and how the
    client behaves.

    headers: further lines, each ending in CRLF
    """

    entry: Entry
    model: str
    body: bytes
    max_tokens: int
    conduct: Conduct = STEADY
    headers: str = ""


@dataclass(slots=True)
class _Talk:
    """A conversation under way: what was said, and how many answers are still to come."""

    entry: Entry
    said: Sequence[Message]
    left: int


class Plan:
    """The endless sequence of requests of one user. Two plans with the same arguments are equal.

    model: name of the model for an entry
    """

    def __init__(self, scenario: Scenario, models: Mapping[str, str], seed: int, user: str) -> None:
        self._mix = scenario.mix
        self._weights = [entry.weight for entry in scenario.mix]
        self._models = models
        self._seed = seed
        self._user = user
        self._random = random.Random(f"{seed}/{user}")  # noqa: S311  not for secrets
        self._sent = 0
        self._talk: _Talk | None = None

    def next(self, arrival: Arrival | None = None) -> Planned:
        """The next request; `arrival` may say how long it and its answer are to be."""
        talk, self._talk = self._talk, None
        if talk is not None:
            entry = talk.entry
        else:
            (entry,) = self._random.choices(self._mix, self._weights)
        self._sent += 1
        prompt, max_tokens = self._prompt(entry), entry.max_tokens
        if arrival is not None and arrival.prompt_tokens is not None:
            prompt = self._traced(arrival.prompt_tokens, arrival.blocks)
            max_tokens = arrival.output_tokens or max_tokens
        if talk is not None and talk.said[-1].get("role") == "tool":
            prompt = ""  # the tool's result is what is said
        ask = Ask(
            self._models[entry.format],
            prompt,
            max_tokens,
            entry.stream,
            entry.tools,
            tuple(images.draw(self._random) for _ in range(entry.images)),
            entry.schema,
            tuple(talk.said) if talk is not None else (),
        )
        body = entry.form.body(ask)
        if entry.turns > 1:
            self._talk = _Talk(
                entry, body["messages"], talk.left - 1 if talk is not None else entry.turns - 1
            )
        return Planned(
            entry,
            ask.model,
            json.dumps(body).encode(),
            max_tokens,
            self._conduct(entry),
            self._headers(entry),
        )

    def hear(self, reply: Message | None) -> None:
        """The answer to the last request of a conversation; None, or the last answer, ends it."""
        talk = self._talk
        if talk is None:
            return
        if reply is None or talk.left < 1:
            self._talk = None
        else:
            talk.said = CHAT.next_turn(talk.said, reply)

    @property
    def listens(self) -> bool:
        """Whether the answer to the last request goes on a conversation."""
        return self._talk is not None and self._talk.left > 0

    def _conduct(self, entry: Entry) -> Conduct:
        cut = None
        if entry.cut and self._random.random() < entry.cut_share:
            middle = self._random.randint(*conduct.MIDDLE_READS)
            cut = conduct.cut_after(self._random.choice(entry.cut), middle)
        if cut is None and entry.read_rate is None:
            return STEADY
        return Conduct(cut, entry.read_rate)

    def _headers(self, entry: Entry) -> str:
        lines = "".join(f"{line}\r\n" for line in entry.form.headers)
        if entry.retry.idempotent:
            lines += f"Idempotency-Key: {self._seed}-{self._user}-{self._sent}\r\n"
        return lines

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

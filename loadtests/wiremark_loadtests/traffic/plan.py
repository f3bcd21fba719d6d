"""The requests of one user, one after the other, drawn from a seed. Pure.

Two runs with one seed send the same requests; each prompt is unique unless the entry's `repeat_share` says
that some repeat, so that a cache neither helps nor hides by accident.
"""

from __future__ import annotations

import json
import random
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

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
_LONGEST = 4096  # words of the text that prompts are cut from
_HOLE = "@@prompt@@"  # where the prompt goes in a body made once
_REPEATED = 8  # how many different prompts the repeating share draws from

Message = Mapping[str, Any]


class Planned(NamedTuple):
    """A request to send: which entry it is of, its JSON body, the most tokens it asks for, and how the
    client behaves.

    headers: further lines, each ending in CRLF
    claim:   the idempotency key among them; None without one
    """

    entry: Entry
    model: str
    body: bytes
    max_tokens: int
    conduct: Conduct = STEADY
    headers: str = ""
    claim: str | None = None


@dataclass(frozen=True, slots=True)
class _Mould:
    """The JSON of an entry's requests around their prompt, which is all that differs."""

    before: bytes
    after: bytes


@dataclass(slots=True)
class _Talk:
    """A conversation under way: what was said, and how many answers are still to come."""

    entry: Entry
    said: Sequence[Message]
    left: int


class Plan:
    """The endless sequence of requests of one user. Two plans with the same arguments are equal.

    models: name of the model by format
    origin: of the receiver of webhooks; None when there is none
    run:    makes idempotency keys this run's own: what an earlier run with its seed sent is not sent again
    """

    def __init__(
        self,
        scenario: Scenario,
        models: Mapping[str, str],
        seed: int,
        user: str,
        run: str = "",
        origin: str | None = None,
    ) -> None:
        self._mix = scenario.mix
        self._cumulated = list(accumulate(entry.weight for entry in scenario.mix))
        self._models = models
        self._seed = seed
        self._user = user
        self._run = run
        self._origin = origin
        self._random = random.Random(f"{seed}/{user}")  # noqa: S311  not for secrets
        self._sent = 0
        self._talk: _Talk | None = None
        self._headers = {
            entry.name: "".join(f"{line}\r\n" for line in entry.form.headers) for entry in scenario.mix
        }
        moulds = {entry.name: self._mould(entry) for entry in scenario.mix}
        self._moulds = {name: mould for name, mould in moulds.items() if mould is not None}

    def next(self, arrival: Arrival | None = None) -> Planned:
        """The next request; `arrival` may say how long it and its answer are to be."""
        talk, self._talk = self._talk, None
        entry = talk.entry if talk is not None else self._draw()
        self._sent += 1
        claim = f"{self._run}{self._seed}-{self._user}-{self._sent}" if entry.retry.idempotent else None
        headers = self._headers[entry.name]
        if claim is not None:
            headers += f"Idempotency-Key: {claim}\r\n"
        mould = self._moulds.get(entry.name)
        prompt, max_tokens = self._prompt(entry), entry.max_tokens
        if arrival is not None and arrival.prompt_tokens is not None:
            prompt = self._traced(arrival.prompt_tokens, arrival.blocks)
            max_tokens = arrival.output_tokens or max_tokens
            mould = None
        if mould is not None:  # what is written in prompts means itself in JSON
            body = b"".join((mould.before, prompt.encode("ascii"), mould.after))
        else:
            body = self._written(entry, talk, prompt, max_tokens)
        return Planned(
            entry, self._models[entry.format], body, max_tokens, self._conduct(entry), headers, claim
        )

    def _draw(self) -> Entry:
        if len(self._mix) == 1:
            return self._mix[0]
        return self._mix[bisect(self._cumulated, self._random.random() * self._cumulated[-1])]

    def _written(self, entry: Entry, talk: _Talk | None, prompt: str, max_tokens: int) -> bytes:
        """The body of a request that is unlike the entry's others."""
        if talk is not None and talk.said[-1].get("role") == "tool":
            prompt = ""  # the tool's result is what is said
        ask = self._ask(entry, prompt, max_tokens, tuple(talk.said) if talk is not None else ())
        body = entry.form.body(ask)
        if entry.turns > 1:
            self._talk = _Talk(
                entry, body["messages"], talk.left - 1 if talk is not None else entry.turns - 1
            )
        return json.dumps(body).encode()

    def _ask(self, entry: Entry, prompt: str, max_tokens: int, said: tuple[Message, ...] = ()) -> Ask:
        return Ask(
            self._models[entry.format],
            prompt,
            max_tokens,
            entry.stream,
            entry.tools,
            tuple(images.draw(self._random) for _ in range(entry.images)),
            entry.schema,
            said,
            f"{self._origin}/webhook" if entry.webhook else None,
            f"{self._origin}/no-such-image.png" if entry.fails else None,
        )

    def _mould(self, entry: Entry) -> _Mould | None:
        """None where more than the prompt differs from one request to the next."""
        if entry.turns > 1 or entry.images:
            return None
        whole = json.dumps(entry.form.body(self._ask(entry, _HOLE, entry.max_tokens)))
        before, _, after = whole.partition(_HOLE)
        return _Mould(before.encode(), after.encode()) if _HOLE not in after else None

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
        low, high = entry.prompt_words
        count = low + int(self._random.random() * (high - low + 1))
        start = int(self._random.random() * _LONGEST)
        return f"[{self._seed}-{self._user}-{self._sent}] {_babble(start, count)}"


@cache
def _text() -> tuple[str, list[int]]:
    """Words in no order, and where each begins; what prompts are cut from. The same in every process."""
    words = random.Random("wiremark/prompts").choices(_WORDS, k=_LONGEST)  # noqa: S311  not for secrets
    starts = [0, *accumulate(len(word) + 1 for word in words)]
    return " ".join([*words, ""]), starts


def _babble(start: int, count: int) -> str:
    """So many words, from somewhere on; round and round when they are many."""
    text, starts = _text()
    parts = []
    while start + count > _LONGEST:
        parts.append(text[starts[start] :])
        start, count = 0, count - (_LONGEST - start)
    parts.append(text[starts[start] : starts[start + count]])
    return "".join(parts).rstrip()

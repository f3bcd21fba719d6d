"""The workers of several server processes as one list: what each is doing, and what is asked of another's.

The board is memory that every process maps, laid out before they are forked. A process writes how its own
workers are, and looks whether another has asked for a change of one; who has asked waits until that is done.
Every cell has one writer, so there is no lock that a killed process could take with it.
"""

from __future__ import annotations

import asyncio
import itertools
import mmap
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from wiremark_server.engine.batch import BatchStats
from wiremark_server.engine.workers import CHANGES, Change, Staff, State, WorkerAway

_STATES: tuple[State, ...] = get_args(State)
_OWN = 7  # cells in which a process tells of a worker: its state, and its statistics
_ASKED = 3  # and for each process that may ask: how often it has, for what, and how often that was done
_FLOAT = 8
_NOTHING = -1.0  # in the place of a change that nobody wants any more
LOOK_SECONDS = 0.05
_LOOKS = 100
"""So often a process looks whether what it has asked for is done, before it gives up."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Told:
    """A worker as its process has told of it last."""

    number: int
    process: int
    profile: str
    state: State
    stats: BatchStats

    def to_json(self) -> dict[str, Any]:
        own = {"number": self.number, "process": self.process, "profile": self.profile, "state": self.state}
        return {"object": "worker", **own, **asdict(self.stats)}


class Board:
    """processes: how many there will be; profiles: of the workers of each, in their order"""

    def __init__(self, processes: int, profiles: Sequence[str]) -> None:
        self.processes = processes
        self.profiles = tuple(profiles)
        self._width = _OWN + _ASKED * processes
        size = self._width * processes * len(self.profiles) * _FLOAT
        self._cells = memoryview(mmap.mmap(-1, size)).cast("d")

    def told(self, number: int) -> Told:
        row = self._row(number)
        state, running, waiting, kv_usage, *counted = row[:_OWN]
        stats = BatchStats(int(running), int(waiting), kv_usage, *map(int, counted))
        process, position = divmod(number, len(self.profiles))
        return Told(number, process, self.profiles[position], _STATES[int(state)], stats)

    def tell(self, number: int, state: State, stats: BatchStats) -> None:
        row = self._row(number)
        for at, value in enumerate((_STATES.index(state), *asdict(stats).values())):
            row[at] = value

    def asked(self, number: int, asker: int) -> memoryview[float]:
        """How often a process has asked for a change of a worker, for which, and how often that was done."""
        at = _OWN + _ASKED * asker
        return self._row(number)[at : at + _ASKED]

    def _row(self, number: int) -> memoryview[float]:
        return self._cells[number * self._width : (number + 1) * self._width]


class Everywhere:
    """The workers of all processes as one of them sees and changes them, numbered from one to the next.

    place: of this process in the pack; own: its workers
    """

    def __init__(self, board: Board, place: int, own: Staff, sleep: Sleep = asyncio.sleep) -> None:
        self._board = board
        self._place = place
        self._own = own
        self._sleep = sleep
        self._each = len(board.profiles)
        # What was asked of a process that has died is not this one's affair.
        self._old = {place: board.asked(*place)[0] for place in self._orders()}
        self._tell()

    @property
    def all(self) -> tuple[Told, ...]:
        self._tell()
        return tuple(self._board.told(number) for number in range(self._each * self._board.processes))

    async def change(self, number: int, change: Change) -> None:
        """Raises WorkerAway when the process of the worker does not do it."""
        if number in self._numbers:
            await self._own.change(number - self._numbers.start, change)
            return
        order = self._board.asked(number, self._place)
        order[1] = CHANGES.index(change)
        order[0] += 1
        for _ in range(_LOOKS):
            if order[2] == order[0]:
                return
            await self._sleep(LOOK_SECONDS)
        order[1] = _NOTHING  # done later, when nobody expects it any more, it would be a surprise
        raise WorkerAway(f"the process of worker {number} does not answer")

    async def look(self) -> None:
        """Do what the others ask, and tell them; to be called every LOOK_SECONDS."""
        for number, asker in self._orders():
            order = self._board.asked(number, asker)
            wanted = order[0]
            if wanted != order[2] and wanted != self._old[number, asker]:
                if order[1] != _NOTHING:
                    await self._own.change(number - self._numbers.start, CHANGES[int(order[1])])
                self._tell()
                order[2] = wanted
        self._tell()

    def _orders(self) -> Iterator[tuple[int, int]]:
        """Each own worker with each process that may ask for a change of it."""
        return itertools.product(self._numbers, range(self._board.processes))

    @property
    def _numbers(self) -> range:
        return range(self._place * self._each, (self._place + 1) * self._each)

    def _tell(self) -> None:
        for number, worker in zip(self._numbers, self._own.all, strict=True):
            self._board.tell(number, worker.state, worker.stats)

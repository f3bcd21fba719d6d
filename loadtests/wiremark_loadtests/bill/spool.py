"""Receipts on disk: a run of any length holds only the newest in memory.

A JSON array of receipts a line, in the folder of the report as receipts.jsonl: a process that is killed
leaves it there, one that ends by itself does not. When the disk takes no more, the receipts from then on
stay in memory and `problem` says so: the run can still end with every receipt it had.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from wiremark_loadtests.bill.receipts import Receipt

NAME = "receipts.jsonl"
_READ = 1 << 20


class Spool:
    """A file of receipts that vanishes with the run; made when the first comes.

    folder: where; None is the system's own for such files, and then it has no name
    """

    def __init__(self, folder: Path | None = None, name: str = NAME) -> None:
        self._name = name
        self.problem = ""
        self.count = 0
        self._folder = folder
        self._kept: list[Receipt] = []
        self._file: IO[bytes] | None = None
        self._written = 0  # bytes known to be on disk whole

    @property
    def path(self) -> Path | None:
        """None when it has no name."""
        return None if self._folder is None else self._folder / self._name

    def add(self, receipts: Iterable[Receipt]) -> None:
        """Keep more receipts, on disk as long as it takes them. Never raises for the disk's sake."""
        new = list(receipts)
        self.count += len(new)
        if not new or self.problem:
            self._kept += new
            return
        line = json.dumps(new).encode() + b"\n"  # one by one takes twice as long
        try:
            self._write(line)
        except OSError as error:
            self._give_up(error)
            self._kept += new
        else:
            self._written += len(line)

    def _write(self, line: bytes) -> None:
        if self._file is None:
            self._file = self._opened()
        rest = memoryview(line)
        while rest:  # unbuffered: a disk that is nearly full takes a part
            rest = rest[self._file.write(rest) :]

    def _opened(self) -> IO[bytes]:
        if self._folder is None:
            return tempfile.TemporaryFile(buffering=0, prefix="wiremark-receipts-")
        self._folder.mkdir(parents=True, exist_ok=True)
        return (self._folder / self._name).open("w+b", buffering=0)

    def _give_up(self, error: OSError) -> None:
        self.problem = (
            f"receipts could not be written to disk ({error.strerror or error}) and were kept in memory"
        )

    def __iter__(self) -> Iterator[Receipt]:
        """All receipts, oldest first."""
        if self._file is not None and self._written:
            yield from self._read(self._file)
        yield from self._kept

    def _read(self, file: IO[bytes]) -> Iterator[Receipt]:
        """What was written whole; a full disk may have cut the line after it."""
        at, rest = 0, b""
        while at < self._written:
            data = os.pread(file.fileno(), min(_READ, self._written - at), at)
            if not data:
                return
            at += len(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                for row in json.loads(line):
                    yield Receipt.from_wire(row)

    def close(self, *, keep: bool = False) -> None:
        """`keep` leaves the file there."""
        if self._file is not None and not self._file.closed:
            self._file.close()
            if self._folder is not None and not keep:
                (self._folder / self._name).unlink(missing_ok=True)

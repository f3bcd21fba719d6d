"""A file of traffic, whatever its kind, and what the suite says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wiremark_conformance import recorded
from wiremark_conformance.replay import corpus, passive
from wiremark_conformance.verdicts import Judged


@dataclass(frozen=True, slots=True)
class Promised:
    """What traffic of other clients is held to: a recording of a run says it itself.

    contract: name or file; base_url: below which the endpoint stands; model: that is asked; None: not said
    """

    contract: str | None = None
    base_url: str | None = None
    model: str | None = None


# By what a file is called; anything else is a recording of a run.
_READERS: Mapping[str, Callable[[Path, Promised], Judged]] = {
    ".yaml": lambda path, _: corpus.read(path),
    ".yml": lambda path, _: corpus.read(path),
    ".har": lambda path, promised: passive.read(path, promised.contract, promised.base_url, promised.model),
}


def read(path: Path, promised: Promised) -> Judged:
    """What the suite says of the traffic in a file. Raises BadFile with the line and the reason."""
    reader = _READERS.get(path.suffix.lower())
    return recorded.read(path) if reader is None else reader(path, promised)

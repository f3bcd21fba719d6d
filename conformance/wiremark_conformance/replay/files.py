"""A file of traffic, whatever its kind, and what the suite says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from wiremark_schemas.yamlfile import BadFile

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


_HEAD = 4096  # bytes that are looked at
# What a file says of itself; a HAR says nothing but begins with its log.
_SAID = re.compile(rb"""^\s*(?:\{\s*)?"?wiremark"?\s*:\s*"?(recording|report|corpus)/""", re.MULTILINE)
_LOG = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"log"\s*:')
# What it is taken for by its name when it does not say.
_CALLED = {".yaml": "corpus", ".yml": "corpus", ".har": "har", ".json": "report"}


def kind(path: Path) -> str:
    """recording, corpus, har or report: as the file says, else as it is called, else a recording."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:  # whoever reads it will say so
        head = b""
    if said := _SAID.search(head):
        return said[1].decode()
    return "har" if _LOG.match(head) else _CALLED.get(path.suffix.lower(), "recording")


def read(path: Path, promised: Promised) -> Judged:
    """What the suite says of the traffic in a file. Raises BadFile with the line and the reason."""
    match kind(path):
        case "corpus":
            return corpus.read(path)
        case "har":
            return passive.read(path, promised.contract, promised.base_url, promised.model)
        case "report":
            raise BadFile(f"{path}:1: this is a report, not traffic; `wiremark compare` reads it")
        case _:
            return recorded.read(path)

"""Traces of real traffic: when requests came and how long they and their answers were. Pure but for reading.

| format   | file       | fields used                                                             |
|----------|------------|-------------------------------------------------------------------------|
| Mooncake | JSON lines | timestamp (ms), input_length, output_length, hash_ids (512 tokens each) |
| Azure    | CSV        | TIMESTAMP (date and time), ContextTokens, GeneratedTokens               |
| BurstGPT | CSV        | Timestamp (s), Request tokens, Response tokens                          |
| own      | CSV        | at (s), prompt_tokens, output_tokens                                    |

The format is told by the first line. Moments are counted from the first request.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from wiremark_schemas.yamlfile import BadFile, read

from wiremark_loadtests.traffic.arrivals import Arrival

BLOCK_TOKENS = 512  # of a Mooncake block


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns of a CSV format: moment, prompt tokens, output tokens; and how a moment reads."""

    columns: tuple[str, str, str]
    moment: Callable[[str], float]


def _date(text: str) -> float:
    """Seconds of a date and time; Azure writes seven digits of a second, of which six are kept."""
    whole, dot, part = text.strip().replace("T", " ").partition(".")
    digits = "".join(c for c in part if c.isdigit())[:6].ljust(6, "0") if dot else "000000"
    return datetime.fromisoformat(f"{whole[:19]}.{digits}+00:00").timestamp()


_TABLES = (
    _Table(("TIMESTAMP", "ContextTokens", "GeneratedTokens"), _date),
    _Table(("Timestamp", "Request tokens", "Response tokens"), float),
    _Table(("at", "prompt_tokens", "output_tokens"), float),
)


def load(path: Path, speed: float = 1.0) -> tuple[Arrival, ...]:
    """The requests of a trace, `speed` times as fast as they came; raise BadFile with the line."""
    return parse(read(path, "trace"), str(path), speed)


def parse(text: str, source: str, speed: float = 1.0) -> tuple[Arrival, ...]:
    lines = text.lstrip("\ufeff").splitlines()
    if not lines:
        raise BadFile(f"{source}: the trace is empty")
    rows = _mooncake(lines, source) if lines[0].lstrip().startswith("{") else _table(lines, source)
    found = sorted(rows, key=lambda arrival: arrival.at)
    if not found:
        raise BadFile(f"{source}: the trace holds no request")
    first = found[0].at
    return tuple(replace(arrival, at=(arrival.at - first) / speed) for arrival in found)


def _mooncake(lines: Sequence[str], source: str) -> Iterator[Arrival]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            yield _arrival(
                float(row["timestamp"]) / 1000,
                row["input_length"],
                row["output_length"],
                tuple(int(block) for block in row.get("hash_ids", ())),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _bad(source, number, error) from None


def _table(lines: Sequence[str], source: str) -> Iterator[Arrival]:
    rows = csv.DictReader(lines)
    names = tuple(name.strip() for name in rows.fieldnames or ())
    table = next((table for table in _TABLES if set(table.columns) <= set(names)), None)
    if table is None:
        known = "; ".join(", ".join(table.columns) for table in _TABLES)
        raise BadFile(f"{source}:1: the columns are those of no trace that is known ({known})")
    at, prompt, output = table.columns
    for row in rows:
        cells: Mapping[str, Any] = {str(name).strip(): cell for name, cell in row.items()}
        try:
            yield _arrival(table.moment(cells[at]), cells[prompt], cells[output])
        except (ValueError, TypeError, AttributeError) as error:
            raise _bad(source, rows.line_num, error) from None


def _arrival(at: float, prompt: Any, output: Any, blocks: tuple[int, ...] = ()) -> Arrival:
    sizes = int(float(prompt)), int(float(output))
    if not math.isfinite(at) or min(sizes) < 0:
        raise ValueError("a moment or a size that cannot be")
    # A request of nothing cannot be sent; failed requests of BurstGPT are answered with 0 tokens.
    return Arrival(at, max(1, sizes[0]), max(1, sizes[1]), blocks)


def _bad(source: str, line: int, error: Exception) -> BadFile:
    why = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
    return BadFile(f"{source}:{line}: this is not a request of a trace: {why}")

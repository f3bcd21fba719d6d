"""Every fault and every variant by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from wiremark_server.faults import consequences, derived
from wiremark_server.faults.fault import Fault, Variant
from wiremark_server.faults.misbehaviour import Misbehaviour
from wiremark_server.faults.tables import (
    billing,
    bodies,
    catalogue,
    chat,
    errors,
    faces,
    formats,
    gemini,
    habits,
    http,
    idempotency,
    keys,
    leniency,
    limits,
    messages,
    options,
    outside,
    promised,
    reference,
    reported,
    responses,
    routed,
    stream_chunks,
    stream_ends,
    stream_framing,
    stream_timing,
    stream_usage,
    systems,
    tasks,
    tools_custom,
    tools_streamed,
    tools_whole,
    vectors,
)
from wiremark_server.faults.variants import VARIANTS

ALL = "all"  # stands for every variant
_TABLES = (
    keys,
    http,
    idempotency,
    limits,
    billing,
    bodies,
    leniency,
    catalogue,
    chat,
    errors,
    formats,
    habits,
    options,
    stream_framing,
    stream_ends,
    stream_chunks,
    stream_usage,
    stream_timing,
    systems,
    tools_custom,
    tools_whole,
    vectors,
    tools_streamed,
    messages,
    responses,
    gemini,
    routed,
    tasks,
    faces,
    promised,
    outside,
    reference,
    reported,
)
_Named = TypeVar("_Named", Fault, Variant)


class UnknownNameError(Exception):
    """There is no fault or variant of this name; the text lists the nearest ones."""


@cache
def faults() -> Mapping[str, Fault]:
    """All faults, in the order of the tables, the derived ones last."""
    written = (fault for table in _TABLES for fault in table.TABLE)
    return _by_name(consequences.complete((*written, *derived.faults())))


@cache
def variants() -> Mapping[str, Variant]:
    return _by_name(VARIANTS)


def _by_name(entries: Iterable[_Named]) -> Mapping[str, _Named]:
    found: dict[str, _Named] = {}
    for entry in entries:
        if entry.name in found:
            raise ValueError(f"{entry.name!r} stands in the tables twice")
        found[entry.name] = entry
    return MappingProxyType(found)


def find(kind: str, known: Mapping[str, _Named], names: Sequence[str]) -> tuple[_Named, ...]:
    """The entries of these names. kind: what they are, for the sentence. Raises UnknownNameError."""
    for name in names:
        if name not in known:
            raise unknown(kind, name, known)
    return tuple(known[name] for name in dict.fromkeys(names))


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is none of those known."""
    near = difflib.get_close_matches(name.lower(), list(known), n=3, cutoff=0.4)
    hint = f"the nearest are {', '.join(near)}" if near else "`wiremark faults` lists what there is"
    return UnknownNameError(f"there is no {kind} {name!r}; {hint}")


def chosen(
    faults_named: Sequence[str], variants_named: Sequence[str], rate: float = 1.0, seed: int = 0
) -> Misbehaviour | None:
    """What a server is to show; None when nothing is named. Raises UnknownNameError."""
    if not faults_named and not variants_named:
        return None
    every = tuple(variants()) if ALL in variants_named else variants_named
    return Misbehaviour(find("fault", faults(), faults_named), find("variant", variants(), every), rate, seed)


def document() -> dict[str, Any]:
    """The catalogue as data: `meta/faults`."""
    return {
        "wiremark": "faults/1",
        "contracts": list(dict.fromkeys(fault.contract for fault in faults().values())),
        "faults": [
            {
                "name": fault.name,
                "layer": fault.layer,
                "text": fault.text,
                "catches": list(fault.catches),
                "allows": list(fault.allows),
                "bug": fault.bug,
                "derived": fault.derived,
                "contract": fault.contract,
            }
            for fault in faults().values()
        ],
        "variants": [
            {
                "name": variant.name,
                "text": variant.text,
                "basis": variant.basis,
                "contract": variant.contract,
                "socket": variant.socket,
            }
            for variant in variants().values()
        ],
    }

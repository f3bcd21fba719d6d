"""Which trials there are: every fault, every variant, mixtures from a seed; or a small share of them."""

from __future__ import annotations

import zlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wiremark_conformance.selftest.outside import needs_socket
from wiremark_conformance.selftest.trial import Trial

MIXTURES = 200  # seeded mixtures of variants in a full run
QUICK_MIXTURES = 4
QUICK_DERIVED = 32  # a quick run tries one derived fault in so many
QUICK_WRITTEN = 12  # and one in so many of those that somebody wrote
LOW_RATE = 0.03  # share of the requests of a fault's trial on which each variant shows
_MIXED_RATES = (0.05, 0.15, 0.3, 0.6)
_ON_SOCKETS = "wire"
_SOCKET_EVERY = 8  # one mixture in so many goes over sockets


@dataclass(frozen=True, slots=True)
class Plan:
    """baselines: one per contract; faults: by name; variants: each alone; mixtures: several at once."""

    baselines: tuple[Trial, ...]
    faults: tuple[Trial, ...]
    variants: tuple[Trial, ...]
    mixtures: tuple[Trial, ...]
    all_faults: bool

    @property
    def trials(self) -> tuple[Trial, ...]:
        return (*self.baselines, *self.faults, *self.variants, *self.mixtures)


def plan(
    catalogue: Mapping[str, Any],
    *,
    seed: int,
    rate: float,
    quick: bool = False,
    only: Sequence[str] = (),
    whole: bool = False,
    without: Container[str] = (),
) -> Plan:
    """The trials of a run.

    catalogue: as `meta/faults` has it
    rate:      of the variants while faults are tried
    quick:     a share of the faults, few mixtures
    only:      faults and variants of these names, and nothing else
    without:   requirements that nothing here can ask about; faults of these alone are left out
    whole:     every question is put to every fault, not only those of its own areas and a sample
    """
    faults = [
        fault
        for fault in catalogue["faults"]
        if _chosen(fault, quick=quick, only=only) and not all(name in without for name in fault["catches"])
    ]
    variants = [v for v in catalogue["variants"] if _alone(v["name"], quick=quick, only=only)]
    every = _by_contract(catalogue)
    contracts = dict.fromkeys(fault["contract"] for fault in faults) or catalogue["contracts"][:1]
    count = 0 if only else QUICK_MIXTURES if quick else MIXTURES
    return Plan(
        tuple(Trial(f"{contract} as it should be", contract, seed=seed) for contract in contracts),
        tuple(_of_fault(fault, every[fault["contract"]], rate, seed, whole=whole) for fault in faults),
        tuple(
            Trial(v["name"], v["contract"], variants=(v["name"],), seed=seed, socket=v["socket"])
            for v in variants
        ),
        (*_together(catalogue, every, seed, quick=quick), *_mixtures(catalogue, every, seed, count))
        if not only
        else (),
        not quick and not only,
    )


def _of_fault(
    fault: Mapping[str, Any], variants: tuple[str, ...], rate: float, seed: int, *, whole: bool
) -> Trial:
    """Over a socket nothing else goes on: what a fault does to the bytes must be seen as it is."""
    socket = fault["layer"] == _ON_SOCKETS or needs_socket(fault["catches"])
    return Trial(
        fault["name"],
        fault["contract"],
        (fault["name"],),
        variants if rate and not socket else (),
        rate,
        seed ^ zlib.crc32(fault["name"].encode()),
        socket,
        () if whole else tuple(fault["catches"]),
    )


def _by_contract(catalogue: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """The variants that were written for each contract: enough to show beside a fault."""
    return {
        contract: tuple(v["name"] for v in catalogue["variants"] if v["contract"] == contract)
        for contract in catalogue["contracts"]
    }


def _chosen(fault: Mapping[str, Any], *, quick: bool, only: Sequence[str]) -> bool:
    if only:
        return fault["name"] in only
    share = QUICK_DERIVED if fault["derived"] else QUICK_WRITTEN
    return not quick or zlib.crc32(fault["name"].encode()) % share == 0


def _alone(name: str, *, quick: bool, only: Sequence[str]) -> bool:
    """Whether a variant is tried alone; a quick run tries all of them together all the same."""
    if only:
        return name in only
    return not quick or zlib.crc32(name.encode()) % QUICK_WRITTEN == 0


def _together(
    catalogue: Mapping[str, Any], every: Mapping[str, tuple[str, ...]], seed: int, *, quick: bool
) -> tuple[Trial, ...]:
    """All variants at once, under every contract; over sockets under those that they were written for."""
    names = tuple(v["name"] for v in catalogue["variants"])
    return tuple(
        Trial(f"all variants on {contract}{said}", contract, (), names, 1.0, seed, socket)
        for contract in catalogue["contracts"]
        for socket, said in ((False, ""), (True, " over sockets"))
        if every[contract] or not (quick or socket)
    )


def _mixtures(
    catalogue: Mapping[str, Any], every: Mapping[str, tuple[str, ...]], seed: int, count: int
) -> tuple[Trial, ...]:
    """Of all variants: half under the contracts that they were written for, half under every one in turn.

    What a promise forbids does not show there.
    """
    turns = (
        tuple(contract for contract in catalogue["contracts"] if every[contract]),
        catalogue["contracts"],
    )
    names = tuple(v["name"] for v in catalogue["variants"])
    return tuple(
        Trial(
            f"mixture {seed + n}",
            contracts[n // 2 % len(contracts)],
            variants=names,
            rate=_MIXED_RATES[n // 2 // len(contracts) % len(_MIXED_RATES)],
            seed=seed + n,
            socket=n % _SOCKET_EVERY == 0,
        )
        for n in range(count)
        for contracts in (turns[n % 2],)
    )

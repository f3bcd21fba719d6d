"""Whether faults can show where they are asked for: a client is not hardened by a fault that never came."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence

from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract

from wiremark_server.faults.edit import Edit, Inside, Instead, On, Promise, everywhere
from wiremark_server.faults.fault import Fault, Variant
from wiremark_server.faults.misbehaviour import promised

_NO_ROUTE = ""  # the operation of requests that a contract does not have, which every contract gets


class NeverShowsError(Exception):
    """A fault would never be seen; the text says why and what to do."""


def check_variants(variants: Sequence[Variant], served: Sequence[Contract]) -> None:
    """Raises NeverShowsError for a variant that no contract served can show, or leaves open."""
    for variant in variants:
        if not any(_has_place(variant.edits, one) and variant.legal(one) for one in served):
            raise NeverShowsError(
                f"the variant {variant.name!r} never shows under {_either(served)}: it is about something "
                "else, or a promise forbids it"
            )


def check(faults: Sequence[Fault], served: Sequence[Contract]) -> None:
    """Raises NeverShowsError for a fault that no contract served can show, and for one that another hides."""
    for fault in faults:
        if not any(shows(fault, contract) for contract in served):
            raise NeverShowsError(
                f"the fault {fault.name!r} never shows under {_either(served)}: {_instead(fault)}"
            )
    for one, other in itertools.permutations(faults, 2):
        if reason := _hides(one, other, served):
            raise NeverShowsError(f"{one.name!r} and {other.name!r} cannot go together: {reason}")


def shows(fault: Fault, contract: Contract) -> bool:
    """Whether a fault has something to take hold of under a contract."""
    return _has_place(fault.edits, contract)


def _has_place(edits: Sequence[Edit], contract: Contract) -> bool:
    outside = [edit for edit in edits if not isinstance(edit, Inside)]
    return not outside or any(_takes_hold(edit, contract) for edit in outside)


def _either(served: Sequence[Contract]) -> str:
    return " or ".join(repr(contract.name) for contract in served)


def shown_under(fault: Fault) -> tuple[str, ...]:
    """The bundled contracts that can be served and show a fault, the one that it is tried under first."""
    bundled = (contracts.load(name) for name in contracts.bundled())
    names = (contract.name for contract in bundled if contract.models and shows(fault, contract))
    return tuple(sorted(names, key=lambda name: (name != fault.contract, name)))


def _takes_hold(edit: Edit, contract: Contract) -> bool:
    if isinstance(edit, Promise):
        return _raw(contract, [edit]) != contract.raw
    if isinstance(edit, Inside):
        return True
    return edit.on.operation in (None, _NO_ROUTE) or edit.on.operation in contract.raw["operations"]


def _raw(contract: Contract, edits: Sequence[Edit]) -> object:
    """The contract after edits of it; itself when it has not what they change."""
    try:
        return promised(contract, edits).raw
    except (LookupError, TypeError, AttributeError):
        return copy.deepcopy(contract.raw)


def _instead(fault: Fault) -> str:
    names = shown_under(fault)
    return f"serve it with --contract {', '.join(names)}" if names else "no bundled contract shows it"


def _hides(one: Fault, other: Fault, served: Sequence[Contract]) -> str:
    """Why a fault is never seen when `one` comes before it or after it, or ""."""
    if all(isinstance(edit, Promise) for edit in other.edits):
        lost = [contract for contract in served if _undone(one, other, contract)]
        if len(lost) == len(served):
            return "both change the same promise, and the last one named would be kept alone"
    whole = [edit.on for edit in one.edits if isinstance(edit, Instead) and edit.on.where is everywhere]
    for on in whole:
        if all(_covers(on, edit) for edit in other.edits):
            asked = f"every request to {on.operation}" if on.operation else "every request"
            return f"the first answers {asked} in the gateway's place, and the second has nothing to change"
    return ""


def _undone(one: Fault, other: Fault, contract: Contract) -> bool:
    """Whether nothing is left of `other` when `one` changes the same contract after it."""
    alone = _raw(contract, one.edits)
    changed = _raw(contract, other.edits) != contract.raw
    return changed and alone != contract.raw and _raw(contract, (*other.edits, *one.edits)) == alone


def _covers(on: On, edit: Edit) -> bool:
    """Whether an edit is an answer in the gateway's place that an earlier such answer leaves no room for."""
    return isinstance(edit, Instead) and (on.operation is None or on.operation == edit.on.operation)

"""What one server was told to do wrong, or differently: which edits a request gets, and what they change."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wiremark_schemas.contracts import Contract

from wiremark_server.faults.edit import Ask, Edit, Inside, Promise
from wiremark_server.faults.fault import Fault, Variant
from wiremark_server.keys import KeyStore
from wiremark_server.policy.call import Services


@dataclass(slots=True)
class Misbehaviour:
    """Faults show on every request, variants on a share of the requests.

    rate: the share; which ones follows from `seed` and the request, so that an answer that is given again
          from a cache is given in the same form
    """

    faults: Sequence[Fault] = ()
    variants: Sequence[Variant] = ()
    rate: float = 1.0
    seed: int = 0

    def choose(self, ask: Ask) -> Iterable[Edit]:
        """The edits for one request, the variants first: a fault is a fault of what they made.

        A variant that breaks a promise of the contract does not show under it.
        """
        draw = random.Random(f"{self.seed} {ask.operation} {ask.body!r}")  # noqa: S311 - to be repeated
        for variant in self.variants:
            shows = self.rate >= 1 or draw.random() < self.rate
            if shows and (ask.contract is None or variant.legal(ask.contract)):
                yield from variant.edits
        for fault in self.faults:
            yield from fault.edits


def promised(contract: Contract, edits: Iterable[Edit]) -> Contract:
    """The contract that is served instead of the one that was promised."""
    changes = [edit.change for edit in edits if isinstance(edit, Promise)]
    if not changes:
        return contract
    raw = copy.deepcopy(dict(contract.raw))
    for change in changes:
        change(raw)
    return Contract(contract.name, raw)


def inside(services: Services, edits: Iterable[Edit], keys: KeyStore) -> Services:
    """The services that a gateway is built from."""
    for edit in edits:
        if isinstance(edit, Inside):
            services = edit.change(services, keys)
    return services

"""What a fault is and what a variant is: edits with a name, and what the suite owes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wiremark_schemas.contracts import Contract

from wiremark_server.faults.edit import Edit

Layer = Literal[
    "wire",  # bytes, framing, connections: tried over real sockets
    "stream",  # which events come, in which order
    "shape",  # a field of a document
    "headers",
    "errors",  # how refusals look, and which one it is
    "semantics",  # what is done with the request
    "policy",  # keys and limits
    "ledger",
    "timing",
]

CONTRACT = "hermes-tokens"  # the bundled contract that promises most


@dataclass(frozen=True, slots=True)
class Fault:
    """One single-defect misbehaviour.

    text:    what the server does, as one sentence
    catches:  requirements whose checks must find it, each of them; a pattern is met by any that it matches
    allows:   patterns of requirements that it breaks as well, so that their checks may find it
    bug:      class of public bug reports that it stands for
    derived:  it follows from a schema or a state machine, not from somebody's idea
    contract: the bundled contract that it is tried under
    """

    name: str
    layer: Layer
    text: str
    edits: tuple[Edit, ...]
    catches: tuple[str, ...]
    allows: tuple[str, ...] = ()
    bug: str | None = None
    derived: bool = False
    contract: str = CONTRACT


@dataclass(frozen=True, slots=True)
class Variant:
    """Legal behaviour that some client or suite may not expect.

    text:   what the server does, as one sentence
    basis:  why that is legal
    socket: it shows on a socket only
    legal:  whether a contract leaves it open; one may promise what the published format does not
    """

    name: str
    text: str
    basis: str
    edits: tuple[Edit, ...]
    contract: str = CONTRACT
    socket: bool = False
    legal: Callable[[Contract], bool] = lambda _: True


def named(area: str, contract: str = CONTRACT) -> Callable[..., Fault]:
    """How the faults of an area are written in its table: the area, a dot, and what follows here."""

    def fault(
        name: str,
        layer: Layer,
        text: str,
        *edits: Edit,
        catches: tuple[str, ...],
        allows: tuple[str, ...] = (),
        bug: str | None = None,
    ) -> Fault:
        full = f"{area}.{name}" if area else name
        return Fault(full, layer, text, edits, catches, allows, bug, contract=contract)

    return fault

"""How a table of variants is written: the area, a dot, and the entry's own name."""

from __future__ import annotations

from collections.abc import Callable

from wiremark_schemas.contracts import Contract

from wiremark_server.faults.edit import Edit
from wiremark_server.faults.fault import CONTRACT, Variant

OPEN = "Objects may have members that a client does not know; the published schemas are open."
OPTIONAL = "The published schema does not require the field."
NULLABLE = "The published schema lets the field be null."
SSE = "The event stream format of the HTML standard."
JSON = "RFC 8259: white space, the order of members and escapes mean nothing."
HTTP = "RFC 9110 leaves it to the server."

Legal = Callable[[Contract], bool]


def always(contract: Contract) -> bool:  # noqa: ARG001 - one signature
    return True


def named(area: str, contract: str = CONTRACT) -> Callable[..., Variant]:
    def variant(
        name: str, text: str, basis: str, *edits: Edit, socket: bool = False, legal: Legal = always
    ) -> Variant:
        return Variant(f"{area}.{name}", text, basis, edits, contract, socket, legal)

    return variant

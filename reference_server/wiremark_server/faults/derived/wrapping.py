"""Whole answers that are JSON and no object: null, a list around the answer, the answer as a text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from wiremark_schemas import contracts

from wiremark_server.faults.change import whole_body
from wiremark_server.faults.edit import On
from wiremark_server.faults.fault import CONTRACT, Fault

# Of an operation that several have, the first is tried.
_CONTRACTS = (CONTRACT, "openai", "anthropic", "gemini", "banana2", "apipie")
# No documents, and one that few contracts promise.
_OTHERWISE = frozenset({"gemini.stream", "files.get", "usage.export", "providers.page", "openapi.get"})

_KINDS: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "null": ("is null", lambda _: b"null"),
    "list": ("stands in a list", lambda data: b"[%b]" % data),
    "text": ("is a text that holds JSON", lambda data: json.dumps(data.decode()).encode()),
}


def faults() -> Iterator[Fault]:
    for operation, contract in _operations().items():
        for kind, (says, change) in _KINDS.items():
            yield Fault(
                f"whole.{operation}.{kind}",
                "shape",
                f"The answer of {operation} {says}.",
                (whole_body(change, On(operation, "answer")),),
                ("http.json-object",),
                derived=True,
                contract=contract,
            )


def _operations() -> Mapping[str, str]:
    """The contract to try each operation with that answers with a document."""
    return {
        operation: name
        for name in reversed(_CONTRACTS)
        for operation in contracts.load(name).raw["operations"]
        if operation not in _OTHERWISE
    }

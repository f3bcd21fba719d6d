"""Probes of `Idempotency-Key`: a request, the same one again, and another under the same name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wiremark_conformance.probes.chat import HELLO
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, chat

_CAPABILITY = "idempotency"
_HELLO: Mapping[str, Any] = {"messages": HELLO, "max_tokens": 32, "temperature": 1}
_OTHER: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Say goodbye."}], "max_tokens": 32}


def _named(body: Mapping[str, Any]) -> Drafter:
    """Under one name for each model; a second run asks for the answer of the first again, and must get it.

    The name goes with what is asked first, so that another suite's question is not taken for this one.
    """

    def draft(context: ProbeContext) -> Draft:
        first = json.dumps([context.target.model, _HELLO])
        name = hashlib.sha256(first.encode()).hexdigest()[:16]
        return replace(chat(context, body), headers=(("idempotency-key", f"wiremark-{name}"),))

    return draft


TABLE = (
    Probe("idempotency.first", _named(_HELLO), capability=_CAPABILITY),
    Probe("idempotency.again", _named(_HELLO), needs=("idempotency.first",), capability=_CAPABILITY),
    Probe("idempotency.other", _named(_OTHER), needs=("idempotency.again",), capability=_CAPABILITY),
)

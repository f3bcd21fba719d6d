"""What else a fault breaks: requirements on questions that its table does not think of.

A fault is written for the question that shows it best. Other questions go the same way through the
server and show it too; here is which, by patterns of names, so that they count as its findings and
not as alarms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from wiremark_server.faults.fault import Fault

_STREAMED = (
    "chat.json-schema.stream-valid",
    "chat.refusal.stream",
    "chat.logprobs.stream",
    "chat.params.obfuscation",
)
_BODIES = ("bodies.*", "auth.before-body")

# Patterns of faults, and the requirements that they break as well.
CONSEQUENCES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("*",), ("readers.*",)),  # whatever spoils a stream breaks a client or not, as the client will
    (("auth.*", "promise.missing-key.*"), ("auth.before-*", "auth.models", "limits.hints.strangers")),
    (("limits.*",), ("limits.hints.*",)),
    (("http.redirect",), ("ids.errors",)),
    (("http.redirect", "chat.cut", "errors.malformed-json.*", "promise.unsupported-media-type.*"), _BODIES),
    (("shape.answer.usage.*",), ("bodies.nul-kept",)),
    (("models.list.*",), ("http.unknown-query", "auth.models")),
    (("errors.unknown-model.*",), ("auth.before-model",)),
    (("errors.unknown-route.*", "promise.unknown-route.*"), ("chat.stored",)),
    (("chat.events",), ("chat.not-a-stream",)),
    (("cache.*",), ("chat.logprobs.stream", "chat.seed.*")),
    (("chat.stream.*", "shape.chunk*", "order.*"), (*_STREAMED, "chat.tools.no-arguments", "chat.refusal.*")),
    (("chat.stream.one-body",), ("chat.params.stream-text",)),
    (
        ("chat.refused.*",),
        ("chat.params.*", "chat.roles", "chat.json-schema.rich", "chat.vision.broken-named"),
    ),
    (("chat.refused.tool*", "chat.refused.content-parts"), ("chat.tools.rich.*", "chat.tools.history")),
    (("chat.refused.max-tokens",), ("errors.*", "ids.errors")),
    (("chat.stop.*",), ("chat.stop.stream", "chat.params.stop-five")),
    (("chat.n.*",), ("chat.params.n-zero",)),
    (("chat.logprobs.*",), ("chat.logprobs.stream", "chat.params.top-logprobs")),
    (("chat.json-schema.*",), ("chat.json-schema.*",)),
    (("chat.vision.*",), ("chat.vision.broken-*",)),
    (("chat.tools.*", "errors.tool-choice.*"), ("chat.tools.custom", "chat.tools.rich.valid")),
    (("chat.tools.stream.*",), ("chat.tools.no-arguments", "chat.stream.finish-with-calls")),
)


def complete(faults: Iterable[Fault]) -> Iterator[Fault]:
    """The faults with their consequences."""
    for fault in faults:
        found = tuple(
            pattern
            for names, patterns in CONSEQUENCES
            if any(fnmatchcase(fault.name, name) for name in names)
            for pattern in patterns
        )
        yield replace(fault, allows=(*fault.allows, *found))

"""What can be said of an exchange that the suite did not make: what needs no question of ours.

A check that is asked of several probes of a surface alike, whatever each of them asks, holds for every
answer of that surface. So a situation names probes that ask for different things; every check that looks at
all of them, one at a time, applies. Few more are named, which look at one probe only because one is enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from wiremark_schemas.contracts import Dialect

from wiremark_conformance.evidence import parse_json
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import CHECKS
from wiremark_conformance.requirement import load_register

# What a HAR does not hold or a browser has changed: by the last part of a requirement's name.
_NOT_IN_A_FILE = frozenset({"complete", "identity", "no-redirect", "no-server-error", "live"})
# What an answer may rightly lack because of what was asked.
_OF_THE_QUESTION = frozenset({"embeddings.count", "embeddings.float", "embeddings.unit-length"})


@dataclass(frozen=True, slots=True)
class Situation:
    """A kind of answer.

    alike:    probes that ask for different things there
    also:     further requirements that hold for every such answer
    streamed: whether the request asks for a stream; None: it makes no difference
    """

    name: str
    operation: str
    alike: tuple[str, ...]
    also: tuple[str, ...] = ()
    streamed: bool | None = None


_CHAT_STREAM = tuple(
    f"chat.stream.{name}"
    for name in ("done", "role", "role-once", "finish", "finish-once", "fragments", "whole-characters")
)
_CHAT_CALLS = tuple(f"chat.tools.stream.{name}" for name in ("index", "id", "identity-once"))
_COMPLETION = tuple(
    f"completions.{name}"
    for name in ("id", "object", "created", "model", "choices", "index", "usage.integers", "usage.total")
)
_MODELS = tuple(
    f"models.list.{name}" for name in ("object", "id", "entry-object", "created", "owned-by", "unique")
)

SITUATIONS = (
    Situation("chat", "chat.create", ("chat.plain", "chat.tools.forced"), ("chat.created-seconds",), False),
    Situation(
        "chat stream",
        "chat.create",
        ("chat.stream", "chat.tools.stream"),
        (*_CHAT_STREAM, *_CHAT_CALLS),
        True,
    ),
    Situation("completion", "completions.create", (), _COMPLETION, False),
    Situation(
        "completion stream",
        "completions.create",
        ("completions.stream", "completions.stream.usage"),
        streamed=True,
    ),
    Situation("embeddings", "embeddings.create", ("embeddings.plain", "embeddings.batch")),
    Situation("models", "models.list", (), _MODELS),
    Situation("message", "messages.create", ("messages.plain", "messages.tools.forced"), streamed=False),
    Situation(
        "message stream", "messages.create", ("messages.stream", "messages.tools.stream"), streamed=True
    ),
    Situation("response", "responses.create", ("responses.plain", "responses.tools.forced"), streamed=False),
    Situation(
        "response stream", "responses.create", ("responses.stream", "responses.tools.stream"), streamed=True
    ),
    Situation("gemini", "gemini.generate", ("gemini.plain", "gemini.functions.forced")),
    Situation("gemini stream", "gemini.stream", ("gemini.stream", "gemini.functions.stream")),
)
ERRORS: Mapping[Dialect, Situation] = {
    "openai": Situation("error", "", ("errors.unknown-model", "errors.temperature")),
    "anthropic": Situation("error", "", ("messages.errors.unknown-model", "messages.errors.temperature")),
    "gemini": Situation("error", "", ("gemini.errors.unknown-model", "gemini.errors.temperature")),
}


@cache
def requirements(situation: Situation) -> Mapping[str, str]:
    """Requirements that apply, each with the probe whose place an exchange takes."""
    register = load_register()
    found: dict[str, str] = {}
    for name, check in CHECKS.items():
        fits = bool(situation.alike) and check.each and set(situation.alike) <= set(check.probes)
        if not (fits or name in situation.also) or register[name].mood:
            continue
        if name.rpartition(".")[2] not in _NOT_IN_A_FILE and name not in _OF_THE_QUESTION:
            found[name] = situation.alike[0] if fits else check.probes[0]
    return MappingProxyType(found)


def of(operation: str, dialect: Dialect, exchange: Exchange) -> Situation | str:
    """The situation of an answer, or why it is not judged."""
    asked, _ = parse_json(exchange.request.body.decode("utf-8", "replace"))
    asked = asked if isinstance(asked, dict) else {}
    status = exchange.status or 0
    if status in _BUSY:
        return f"the endpoint was busy ({status})"
    if status >= 400:
        return ERRORS[dialect]
    if not 200 <= status < 300:
        return f"its status {status} is neither a success nor an error"
    for reason, applies in _SPECIAL:
        if applies(asked, exchange):
            return reason
    if operation in _SHARED and dialect != "openai":
        return f"it is in the dialect {dialect}, where nothing is known of it that needs no question of ours"
    found = [one for one in SITUATIONS if one.operation == operation]
    ends = _ENDS.get(operation.partition(".")[0])
    if ends is not None and b"data:" in exchange.body and not ends.search(exchange.body):
        return "its stream stops in the middle, and whether the client left is not in the file"
    streamed = asked.get("stream") is True
    matching = [one for one in found if one.streamed in {None, streamed}]
    return matching[0] if matching else f"what holds for an answer of {operation} depends on what was asked"


_CHOICES_END = re.compile(rb'"finish_reason"\s*:\s*"|\[DONE\]|"error"')
# What stands in a stream that was not left, by the first part of an operation's name.
_ENDS: Mapping[str, re.Pattern[bytes]] = {
    "chat": _CHOICES_END,
    "completions": _CHOICES_END,
    "messages": re.compile(rb'message_stop|message_delta|"error"'),
    "responses": re.compile(rb'response\.(?:completed|incomplete|failed)|"error"'),
    "gemini": re.compile(rb'"finishReason"|"error"'),
}
_SHARED = frozenset({"models.list"})  # by all dialects; what is said of it here is OpenAI's
_BUSY = frozenset({502, 503, 504, 529})
# Requests whose answers are rightly unlike those that the checks expect.
_SPECIAL: Sequence[tuple[str, Callable[[Mapping[str, Any], Exchange], bool]]] = (
    ("it asks for several choices", lambda asked, _: asked.get("n") not in {None, 1}),
    ("it uses the old `functions`", lambda asked, _: "functions" in asked),
    ("it asks for work in the background", lambda asked, _: asked.get("background") is True),
    (
        "it asks for a JSON array instead of events",
        lambda _, exchange: (
            ":streamGenerateContent" in exchange.request.target and "alt=sse" not in exchange.request.target
        ),
    ),
    ("its prompt was blocked", lambda _, exchange: b'"blockReason"' in exchange.body),
)

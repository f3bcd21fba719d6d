"""What is done with a request: parameters that are not looked at, bad requests that are answered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from wiremark_server.faults.asked import understood
from wiremark_server.faults.change import (
    both,
    equals,
    has,
    with_document,
)
from wiremark_server.faults.edit import (
    Ask,
    On,
    Question,
    Where,
)
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.messages.words import (
    MESSAGES,
    fault,
    last_role,
    with_block,
)

_BOOKS = ("billing.messages.*",)
_HELLO = [{"role": "user", "content": "Say hello."}]


def _understood(
    name: str, text: str, where: Where, change: Callable[[dict[str, Any]], Any], *catches: str
) -> Fault:
    """A request that is taken for another one; `change` edits its document in place."""
    near = ("messages.*", *_BOOKS, "contract.messages.*", "formats.*")
    return fault(name, "semantics", text, understood(MESSAGES, change, where), catches=catches, allows=near)


def _dropped(name: str, *catches: str, also: Where = lambda _: True) -> Fault:
    text = f"`{name}` is not looked at."
    return _understood(
        f"{name.replace('_', '-')}-ignored",
        text,
        both(has(name), also),
        lambda document: document.pop(name),
        *catches,
    )


def _without_blocks(*kinds: str) -> Callable[[dict[str, Any]], None]:
    """Blocks of these types taken out of all messages."""

    def change(document: dict[str, Any]) -> None:
        for message in document["messages"]:
            if isinstance(message["content"], list):
                kept = [b for b in message["content"] if b.get("type") not in kinds]
                message["content"] = kept or "Go on."

    return change


def _repaired(name: str, where: Where, *catches: str) -> Fault:
    """A bad request is taken for a good one."""
    text = f"A bad request ({name.replace('-', ' ')}) is answered as if it were good."

    def apply(ask: Ask) -> Ask:
        kept = [(n, v) for n, v in ask.headers if n != b"content-type"]
        asked = dataclasses.replace(ask, headers=[*kept, (b"content-type", b"application/json")])
        return with_document(asked, {"model": "wiremark-large", "max_tokens": 16, "messages": _HELLO})

    near = ("messages.errors.*", "contract.messages.*", *_BOOKS)
    return fault(
        f"errors.{name}-answered",
        "errors",
        text,
        Question(On(MESSAGES, where=where), apply),
        catches=catches,
        allows=near,
    )


def _messages_are(kind: type) -> Where:
    return lambda ask: isinstance(ask.document.get("messages"), kind)


TABLE: tuple[Fault, ...] = (
    _understood(
        "max-tokens-ignored",
        "The budget is not looked at.",
        equals("max_tokens", 8),
        lambda d: d.update(max_tokens=400),
        "messages.max-tokens.bound",
    ),
    _understood(
        "zero-tokens-more",
        "`max_tokens: 0` gives tokens all the same.",
        equals("max_tokens", 0),
        lambda d: d.update(max_tokens=16),
        "messages.zero-tokens.nothing",
    ),
    _dropped("stop_sequences", "messages.stop.obeyed"),
    _dropped(
        "tool_choice",
        "messages.tools.none.no-call",
        also=lambda ask: ask.document["tool_choice"]["type"] == "none",
    ),
    _understood(
        "tools-ignored",
        "Tools are not looked at.",
        has("tools"),
        lambda d: [d.pop("tools"), d.pop("tool_choice", None)],
        "messages.tools.forced.called",
        "messages.tools.any.called",
        "messages.tools.text-only",
    ),
    _understood(
        "parallel-always",
        "`disable_parallel_tool_use` is not looked at.",
        lambda ask: bool((ask.document.get("tool_choice") or {}).get("disable_parallel_tool_use")),
        lambda d: d["tool_choice"].pop("disable_parallel_tool_use"),
        "messages.tools.single",
    ),
    _dropped("thinking", "messages.thinking.present"),
    _understood(
        "thinking-always",
        "Thinking that is disabled is done all the same.",
        lambda ask: ask.document.get("thinking") == {"type": "disabled"},
        lambda d: d.update(thinking={"type": "enabled", "budget_tokens": 1024}),
        "messages.thinking.disabled.none",
    ),
    _dropped("output_config", "messages.json.valid"),
    _understood(
        "images-dropped",
        "Images are dropped in silence.",
        with_block("image"),
        _without_blocks("image"),
        "messages.vision.text-only",
    ),
    _understood(
        "thinking-unchecked",
        "Altered thinking is accepted.",
        with_block("thinking"),
        _without_blocks("thinking"),
        "messages.thinking.altered",
    ),
    _understood(
        "results-unchecked",
        "A call needs no result.",
        both(with_block("tool_use"), lambda ask: not with_block("tool_result")(ask)),
        _without_blocks("tool_use"),
        "messages.tools.no-result",
    ),
    _understood(
        "prefill-repeated",
        "The answer begins anew where it should go on.",
        lambda ask: last_role(ask) == "assistant",
        lambda d: d["messages"].pop(),
        "messages.prefill.continued",
    ),
    _repaired(
        "malformed-json",
        lambda ask: ask.body.startswith(b"{") and not ask.document,
        "messages.errors.malformed-json",
    ),
    _repaired("not-an-object", lambda ask: ask.body == b"[]", "messages.errors.not-an-object"),
    _repaired(
        "no-max-tokens",
        lambda ask: bool(ask.document) and "max_tokens" not in ask.document,
        "messages.errors.no-max-tokens",
    ),
    _repaired(
        "no-messages",
        lambda ask: bool(ask.document) and "messages" not in ask.document,
        "messages.errors.no-messages",
    ),
    _repaired("empty-messages", equals("messages", []), "messages.errors.empty-messages"),
    _repaired("messages-type", _messages_are(str), "messages.errors.messages-type"),
    _repaired("role", lambda ask: last_role(ask) == "wiremark", "messages.errors.role"),
    _repaired("block-type", with_block("wiremark"), "messages.errors.block-type"),
    _repaired("temperature", equals("temperature", 5), "messages.errors.temperature"),
    _repaired(
        "unknown-model",
        lambda ask: "no-such-model" in str(ask.document.get("model")),
        "messages.errors.unknown-model",
    ),
    _repaired(
        "media-type",
        lambda ask: ask.header(b"content-type").startswith(b"text/plain"),
        "messages.errors.media-type",
    ),
)

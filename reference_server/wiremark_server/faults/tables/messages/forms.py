"""Forms of request that clients send, refused."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from wiremark_server.faults.change import (
    both,
    equals,
    has,
    lacks,
)
from wiremark_server.faults.edit import (
    Ask,
    On,
    Where,
)
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.messages.words import (
    MESSAGES,
    NEAR,
    answer,
    blocks,
    fault,
    refusal,
    with_block,
)

_COUNT = "messages.count_tokens"
_VERSION, _NEW = b"anthropic-version", b"2026-10-21"


def _refused(name: str, where: Where, *catches: str, on: str = MESSAGES) -> Fault:
    """A form of request that clients send is refused, honestly."""
    text = f"A request is refused for its form ({name.replace('-', ' ')})."
    edit = answer(On(on, where=where), 400, refusal("invalid_request_error"))
    return fault(f"refused.{name}", "semantics", text, edit, catches=catches, allows=NEAR)


def _without(where: Where, *names: str) -> Where:
    return both(where, lacks(*names))


def _first_text(ask: Ask) -> list[Any]:
    return [block for block in blocks(ask) if block.get("type") == "text"]


def _result(ask: Ask) -> Any:
    found = [block for block in blocks(ask) if block.get("type") == "tool_result"]
    return found[0] if found else {}


def _roles(ask: Ask) -> list[Any]:
    found = ask.document.get("messages")
    return [m.get("role") for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def _thinking(kind: str) -> Where:
    return lambda ask: (ask.document.get("thinking") or {}).get("type") == kind


def _choice(kind: str) -> Where:
    return lambda ask: (ask.document.get("tool_choice") or {}).get("type") == kind


def _twice(ask: Ask) -> bool:
    return "TWICE" in str(ask.document.get("messages")) and _choice("any")(ask)


TABLE: tuple[Fault, ...] = (
    _refused("plain", _without(has("system"), "stream", "metadata"), "messages.accepted"),
    _refused("stream", has("stream"), "messages.stream.accepted"),
    _refused("echo-back", lambda ask: _roles(ask)[1:2] == ["assistant"], "messages.echo-back"),
    _refused(
        "system-blocks", lambda ask: isinstance(ask.document.get("system"), list), "messages.system-blocks"
    ),
    _refused("content-blocks", with_block("text"), "messages.content-blocks"),
    _refused("document", with_block("document"), "messages.document"),
    _refused("image", with_block("image"), "messages.vision.accepted"),
    _refused("same-role", lambda ask: ("user", "user") in pairwise(_roles(ask)), "messages.same-role"),
    _refused(
        "cache-control",
        lambda ask: any("cache_control" in b for b in _first_text(ask)),
        "messages.cache-control",
    ),
    _refused("metadata", has("metadata"), "messages.metadata"),
    _refused("sdk-headers", lambda ask: bool(ask.header(b"x-stainless-timeout")), "messages.sdk-headers"),
    _refused("small-budget", _without(equals("max_tokens", 8), "stream"), "messages.max-tokens.accepted"),
    _refused("stop-sequences", has("stop_sequences"), "messages.stop.accepted"),
    _refused("zero-tokens", equals("max_tokens", 0), "messages.zero-tokens.accepted"),
    _refused("prefill", lambda ask: _roles(ask)[-1:] == ["assistant"], "messages.prefill.accepted"),
    _refused("output-config", has("output_config"), "messages.json.accepted"),
    _refused("tool-choice-tool", _choice("tool"), "messages.tools.forced.accepted"),
    _refused("tool-choice-any", _choice("any"), "messages.tools.any.accepted"),
    _refused("tool-choice-none", _choice("none"), "messages.tools.none.accepted"),
    _refused("two-calls", _twice, "messages.tools.parallel.accepted"),
    _refused("tool-result", with_block("tool_result"), "messages.tools.round-trip.accepted"),
    _refused(
        "tool-result-blocks",
        lambda ask: isinstance(_result(ask).get("content"), list),
        "messages.tools.result-blocks",
    ),
    _refused(
        "tool-result-absent",
        lambda ask: bool(_result(ask)) and "content" not in _result(ask),
        "messages.tools.result-absent",
    ),
    _refused("thinking", _thinking("enabled"), "messages.thinking.accepted"),
    _refused("thinking-adaptive", _thinking("adaptive"), "messages.thinking.adaptive"),
    _refused("thinking-disabled", _thinking("disabled"), "messages.thinking.disabled.accepted"),
    _refused("thinking-history", with_block("thinking"), "messages.thinking.round-trip"),
    _refused("beta", lambda ask: bool(ask.header(b"anthropic-beta")), "messages.versions.beta"),
    _refused("version-new", lambda ask: ask.header(_VERSION) == _NEW, "messages.versions.new"),
    _refused("version-old", lambda ask: ask.header(_VERSION) == b"2023-06-01", "messages.versions.old"),
    _refused("temperature", equals("temperature", 0.5), "messages.versions.old-sampling"),
    _refused("count", lambda _: True, "messages.count.accepted", on=_COUNT),
    _refused("count-tools", has("tools"), "messages.count.tools-accepted", on=_COUNT),
)

"""Calls of custom tools, whole and streamed."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    ask_with,
    body,
    both,
    has,
    lacks,
    of,
    put,
    refuse,
    role,
    values,
)
from wiremark_server.faults.edit import Ask, On
from wiremark_server.faults.fault import Fault, named

_fault = named("chat.tools.custom", "openai")
_CALLS = "/choices/*/message/tool_calls/*"


def _offered(ask: Ask) -> bool:
    tools = ask.document.get("tools")
    return isinstance(tools, list) and any(isinstance(tool, dict) and "custom" in tool for tool in tools)


_WHOLE = both(_offered, lacks("stream"))
_STREAMED = both(_offered, has("stream"))


def _as_functions(document: Any) -> Any:
    """Pieces of the call in the form that those of functions have."""
    for piece in document["choices"][0]["delta"]["tool_calls"]:
        told = piece.pop("custom")
        piece["function"] = {"arguments": told.pop("input", ""), **told}
        if "type" in piece:
            piece["type"] = "function"
    return document


TABLE: tuple[Fault, ...] = (
    _fault(
        "dropped",
        "semantics",
        "A custom tool that is forced is not called.",
        ask_with(_offered, tool_choice="none"),
        catches=("chat.tools.custom", "chat.tools.custom.stream"),
    ),
    _fault(
        "typed-as-function",
        "shape",
        "A call of a custom tool has the type `function`.",
        body(put(f"{_CALLS}/type", "function"), where=_WHOLE),
        catches=("chat.tools.custom.form",),
        allows=("chat.tools.custom.round-trip",),
    ),
    _fault(
        "input-object",
        "shape",
        "A custom tool is called with an object in place of a text.",
        body(put(f"{_CALLS}/custom/input", {"text": "It rains."}), where=_WHOLE),
        catches=("chat.tools.custom.form", "chat.tools.custom.grammar"),
        allows=("chat.tools.custom.round-trip",),
    ),
    _fault(
        "finish-stop",
        "semantics",
        "An answer that calls a custom tool ends with `stop`.",
        body(put("/choices/*/finish_reason", "stop"), where=both(_WHOLE, has("tool_choice"))),
        catches=("chat.tools.custom.finish-reason",),
    ),
    _fault(
        "streamed-as-function",
        "shape",
        "A custom tool is called in a stream as if it were a function.",
        values(of("custom"), _as_functions, where=_STREAMED),
        catches=("chat.tools.custom.stream",),
    ),
    _fault(
        "result-refused",
        "errors",
        "The result of a custom tool is refused.",
        refuse(On(CHAT, where=both(_offered, role("tool")))),
        catches=("chat.tools.custom.round-trip",),
    ),
    _fault(
        "grammar-ignored",
        "semantics",
        "A custom tool with a grammar is called with any text.",
        body(put(f"{_CALLS}/custom/input", "It rains."), where=_WHOLE),
        catches=("chat.tools.custom.grammar",),
    ),
)

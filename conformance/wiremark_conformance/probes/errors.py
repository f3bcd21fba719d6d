"""Probes that a good endpoint refuses: each wrong in one way only."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.probes.chat import HELLO
from wiremark_conformance.probes.models import UNKNOWN_MODEL
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, chat, path
from wiremark_conformance.probes.tools import QUESTION, TOOLS

NO_ROUTE = "/wiremark-no-such-route"
CUT_OFF = b'{"model": "wiremark", "messages": [{"role": "user", "con'


def _raw(body: bytes, content_type: str = "application/json") -> Any:
    return lambda context: Draft(
        "POST", path(context, "chat.create"), body, headers=(("content-type", content_type),)
    )


def _chat(**body: Any) -> Any:
    return lambda context: chat(context, {"max_tokens": 16, **body})


def _media_type(context: ProbeContext) -> Draft:
    """A body that would do, announced as something that is not JSON."""
    draft = chat(context, {"messages": HELLO, "max_tokens": 16})
    return Draft("POST", draft.target, draft.body, headers=(("content-type", "text/plain"),))


def _no_key_name(context: ProbeContext) -> Draft:
    """As a widely copied sample has it: the model's id where the name `model` belongs."""
    draft = chat(context, {})
    body = f'{{"{context.target.model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    return Draft("POST", draft.target, body.encode())


_OTHER_TOOL = {"type": "function", "function": {"name": "no_such_tool"}}

TABLE = (
    Probe("errors.malformed-json", _raw(CUT_OFF), capability="errors"),
    Probe("errors.no-key-name", _no_key_name, capability="errors"),
    Probe("errors.not-an-object", _raw(b"[]"), capability="errors"),
    Probe("errors.no-messages", _chat(), capability="errors"),
    Probe("errors.empty-messages", _chat(messages=[]), capability="errors"),
    Probe("errors.messages-type", _chat(messages="Say hello."), capability="errors"),
    Probe("errors.temperature", _chat(messages=HELLO, temperature=5), capability="errors"),
    Probe(
        "errors.tool-choice",
        _chat(messages=QUESTION, tools=TOOLS, tool_choice=_OTHER_TOOL),
        capability="chat.tools.forced",
    ),
    Probe("errors.unknown-model", _chat(model=UNKNOWN_MODEL, messages=HELLO), capability="errors"),
    Probe(
        "errors.unknown-model.stream",
        _chat(model=UNKNOWN_MODEL, messages=HELLO, stream=True),
        capability="errors",
    ),
    Probe("errors.unknown-route", lambda c: Draft("GET", c.target.base_path + NO_ROUTE), capability="errors"),
    Probe(
        "errors.method",
        lambda c: Draft("PUT", path(c, "chat.create"), {"messages": HELLO}),
        capability="errors",
    ),
    Probe("errors.media-type", _media_type, capability="errors"),
    Probe(
        "auth.no-key", lambda c: chat(c, {"messages": HELLO, "max_tokens": 16}, key="none"), capability="auth"
    ),
    Probe(
        "auth.wrong-key",
        lambda c: chat(c, {"messages": HELLO, "max_tokens": 16}, key="wrong"),
        capability="auth",
    ),
)

"""Requests that the format allows and that are refused, break the server, or are refused too late."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from wiremark_server.faults.change import CHAT, answer, both, has, messages, refuse, without_header
from wiremark_server.faults.edit import Ask, Edit, Instead, On, Reply, Where
from wiremark_server.faults.fault import Fault

_json = msgspec.json.Encoder().encode
_BROKEN = {"message": "Internal Server Error", "type": "server_error", "param": None, "code": None}
_INVALID = {"message": "messages is empty", "type": "invalid_request_error", "param": None, "code": None}
_ORIGIN = b"access-control-allow-origin"
_NULL = "null-param-rejected"


def _is_null(name: str) -> Where:
    return lambda ask: name in ask.document and ask.document[name] is None


def _in_parts(role: str) -> Where:
    """A message of this role whose content is an array."""
    return lambda ask: any(
        isinstance(one, dict) and one.get("role") == role and isinstance(one.get("content"), list)
        for one in messages(ask)
    )


def _beside_calls(content: Any) -> Where:
    """A message with calls that has this content; `...` stands for none at all."""
    return lambda ask: any(
        isinstance(one, dict) and one.get("tool_calls") and one.get("content", ...) == content
        for one in messages(ask)
    )


def _functions(ask: Ask) -> Iterable[dict[str, Any]]:
    tools = ask.document.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict):
            yield function


def _bare(ask: Ask) -> bool:
    return any("parameters" not in function for function in _functions(ask))


def _keyword(name: str) -> Where:
    quoted = f'"{name}"'.encode()
    return lambda ask: any(quoted in _json(function) for function in _functions(ask))


def _in_tools(text: bytes) -> Where:
    return lambda ask: text in _json(ask.document.get("tools"))


def _equals(name: str, value: Any) -> Where:
    return lambda ask: ask.document.get(name) == value


def _crash(operation: str, where: Where) -> Instead:
    return answer(On(operation, where=where), 500, {"error": _BROKEN})


def _events(_: Ask) -> Reply:
    headers = [(b"content-type", b"text/event-stream"), (b"x-request-id", b"req_wiremark0")]
    return Reply(200, headers, b"data: %b\n\ndata: [DONE]\n\n" % _json({"error": _INVALID}))


def _fault(
    name: str,
    text: str,
    edit: Edit,
    *catches: str,
    bug: str | None = None,
    contract: str = "hermes-tokens",
) -> Fault:
    allows = ("http.*", "messages.errors.*", "responses.errors.*")
    return Fault(name, "semantics", text, (edit,), catches, allows, bug, contract=contract)


def _refused(name: str, text: str, where: Where, catch: str, bug: str) -> Fault:
    return _fault(f"refused.{name}", text, refuse(On(CHAT, where=where)), catch, bug=bug)


TABLE: tuple[Fault, ...] = (
    *(
        _refused(f"null-{name}", f"`{name}: null` is refused.", _is_null(name), "chat.null-options", _NULL)
        for name in ("max_tokens", "max_completion_tokens", "tools", "stream_options", "metadata", "user")
    ),
    *(
        _refused(
            f"{role}-in-parts",
            f"A message of the role `{role}` whose content is an array is refused.",
            _in_parts(role),
            "chat.content-parts.roles",
            "content-parts-rejected",
        )
        for role in ("system", "assistant")
    ),
    _refused(
        "tool-choice-auto",
        "`tool_choice: auto` is refused.",
        _equals("tool_choice", "auto"),
        "chat.tools.auto",
        "tool-choice-value-rejected",
    ),
    _refused(
        "function-without-parameters",
        "A function without parameters is refused.",
        _bare,
        "chat.tools.bare",
        "tool-schema-rejected",
    ),
    *(
        _refused(
            f"schema-{word.strip('$').lower()}",
            f"A function whose schema has `{word}` is refused.",
            _keyword(word),
            "chat.tools.keywords",
            "tool-schema-rejected",
        )
        for word in ("$schema", "format", "default", "oneOf", "allOf", "propertyNames")
    ),
    _refused(
        "calls-without-content",
        "A message with calls that has no content is refused as history.",
        _beside_calls(...),
        "chat.tools.history-without-content",
        _NULL,
    ),
    _refused(
        "calls-with-empty-content",
        "A message with calls whose content is empty is refused as history.",
        _beside_calls(""),
        "chat.tools.history-empty-content",
        _NULL,
    ),
    _fault(
        "errors.empty-messages-in-stream",
        "A stream of no messages begins, and tells the error as its first event.",
        Instead(On(CHAT, where=both(has("stream"), _equals("messages", []))), _events),
        "errors.empty-messages.stream",
        bug="validation-after-stream-start",
    ),
    _fault(
        "refused.messages-tool-choice-auto",
        "`tool_choice: {type: auto}` of a message is refused.",
        refuse(On("messages.create", where=_equals("tool_choice", {"type": "auto"}))),
        "messages.tools.auto",
        bug="tool-choice-value-rejected",
        contract="anthropic",
    ),
    _fault(
        "refused.messages-schema",
        "A tool of a message whose schema has `$schema` is refused.",
        refuse(On("messages.create", where=_in_tools(b'"$schema"'))),
        "messages.tools.keywords",
        bug="tool-schema-rejected",
        contract="anthropic",
    ),
    _fault(
        "refused.messages-cached-tools",
        "A tool of a message with `cache_control` is refused.",
        refuse(On("messages.create", where=_in_tools(b'"cache_control"'))),
        "messages.tools.keywords",
        bug="tool-schema-rejected",
        contract="anthropic",
    ),
    _fault(
        "refused.responses-tool-choice-auto",
        "`tool_choice: auto` of a response is refused.",
        refuse(On("responses.create", where=_equals("tool_choice", "auto"))),
        "responses.tools.auto",
        bug="tool-choice-value-rejected",
        contract="openresponses",
    ),
    _fault(
        "refused.responses-schema",
        "A function of a response whose schema has `oneOf` is refused.",
        refuse(On("responses.create", where=_in_tools(b'"oneOf"'))),
        "responses.tools.keywords",
        bug="tool-schema-rejected",
        contract="openresponses",
    ),
    _fault(
        "crashes.message-blocks",
        "A system prompt of blocks breaks the server.",
        _crash("messages.create", lambda ask: isinstance(ask.document.get("system"), list)),
        "http.crashes.messages",
        bug="messages-content-block-rejected",
        contract="anthropic",
    ),
    _fault(
        "crashes.null-max-tokens",
        "`max_tokens: null` breaks the server.",
        _crash(CHAT, _is_null("max_tokens")),
        "http.crashes.chat",
        bug=_NULL,
    ),
    _fault(
        "crashes.system-in-parts",
        "A system message in parts breaks the server.",
        _crash(CHAT, _in_parts("system")),
        "http.crashes.chat",
        bug="content-parts-rejected",
    ),
    _fault(
        "crashes.tool-schema",
        "A keyword in the schema of a function breaks the server.",
        _crash(CHAT, _keyword("oneOf")),
        "http.crashes.tools",
        bug="tool-schema-rejected",
    ),
    _fault(
        "crashes.completion-nulls",
        "`max_tokens: null` of a completion breaks the server.",
        _crash("completions.create", _is_null("max_tokens")),
        "http.crashes.completions",
        bug=_NULL,
        contract="openai",
    ),
    _fault(
        "crashes.base64",
        "`encoding_format: base64` breaks the server.",
        _crash("embeddings.create", _equals("encoding_format", "base64")),
        "http.crashes.embeddings",
        bug="embeddings-base64-ignored",
        contract="openai",
    ),
    _fault(
        "crashes.response-items",
        "An input of items breaks the server.",
        _crash("responses.create", lambda ask: isinstance(ask.document.get("input"), list)),
        "http.crashes.responses",
        bug="responses-required-fields-missing",
        contract="openresponses",
    ),
    _fault(
        "cors.streams-hidden",
        "A page cannot read streams.",
        without_header(On(CHAT, "stream"), _ORIGIN),
        "cors.answers",
        contract="browsers",
    ),
    _fault(
        "cors.chat-hidden",
        "A page cannot read whole chat answers.",
        without_header(On(CHAT, "answer"), _ORIGIN),
        "cors.answers",
        contract="browsers",
    ),
)

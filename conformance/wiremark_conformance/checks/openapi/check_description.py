"""What an OpenAPI description says of the endpoint that publishes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import listed, members, shown

accepted("openapi.published", "openapi")

_VERSION = re.compile(r"3\.[01]\.\d+")
_REQUIRED = {"model", "messages"}
_MAX_REFERENCES = 8  # references that lead to references


@check("openapi.form", "openapi")
def form(view: View) -> Outcome:
    found = view.object.get("openapi")
    if not isinstance(found, str) or not _VERSION.fullmatch(found):
        return f"`openapi` is {shown(found)}, not a version 3.0 or 3.1"
    info = view.object.get("info")
    for name in ("title", "version"):
        if not isinstance(info, dict) or not isinstance(info.get(name), str):
            return f"`info` has no text `{name}`"
    return None if _paths(view) else "`paths` has no path"


def _paths(view: View) -> Mapping[str, Any]:
    found = view.object.get("paths")
    return members(found)


def _chat(view: View) -> Mapping[str, Any] | None:
    """The described operation of the chat route; the path of a server stands before that of a route."""
    wanted = view.target.path("chat.create")
    if wanted is None:
        raise NotPromised("the contract names no chat route")
    servers = view.object.get("servers")
    urls = [s["url"] for s in listed(servers) if isinstance(s, dict) and "url" in s]
    prefixes = {"", *(urlsplit(str(url)).path.rstrip("/") for url in urls)}
    for path, item in _paths(view).items():
        if any(prefix + path == wanted for prefix in prefixes) and isinstance(item, dict):
            found = item.get("post")
            return found if isinstance(found, dict) else None
    return None


@check("openapi.chat", "openapi")
def chat(view: View) -> Outcome:
    return None if _chat(view) is not None else f"POST {view.target.path('chat.create')} is not described"


@check("openapi.chat-required", "openapi")
def chat_required(view: View) -> Outcome:
    found = _resolved(view, _chat(view) or {}, "requestBody", "content", "application/json", "schema")
    required = found.get("required")
    if not isinstance(required, list):
        raise NotTestable("the schema of the chat request does not stand in the description")
    if set(required) != _REQUIRED:
        return f"the chat request is said to require {', '.join(map(str, required)) or 'nothing'}"
    return None


def _resolved(view: View, start: Mapping[str, Any], *steps: str) -> Mapping[str, Any]:
    """What is reached by the keys `steps`, following references within the description."""
    node: Any = _follow(view, start)
    for step in steps:
        node = _follow(view, node.get(step))
    return node  # type: ignore[no-any-return]


def _follow(view: View, node: Any) -> Mapping[str, Any]:
    for _ in range(_MAX_REFERENCES):
        reference = members(node).get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        node = view.object
        for key in reference[2:].split("/"):
            node = node.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
    return members(node)

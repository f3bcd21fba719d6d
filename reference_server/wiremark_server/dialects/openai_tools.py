"""What tools of chat and of Responses have in common: how many there may be, and what one of them says."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from wiremark_server.dialects.validation import check_grammar, check_schema
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Tool

_MOST = 128


def check_number(entries: Sized) -> None:
    if len(entries) > _MOST:
        raise problem.invalid_request(f"Invalid value for 'tools': expected at most {_MOST} items.", "tools")


def function(entry: Mapping[str, Any], param: str) -> Tool:
    parameters = entry.get("parameters")
    if parameters is not None:
        check_schema(parameters, f"{param}.parameters", strict=bool(entry.get("strict")))
    return Tool(entry["name"], entry.get("description") or "", parameters)


def custom(entry: Mapping[str, Any], grammar: Mapping[str, Any] | None, param: str) -> Tool:
    """param: where the grammar stands in the request; grammar: None where any text will do"""
    pattern = check_grammar(grammar, param) if grammar else None
    return Tool(entry["name"], entry.get("description") or "", pattern, free=True)

"""Probes of what a server remembers of responses: retrieved, continued, listed, cancelled, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.responses import create, earlier, hello
from wiremark_conformance.probes.responses_tools import TOOLS, outputs
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, path
from wiremark_conformance.responses import items_of

UNKNOWN = "resp_wiremark0000000000000000000000000000000000000000"
_STORED, _STATE, _BACKGROUND = "responses.stored", "responses.state", "responses.background"
_STREAMED = "responses.background.stream"
_AGAIN = "And once more."
RESUME_AFTER = 1  # number of the last event that is not asked for again


def name_of(context: ProbeContext, probe: str) -> str:
    """The id of the response that a probe was answered with."""
    found = earlier(context, probe).get("id")
    if not isinstance(found, str) or not found:
        raise NotTestable(f"the response of {probe} has no id")
    return found


def _at(method: str, operation: str, of: str | None, query: str = "", body: bytes | None = None) -> Drafter:
    """A request about the response of a probe, or about one that there never was.

    body: that it does not need; an empty one is announced as JSON all the same
    """

    def draft(context: ProbeContext) -> Draft:
        name = UNKNOWN if of is None else name_of(context, of)
        return Draft(method, path(context, operation, response=name) + query, body)

    return draft


def _get(of: str | None, query: str = "") -> Drafter:
    return _at("GET", "responses.get", of, query)


def _items(of: str | None, query: str = "") -> Drafter:
    return _at("GET", "responses.input_items", of, query)


def _cancel(of: str | None) -> Drafter:
    return _at("POST", "responses.cancel", of)


def _continue(of: str | None, **more: Any) -> Drafter:
    def draft(context: ProbeContext) -> Draft:
        name = UNKNOWN if of is None else name_of(context, of)
        body = {"input": _AGAIN, "previous_response_id": name, "max_output_tokens": 64, **more}
        return create(context, body)

    return draft


def _continue_alone(context: ProbeContext) -> Draft:
    return create(context, {"input": _AGAIN, "max_output_tokens": 64})


def _continue_call(context: ProbeContext) -> Draft:
    of = "responses.tools.forced"
    results = outputs(list(items_of(earlier(context, of))))
    if not results:
        raise NotTestable(f"the response of {of} calls no tool")
    body = {"input": results, "previous_response_id": name_of(context, of), "tools": TOOLS}
    return create(context, body)


def _resume(context: ProbeContext) -> Draft:
    name = name_of(context, _STREAMED)
    query = f"?stream=true&starting_after={RESUME_AFTER}"
    return Draft("GET", path(context, "responses.get", response=name) + query)


def _ask(**more: Any) -> Callable[[ProbeContext], Draft]:
    return lambda context: create(context, hello(**more))


PLAIN, STREAM, DOOMED, UNSTORED = (
    "responses.plain",
    "responses.stream",
    "responses.nulls",  # as good as any other to be deleted
    "responses.settings",  # with `store: false`
)


def _after(name: str, draft: Drafter, *needs: str, capability: str, **how: Any) -> Probe:
    return Probe(f"responses.{name}", draft, needs=needs, capability=capability, **how)


TABLE = (
    _after("get", _get(PLAIN), PLAIN, capability=_STORED),
    _after("get.streamed", _get(STREAM), STREAM, capability=_STORED),
    _after("get.unknown", _get(None), capability=_STORED),
    _after("get.foreign", _get(PLAIN), PLAIN, capability=_STORED, role="restricted"),
    _after("input-items", _items("responses.items", "?limit=2"), "responses.items", capability=_STORED),
    _after("input-items.unknown", _items(None), capability=_STORED),
    _after(
        "deleted.empty-json",
        _at("DELETE", "responses.delete", "responses.items", body=b""),
        "responses.items",
        "responses.input-items",
        capability=_STORED,
    ),
    _after("cancel.waited-for", _cancel(PLAIN), PLAIN, capability=_STORED),
    _after("cancel.unknown", _cancel(None), capability=_STORED),
    _after("get.unstored", _get(UNSTORED), UNSTORED, capability=_STORED),
    Probe("responses.alone", _continue_alone, capability=_STATE),
    _after("continued", _continue(PLAIN), PLAIN, capability=_STATE),
    _after("continued.stream", _continue(STREAM, stream=True), STREAM, capability=_STATE),
    _after("continued.call", _continue_call, "responses.tools.forced", capability=_STATE),
    _after("continued.unknown", _continue(None), capability="responses"),
    _after("continued.unstored", _continue(UNSTORED), UNSTORED, capability="responses"),
    Probe(_BACKGROUND, _ask(background=True), capability=_BACKGROUND),
    _after("background.get", _get(_BACKGROUND), _BACKGROUND, capability=_BACKGROUND),
    _after(
        "background.cancel",
        _cancel(_BACKGROUND),
        _BACKGROUND,
        "responses.background.get",
        capability=_BACKGROUND,
    ),
    Probe(_STREAMED, _ask(background=True, stream=True), capability=_STREAMED),
    _after("background.resume", _resume, _STREAMED, capability=_STREAMED),
    _after("deleted", _at("DELETE", "responses.delete", DOOMED), DOOMED, capability=_STORED),
    _after("deleted.get", _get(DOOMED), DOOMED, "responses.deleted", capability=_STORED),
    _after(
        "deleted.again",
        _at("DELETE", "responses.delete", DOOMED),
        DOOMED,
        "responses.deleted.get",
        capability=_STORED,
    ),
)

"""Responses in every legal form raise no alarm."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.judging import good_responses as good

Change = Callable[[Any], object]
STREAM, BACKGROUND = "responses.stream", "responses.background.stream"


def _ours(world: Any) -> list[Any]:
    return [answer for name, answer in world.answers.items() if good.is_ours(name)]


def _streams(world: Any) -> list[list[Any]]:
    return [answer.chunks for answer in _ours(world) if answer.chunks is not None]


def _documents(change: Callable[[dict[str, Any]], object]) -> Change:
    """The change on every response, whole or within an event."""

    def apply(world: Any) -> None:
        for answer in _ours(world):
            if isinstance(answer.body, dict) and answer.body.get("object") == "response":
                change(answer.body)
        for chunks in _streams(world):
            for chunk in chunks:
                if isinstance(chunk, dict) and "response" in chunk:
                    change(chunk["response"])

    return apply


def _items(change: Callable[[dict[str, Any]], object]) -> Change:
    """The change on every item, wherever it is."""

    def apply(world: Any) -> None:
        _documents(lambda document: [change(item) for item in document.get("output", ())])(world)
        for chunks in _streams(world):
            for chunk in chunks:
                if isinstance(chunk, dict) and "item" in chunk:
                    change(chunk["item"])

    return apply


def _events(change: Callable[[dict[str, Any]], object]) -> Change:
    return lambda w: [change(c) for chunks in _streams(w) for c in chunks if isinstance(c, dict)]


def _reframed(how: Callable[[bytes], bytes]) -> Change:
    """Every stream's bytes turned into other bytes that mean the same."""

    def apply(world: Any) -> None:
        for answer in _ours(world):
            if answer.chunks is not None:
                answer.chunks = [how(answer.wire)]

    return apply


def _split(step: int) -> Change:
    def apply(world: Any) -> None:
        for answer in _ours(world):
            answer.step = step

    return apply


def _commented(world: Any) -> None:
    for chunks in _streams(world):
        chunks.insert(2, b": keep-alive\n\n")


def _no_done(world: Any) -> None:
    for chunks in _streams(world):
        chunks.pop()


def _parts_in_item(world: Any) -> None:
    """The item that is added holds its part already, so no event adds it."""
    chunks = world.chunks(STREAM)
    part = next(chunk for chunk in chunks if chunk["type"] == "response.content_part.added")
    chunks[2]["item"]["content"] = [copy.deepcopy(part["part"])]
    chunks.remove(part)
    for number, chunk in enumerate(chunks[:-1]):
        chunk["sequence_number"] = number


def _one_delta(world: Any) -> None:
    """The whole text in one piece."""
    chunks = world.chunks(STREAM)
    deltas = [c for c in chunks[:-1] if c["type"] == "response.output_text.delta"]
    deltas[0]["delta"] = "".join(chunk["delta"] for chunk in deltas)
    for chunk in deltas[1:]:
        chunks.remove(chunk)
    for number, chunk in enumerate(chunks[:-1]):
        chunk["sequence_number"] = number


def _no_in_progress(world: Any) -> None:
    chunks = world.chunks(STREAM)
    del chunks[1]
    for number, chunk in enumerate(chunks[:-1]):
        chunk["sequence_number"] = number


def _refused(world: Any) -> None:
    """The model declines, which is an answer."""
    for name in ("responses.plain", "responses.get"):
        world[name].body["output"][0]["content"] = [{"type": "refusal", "refusal": "No."}]


def _whole_calls(world: Any) -> None:
    """Models that write a call at once send it in one piece."""
    chunks = world.chunks("responses.tools.stream")
    deltas = [c for c in chunks[:-1] if c["type"].endswith("arguments.delta")]
    deltas[0]["delta"] = "".join(chunk["delta"] for chunk in deltas)
    for chunk in deltas[1:]:
        chunks.remove(chunk)
    for number, chunk in enumerate(chunks[:-1]):
        chunk["sequence_number"] = number


def _hosted(world: Any) -> None:
    """A tool of the server's own worked before the answer, with events of its own."""
    item = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}}
    chunks = world.chunks(STREAM)
    moved = ({"output_index": 1} if "output_index" in c else {} for c in chunks[2:-2])
    for chunk, values in zip(chunks[2:-2], moved, strict=True):
        chunk.update(values)
    where = {"item_id": "ws_1", "output_index": 0}
    chunks[2:2] = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}},
        {"type": "response.web_search_call.in_progress", **where},
        {"type": "response.web_search_call.searching", **where},
        {"type": "response.web_search_call.completed", **where},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]
    for number, chunk in enumerate(chunks[:-1]):
        chunk["sequence_number"] = number
    for document in (chunks[-2]["response"], world["responses.get.streamed"].body):
        document["output"].insert(0, copy.deepcopy(item))


def _other_ids(world: Any) -> None:
    _items(lambda item: item.update(id=f"x{item['id']}"))(world)
    _events(lambda event: event.update(item_id=f"x{event['item_id']}") if "item_id" in event else None)(world)


LEGAL: dict[str, Change] = {
    "other ids": _other_ids,
    "more keys in responses": _documents(lambda document: document.update(x_region="eu", output_text="")),
    "more keys in items": _items(lambda item: item.update(x_score=1, phase=None)),
    "more keys in events": _events(lambda event: event.update(obfuscation="aXy")),
    "fractional time": _documents(lambda document: document.update(created_at=1764547200.25)),
    "null where the published form allows it": _documents(
        lambda document: document.update(metadata=document.get("metadata") or None, completed_at=None)
    ),
    "newest usage": _documents(
        lambda document: (
            document["usage"]["input_tokens_details"].update(cache_write_tokens=0)
            if document.get("usage")
            else None
        )
    ),
    "comments": _commented,
    "CRLF": _reframed(lambda body: body.replace(b"\n", b"\r\n")),
    "byte by byte": _split(1),
    "odd pieces": _split(7),
    "whole calls": _whole_calls,
    "one delta": _one_delta,
    "parts in the item": _parts_in_item,
    "no in_progress": _no_in_progress,
    "a refusal": _refused,
    "hosted tools": _hosted,
    "null annotations of a call": _items(
        lambda item: item.update(status=None) if item["type"] == "function_call" else None
    ),
    "echoed tools with more keys": _documents(
        lambda document: [
            tool.update(description=tool.get("description")) for tool in document.get("tools", ())
        ]
    ),
    "a background response that is done at once": lambda w: w["responses.background"].body.update(
        status="completed", output=[good.said()], usage=dict(good.USAGE)
    ),
    "cancelled too late": lambda w: w["responses.background.cancel"].body.update(status="completed"),
    "an empty deletion": lambda w: w["responses.deleted"].body.update(object=None),
}


@pytest.mark.parametrize("name", LEGAL)
def test_a_legal_form_is_no_finding(world: Any, name: str) -> None:
    LEGAL[name](world)
    assert world.findings("responses") == {}


def _nameless(world: Any) -> None:
    for answer in _ours(world):
        answer.named = False


REFERENCE_ONLY: dict[str, Change] = {
    "no [DONE]": _no_done,
    "no event names": _nameless,
}


@pytest.mark.parametrize("name", REFERENCE_ONLY)
def test_what_open_responses_alone_asks_for_is_no_finding_of_the_reference(world: Any, name: str) -> None:
    REFERENCE_ONLY[name](world)
    found = world.findings("responses")
    assert [requirement for requirement in found if not requirement.startswith("responses.open.")] == []


def test_an_endpoint_without_storage_that_says_so_is_no_finding_where_it_is_optional(world: Any) -> None:
    """It refuses what it cannot do, and answers 404 for what it does not keep."""
    for name, answer in world.answers.items():
        if name.startswith(
            ("responses.get", "responses.input-items", "responses.deleted", "responses.cancel")
        ):
            answer.status, answer.body = 404, good.error(404, "not_found")["body"]
    found = set(world.findings("responses-state"))
    claimed = {
        "responses.stored.get",
        "responses.stored.get-streamed",
        "responses.stored.delete",
        "responses.stored.delete-empty-json",
        "responses.stored.input-items",
    }
    assert found <= claimed  # `everything` claims the storage; else these were not even judged

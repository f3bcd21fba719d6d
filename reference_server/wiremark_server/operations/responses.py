"""OpenAI Responses: created, waited for or not, then retrieved, followed, cancelled, deleted."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wiremark_server.dialects.openai_responses import ResponsesFormat, items, request
from wiremark_server.dialects.openai_responses.answer import response_id
from wiremark_server.dialects.openai_responses.dialogue import Dialogue
from wiremark_server.dialects.openai_responses.stream import ResponseStream
from wiremark_server.domain import problem
from wiremark_server.edge.message import ClientGoneError, Response, Stream
from wiremark_server.operations.generate import Work
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call
from wiremark_server.stored.responses import Stored
from wiremark_server.stored.running import Running

_DEFAULT_PAGE, _LARGEST_PAGE = 20, 100


async def create(call: Call) -> Response | Stream:
    await chain.run(chain.DOCUMENT, call)
    _open(call)
    await chain.run(chain.ANSWERED, call)
    return await (_in_background(call) if call.asked.settings["background"] else _at_once(call))


async def count_input(call: Call) -> Response:
    """Free of charge, and without a budget, so a prompt that is too long is counted too."""
    await chain.run(chain.DOCUMENT, call)
    _open(call)
    await chain.run(chain.COUNTED, call)
    return _json({"object": "response.input_tokens", "input_tokens": call.prompt_tokens})


async def retrieve(call: Call) -> Response | Stream:
    entry = await _find(call)
    if call.query.get("stream", "").lower() != "true":
        return _document(entry)
    after = _number(call, "starting_after", -1, -1, 10**9)
    if entry.running is None or not entry.running.kept:
        raise problem.invalid_request(
            "Only a response that was created with 'background' and 'stream' can be streamed again.", "stream"
        )
    events = entry.running.follow(after)
    return Stream(await anext(events, b""), events)


async def delete(call: Call) -> Response:
    entry = await _find(call)
    name = call.parameters["response"]
    if entry.running is not None:
        await entry.running.cancel()
    call.services.responses.delete(name)
    return _json({"id": name, "object": "response", "deleted": True})


async def cancel(call: Call) -> Response:
    """Only what runs in the background can be cancelled; a second time changes nothing."""
    entry = await _find(call)
    if not entry.background or entry.running is None:
        raise problem.invalid_request(
            "Only responses that were created with 'background' set to true can be cancelled.", "response_id"
        )
    await entry.running.cancel()
    return _document(entry)


async def input_items(call: Call) -> Response:
    entry = await _find(call)
    limit = _number(call, "limit", _DEFAULT_PAGE, 1, _LARGEST_PAGE)
    order = call.query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise problem.invalid_request("Invalid value for 'order': expected 'asc' or 'desc'.", "order")
    given = list(entry.input) if order == "asc" else list(reversed(entry.input))
    start, after = 0, call.query.get("after")
    if after is not None:
        names = [item["id"] for item in given]
        if after not in names:
            raise problem.invalid_request(f"Invalid value for 'after': there is no item {after!r}.", "after")
        start = names.index(after) + 1
    page = given[start : start + limit]
    return _json(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": start + limit < len(given),
        }
    )


# -- creation ---------------------------------------------------------------------------------------------


def _open(call: Call) -> None:
    """Check the request, and find what it continues and where its answer is kept."""
    document, services = call.document, call.services
    form = services.formats["responses"]
    assert isinstance(form, ResponsesFormat)  # noqa: S101 - the table of formats says so
    request.check(document)
    document = call.document = {**document, "input": _resolved(call, items.as_items(document["input"]))}
    store = services.responses
    stored = store.keeps and document.get("store") is not False
    if document.get("background") and not stored:
        raise problem.invalid_request(
            "Invalid value for 'background': such a response must be stored, and this one is not.",
            "background",
        )
    earlier = _earlier(call, document.get("previous_response_id"))
    name = response_id(call.request_id)
    keep = _forget
    if stored:
        call.stored = entry = store.open(
            call.key.id,
            [_named(item, f"{name}_{position:02x}") for position, item in enumerate(document["input"])],
            earlier,
            background=bool(document.get("background")),
        )
        keep = functools.partial(store.keep, entry)
    call.format = form.within(Dialogue(earlier, stored, keep, services.clock.now))


def _forget(document: bytes) -> None:
    """Where the answer goes that is not stored."""


def _earlier(call: Call, name: str | None) -> Sequence[items.Item]:
    if name is None:
        return ()
    store = call.services.responses
    if not store.keeps:
        raise problem.invalid_request(
            "Unsupported parameter: 'previous_response_id'; this server stores no responses. "
            "Send the whole conversation as 'input'.",
            "previous_response_id",
        )
    previous = store.get(call.key.id, name)
    if previous is None:
        raise problem.previous_response_not_found(name)
    if previous.running is not None and not previous.running.done:
        raise problem.invalid_request(
            f"Invalid value for 'previous_response_id': the response {name!r} is still in progress.",
            "previous_response_id",
        )
    return previous.conversation


def _resolved(call: Call, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items with what references stand for."""
    resolved = []
    for position, item in enumerate(given):
        if item["type"] == "item_reference":
            found = call.services.responses.item(call.key.id, item["id"])
            if found is None:
                raise problem.invalid_request(
                    f"Item with id {item['id']!r} not found: it was never stored, or is not any more.",
                    f"input[{position}].id",
                )
            item = dict(found)
        resolved.append(item)
    return resolved


def _named(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An input item as it is listed: with an id, and its text in parts."""
    listed = {"id": name.replace("resp_", "item_"), **{k: v for k, v in item.items() if v is not None}}
    if item["type"] == "message":
        listed.setdefault("status", "completed")
        if isinstance(item["content"], str):
            assistant = item["role"] == "assistant"
            kind = {"type": "output_text", "annotations": []} if assistant else {"type": "input_text"}
            listed["content"] = [{**kind, "text": item["content"]}]
    return listed


async def _at_once(call: Call) -> Response | Stream:
    work = await Work.start(call, call.format)
    try:
        reply = await (work.stream() if call.asked.stream else work.whole())
    except BaseException:
        await work.abandon()
        raise
    if work.encoder is not None:
        assert isinstance(work.encoder, ResponseStream)  # noqa: S101 - what the format gives
        call.broken = work.encoder.fail
    if call.stored is not None:
        call.services.responses.put(response_id(call.answer_id), call.stored)
    return reply


async def _in_background(call: Call) -> Response | Stream:
    entry, name = call.stored, response_id(call.answer_id)
    assert entry is not None  # noqa: S101 - `_open` has seen to it
    running = entry.running = Running(kept=call.asked.stream)
    call.client_gone = running.stopped
    work = await Work.start(call, call.format)
    encoder = work.begin()
    assert isinstance(encoder, ResponseStream)  # noqa: S101 - what the format gives
    call.services.responses.keep(entry, encoder.queued)
    call.services.responses.put(name, entry)
    running.start(_make(call, work, encoder, entry, running))
    if call.asked.stream:
        events = running.follow(-1)
        return Stream(await anext(events, b""), events)
    return Response(200, encoder.queued)


async def _make(call: Call, work: Work, encoder: ResponseStream, entry: Stored, running: Running) -> None:
    """The work of a response that nobody waits for; whatever happens, the entry tells how it ended."""
    try:
        async for frames in work.frames(encoder):
            running.add(frames)
    except (ClientGoneError, asyncio.CancelledError):
        call.services.responses.keep(entry, encoder.cancelled(work.usage))
    except Exception as error:  # noqa: BLE001 - the one boundary for work without a client
        running.add(encoder.fail(call.explain(error)))


# -- what is stored ---------------------------------------------------------------------------------------


async def _find(call: Call) -> Stored:
    await chain.run(chain.IDENTIFIED, call)
    name = call.parameters["response"]
    entry = call.services.responses.get(call.key.id, name)
    if entry is None:
        raise problem.unknown_response(name)
    return entry


def _document(entry: Stored) -> Response:
    assert entry.document is not None  # noqa: S101 - the store gives no others
    return Response(200, entry.document)


def _number(call: Call, name: str, default: int, least: int, most: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise problem.invalid_request(
            f"Invalid value for '{name}': expected a whole number from {max(least, 0)} to {most}.", name
        )
    return int(text)


def _json(document: Mapping[str, Any]) -> Response:
    return Response(200, msgspec.json.encode(document))

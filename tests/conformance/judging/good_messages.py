"""What a well-behaved endpoint answers to the probes of the Messages format."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from wiremark_conformance.probes import PROBES

MODEL = "deepseek-v4-flash"
USAGE = {"input_tokens": 20, "output_tokens": 6}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}
THOUGHT = {"type": "thinking", "thinking": "A dozen is 12.", "signature": "EqQBCgIYAg"}
SAID = {"type": "text", "text": "Hello there."}

Given = dict[str, Any]
"""Status, headers and body of an answer."""


def message(*blocks: Mapping[str, Any], stop: str = "end_turn", **more: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [copy.deepcopy(dict(block)) for block in blocks],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": dict(USAGE),
        **more,
    }


def delta(index: int, kind: str, **values: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **values}}


def block(index: int, start: Mapping[str, Any], *deltas: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events of one block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": dict(start)},
        *(dict(one) for one in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int = 0, *pieces: str) -> list[dict[str, Any]]:
    deltas = [delta(index, "text_delta", text=piece) for piece in pieces or ("Hel", "lo ", "there", ".")]
    return block(index, {"type": "text", "text": ""}, *deltas)


def call(index: int, call_id: str, city: str) -> list[dict[str, Any]]:
    start = {"type": "tool_use", "id": call_id, "name": "get_weather", "input": {}}
    pieces = ("", '{"city": ', f'"{city}"}}')
    return block(index, start, *(delta(index, "input_json_delta", partial_json=piece) for piece in pieces))


def thinking(index: int = 0) -> list[dict[str, Any]]:
    pieces = ("A ", "dozen ", "is ", "12.")
    return block(
        index,
        {"type": "thinking", "thinking": "", "signature": ""},
        *(delta(index, "thinking_delta", thinking=piece) for piece in pieces),
        delta(index, "signature_delta", signature="EqQBCgIYAg"),
    )


def stream(*events: list[dict[str, Any]], stop: str = "end_turn", sequence: str | None = None) -> Given:
    """A stream with these blocks in it."""
    started = message(stop_reason=None, usage={"input_tokens": 20, "output_tokens": 1})
    ended = {"stop_reason": stop, "stop_sequence": sequence}
    return {
        "headers": {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"},
        "named": True,
        "chunks": [
            {"type": "message_start", "message": started},
            {"type": "ping"},
            *(event for some in events for event in some),
            {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 6}},
            {"type": "message_stop"},
        ],
    }


def whole(body: Any) -> Given:
    return {"headers": {"content-type": "application/json"}, "body": body}


def error(probe: str, status: int, kind: str, **headers: str) -> Given:
    return {
        "status": status,
        "headers": {"content-type": "application/json", **headers},
        "body": {
            "type": "error",
            "error": {"type": kind, "message": "It cannot be done."},
            "request_id": f"req-{probe}",
        },
    }


def entry(model: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model,
        "display_name": model.title(),
        "created_at": "2025-12-01T00:00:00Z",
        "lifecycle": "active",
    }


def page(*models: str, more: bool = False) -> dict[str, Any]:
    return {
        "data": [entry(model) for model in models],
        "has_more": more,
        "first_id": models[0] if models else None,
        "last_id": models[-1] if models else None,
    }


INVALID = (400, "invalid_request_error")
MISSING = (404, "not_found_error")
_REFUSED: dict[str, tuple[int, str]] = {
    **dict.fromkeys(
        (
            "errors.malformed-json",
            "errors.not-an-object",
            "errors.no-max-tokens",
            "errors.no-messages",
            "errors.empty-messages",
            "errors.messages-type",
            "errors.role",
            "errors.block-type",
            "errors.temperature",
            "tools.no-result",
            "tools.unknown-choice",
            "tools.server-tool",
            "tools.text-only",
            "vision.text-only",
            "thinking.altered",
            "thinking.over-budget",
            "thinking.under-budget",
            "thinking.forced",
            "versions.new.temperature",
            "versions.missing",
            "versions.unknown",
            "rare",
            "count.no-messages",
        ),
        INVALID,
    ),
    **dict.fromkeys(
        (
            "errors.unknown-model",
            "errors.unknown-model.stream",
            "errors.unknown-route",
            "count.unknown-model",
            "models.get.unknown",
        ),
        MISSING,
    ),
    "errors.method": (405, "invalid_request_error"),
    "errors.media-type": (415, "invalid_request_error"),
    "auth.no-key": (401, "authentication_error"),
    "auth.wrong-key": (401, "authentication_error"),
    "limits.body": (413, "request_too_large"),
    "keys.throttled": (429, "rate_limit_error"),
    "keys.exhausted": (402, "billing_error"),
    "keys.capped": (402, "billing_error"),
    "keys.restricted": (403, "permission_error"),
    "keys.revoked": (401, "authentication_error"),
}
_MORE_HEADERS = {"errors.method": {"allow": "POST"}, "keys.throttled": {"retry-after": "7"}}


def answers(model: str, models: list[str]) -> dict[str, Given]:
    """Probe → its answer, for every probe of the format; most get the plain message.

    models: ids of the catalogue
    """
    called = message(CALL, stop="tool_use")
    cut = call(0, "toolu_1", "Paris")
    del cut[3]
    good: dict[str, Given] = {
        "plain": whole(message(SAID)),
        "max-tokens": whole(
            message(SAID, stop="max_tokens", usage={"input_tokens": 20, "output_tokens": 8}, id="msg_2")
        ),
        "stream": stream(text()),
        "max-tokens.stream": stream(text(), stop="max_tokens"),
        "stop": whole(
            message({"type": "text", "text": "1 2 3 4 5 6 "}, stop="stop_sequence", stop_sequence="7")
        ),
        "stop.stream": stream(text(0, "1 2 3 ", "4 5 6 "), stop="stop_sequence", sequence="7"),
        "zero-tokens": whole(message(stop="max_tokens", usage={"input_tokens": 20, "output_tokens": 0})),
        "prefill": whole(message({"type": "text", "text": " 3, 4, 5"})),
        "json": whole(message({"type": "text", "text": '{"city": "Paris", "sunny": true}'})),
        "tools.forced": whole(called),
        "tools.stream": stream(call(0, "toolu_1", "Paris"), stop="tool_use"),
        "tools.cut": stream(cut, stop="max_tokens"),
        "tools.parallel": stream(
            text(0, "Both."), call(1, "toolu_1", "Paris"), call(2, "toolu_2", "Oslo"), stop="tool_use"
        ),
        "tools.single": whole(copy.deepcopy(called)),
        "thinking": whole(message(THOUGHT, SAID)),
        "thinking.adaptive": whole(message(THOUGHT, SAID)),
        "thinking.round-trip": whole(message(THOUGHT, SAID)),
        "thinking.omitted": whole(message({**THOUGHT, "thinking": ""}, SAID)),
        "thinking.stream": stream(thinking(), text(1)),
        "count": whole({"input_tokens": 20}),
        "count.no-system": whole({"input_tokens": 12}),
        "count.tools": whole({"input_tokens": 90}),
        "count.no-image": whole({"input_tokens": 8}),
        "count.image": whole({"input_tokens": 100}),
        "models.list": whole(page(*models)),
        "models.page": whole(page(models[0], more=True)),
        "models.next": whole(page(models[1], more=True)),
        "models.get": whole(entry(model)),
    }
    for name, (status, kind) in _REFUSED.items():
        good[name] = error(f"messages.{name}", status, kind, **_MORE_HEADERS.get(name, {}))
    good["tools.cut"]["chunks"][-2]["usage"]["output_tokens"] = 4
    good["max-tokens.stream"]["chunks"][-2]["usage"]["output_tokens"] = 8
    ours = {f"messages.{name}": given for name, given in good.items()}
    found = {name: ours.get(name, whole(message(SAID))) for name in PROBES if is_ours(name)}
    for name, given in found.items():
        given["headers"] = {**headers(name), **given["headers"]}
    return found


def is_ours(probe: str) -> bool:
    return probe.startswith("messages.")


def headers(probe: str) -> dict[str, str]:
    """What every answer of the format has."""
    return {
        "request-id": f"req-{probe}",
        "anthropic-ratelimit-requests-limit": "60",
        "anthropic-ratelimit-requests-remaining": "59",
        "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
    }

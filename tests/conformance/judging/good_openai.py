"""What a good endpoint answers in OpenAI's own formats, and to the probes of no format."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from wiremark_conformance.probes.chat import HELLO
from wiremark_conformance.probes.parameters import WRONG
from wiremark_conformance.properties import PROPERTIES
from wiremark_conformance.sdk import SCENARIOS
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Model, Offer

from tests.conformance.judging import good_media, good_surfaces, other_surfaces
from tests.conformance.judging.answer import Answer

EVERYTHING = str(Path(__file__).with_name("everything.yaml"))
_everything = partial(functools.cache(contracts.load), EVERYTHING)
CREATED = 1764547200
ANSWER_ID = f"gen-{CREATED}-VhzEA3LAfGuc"
TOOL_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
}
USAGE = {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}
CHARGE = 5  # µUSD: 20 * 0.14 + 6 * 0.28 = 4.48, rounded up


def completion(
    message: Mapping[str, Any] | None = None, finish_reason: str = "stop", n: int = 1
) -> dict[str, Any]:
    fields = {"refusal": None, "reasoning_content": None}
    said = {"role": "assistant", "content": "Hello there.", **fields, **(message or {})}
    choices = [
        {"index": i, "message": copy.deepcopy(said), "logprobs": None, "finish_reason": finish_reason}
        for i in range(n)
    ]
    return {
        "id": ANSWER_ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": "deepseek-v4-flash",
        "provider": "north",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": choices,
        "usage": dict(USAGE),
    }


def chunk(
    delta: Mapping[str, Any] | None = None, finish_reason: str | None = None, index: int = 0
) -> dict[str, Any]:
    choice = {"index": index, "delta": dict(delta or {}), "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": ANSWER_ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": "deepseek-v4-flash",
        "provider": "north",
        "choices": [choice],
    }


def _another(one: Any) -> Any:
    """A chunk of another answer than the rest here; the terminator is the same."""
    return {**one, "id": ANSWER_ID.replace("V", "X")} if isinstance(one, dict) else one


def usage_chunk() -> dict[str, Any]:
    return {**chunk(), "choices": [], "usage": dict(USAGE)}


def piece(index: int, arguments: str, call_id: str = "", name: str = "") -> dict[str, Any]:
    """A piece of a streamed call; with an id it is the first one."""
    first = {"id": call_id, "type": "function"} if call_id else {}
    named = {"name": name} if name else {}
    return {"tool_calls": [{"index": index, **first, "function": {**named, "arguments": arguments}}]}


ROLE = {"role": "assistant", "content": ""}


def _text(*more: Any, finish_reason: str = "stop") -> list[Any]:
    return [
        chunk(ROLE),
        chunk({"content": "Hel"}),
        chunk({"content": "lo "}),
        chunk({"content": "there."}),
        chunk({}, finish_reason),
        *more,
        "[DONE]",
    ]


def _long(*more: Any) -> list[Any]:
    """Enough pieces to see whether they come one by one."""
    role, *text = _text(*more)
    return [role, *(chunk({"content": "well "}) for _ in range(24)), *text]


def _calls(*calls: tuple[str, str]) -> list[Any]:
    pieces = []
    for index, (call_id, city) in enumerate(calls):
        pieces += [
            chunk(piece(index, "", call_id, "get_weather")),
            chunk(piece(index, '{"city": ')),
            chunk(piece(index, f'"{city}"}}')),
        ]
    return [chunk({"role": "assistant", "content": None}), *pieces, chunk({}, "tool_calls")]


def _error(status: int, kind: str, code: str | None, **headers: str) -> Answer:
    message = "This key is disabled." if code == "key_disabled" else "It cannot be done."
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Answer(status, {"content-type": "application/json", **headers}, body)


def _invalid(code: str | None = None) -> Answer:
    return _error(400, "invalid_request_error", code)


def _broken_json() -> Answer:
    answer = _invalid()
    answer.body["error"]["message"] = "The body is not JSON: expected ':' at character 9."
    return answer


def _json(body: Any, **headers: str) -> Answer:
    return Answer(200, {"content-type": "application/json; charset=utf-8", **headers}, body)


_STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


def _stream(chunks: list[Any], **headers: str) -> Answer:
    return Answer(
        200,
        {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-cache",
            "x-accel-buffering": "no",
            **headers,
        },
        chunks=chunks,
    )


def _token(text: str) -> dict[str, Any]:
    return {"token": text, "logprob": -0.1, "bytes": list(text.encode())}


def _with_logprobs() -> dict[str, Any]:
    answer = completion()
    tokens = [
        {**_token(text), "top_logprobs": [_token(text), _token("x")]} for text in ("Hello", " there", ".")
    ]
    answer["choices"][0]["logprobs"] = {"content": tokens, "refusal": None}
    return answer


def _n_stream() -> list[Any]:
    deltas: tuple[Mapping[str, Any], ...] = (ROLE, {"content": "Hello"}, {"content": " you."})
    chunks = [chunk(delta, None, index) for delta in deltas for index in (0, 1)]
    return [*chunks, chunk({}, "stop", 0), chunk({}, "stop", 1), "[DONE]"]


def _thought(text: str) -> dict[str, Any]:
    entry = {"type": "reasoning.text", "text": text, "index": 0}
    return {"reasoning_content": text, "reasoning_details": [entry]}


def _reasoned() -> dict[str, Any]:
    answer = completion({"content": "A dozen.", **_thought("A dozen is 12.")})
    answer["usage"]["completion_tokens_details"] = {"reasoning_tokens": 4}
    return answer


def _reasoned_stream() -> list[Any]:
    thought = [chunk(_thought(text)) for text in ("A dozen ", "is 12.")]
    return [chunk({"role": "assistant"}), *thought, *_text()[1:]]


def _row(probe: str, amount: int = CHARGE, **more: Any) -> dict[str, Any]:
    return {
        "request_id": f"req-{probe}",
        "created": CREATED,
        "model": "deepseek-v4-flash",
        "status": 200,
        "prompt_tokens": 20,
        "completion_tokens": 6,
        "amount_microusd": amount,
        "state": "settled",
        "outcome": "ok",
        "cached": False,
        **more,
    }


_HELLO = sum(len(message["content"]) for message in HELLO)
_OFFER = ("provider", "latency_ms", "input_usd_per_million", "output_usd_per_million")


def _offer_row(offer: Offer) -> dict[str, Any]:
    return {
        "provider": offer.provider,
        "available": offer.available,
        "latency_ms": offer.latency_ms,
        "input_usd_per_million": offer.price.input_per_million / 1_000_000,
        "output_usd_per_million": offer.price.output_per_million / 1_000_000,
    }


def _offers_of(model: Model) -> dict[str, Any]:
    """What the list tells of providers, the one who would be asked first."""
    rows = [_offer_row(offer) for offer in model.offers]
    first = rows[0] if rows else dict.fromkeys(_OFFER)
    return {
        "provider": first["provider"],
        "latency": first["latency_ms"],
        "input_cost": first["input_usd_per_million"],
        "output_cost": first["output_usd_per_million"],
        "providers": rows,
    }


def _prices() -> list[dict[str, Any]]:
    model = _everything().models[0]
    rows = [{"model": model.id, **_offer_row(offer)} for offer in model.offers]
    return sorted(rows, key=lambda row: float(row["input_usd_per_million"]))


def _told(answer: Answer, prompt: int, response: int) -> Answer:
    """The answer with what the contract promises of its usage; characters of prompt and response."""
    more = {"prompt_characters": prompt, "response_characters": response}
    usages = [body["usage"] for body in answer.chunks or [answer.body] if "usage" in body]
    for usage in usages:
        usage.update(more, cost=CHARGE / 1_000_000, latency_ms=12)
    return answer


def _listed(rows: list[dict[str, Any]], **more: Any) -> Answer:
    return _json({"object": "list", **more, "data": rows})


def _health(provider: str, state: str, requests: int) -> dict[str, Any]:
    return {
        "provider": provider,
        "state": state,
        "availability": 1.0 if state == "up" else 0.0,
        "latency_ms": 100.0 if requests else None,
        "requests": requests,
        "failures": 0,
        "models": ["deepseek-v4-flash"],
    }


def models() -> list[dict[str, Any]]:
    return [
        {
            "id": m.id,
            "object": "model",
            "created": m.created,
            "owned_by": m.owned_by,
            "available": m.available,
            "credits": m.price.per_request / 10_000,
            "context": m.context_tokens,
            "output": m.max_output_tokens,
            "type": "vision" if "vision" in m.capabilities else "llm",
            **_offers_of(m),
            "usd": f"{m.price.per_request / 1_000_000:.6f}",
            **m.extensions,
        }
        for m in _everything().models
    ]


def _description() -> dict[str, Any]:
    schema = {"type": "object", "required": ["messages", "model"]}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Chat"}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Everything", "version": "1"},
        "servers": [{"url": "https://example.invalid/api/v1"}],
        "paths": {"/chat/completions": {"post": {"requestBody": body}}},
        "components": {"schemas": {"Chat": schema}},
    }


TRIP = {
    "trip": {"city": "Paris", "means": "train", "stops": [{"name": "Lyon", "days": 2}]},
    "note": None,
    "rating": 5,
    "grid": [[1, 2], []],
}
_REFUSED = (
    "errors.json-schema",
    "errors.missing-result",
    "errors.unknown-result",
    "chat.reasoning-effort",
    "chat.parts.audio",
    "chat.parts.unknown",
    "bodies.invalid-utf8",
    "bodies.deep",
    "bodies.huge-number",
    "bodies.nan",
)
_UNAUTHORIZED = ("auth.no-key", "auth.no-key.malformed", "auth.no-key.unknown-model", "auth.no-key.models")
_LONG_PROMPT = {**USAGE, "prompt_tokens": 60, "total_tokens": 66}
_SDK_HEADERS = ("authorization", "content-type", "x-stainless-lang", "x-stainless-retry-count")
_PAGES = {"access-control-allow-origin": "*", "access-control-expose-headers": "x-request-id, retry-after"}


def _used() -> Answer:
    return _json({"scenario": "chat", "version": "3.54.0", "finding": ""})


def _unauthorized() -> Answer:
    return _error(401, "invalid_request_error", None, **{"www-authenticate": "Bearer"})


def _no_image() -> Answer:
    answer = _invalid()
    answer.body["error"]["message"] = "The data is not a png image."
    return answer


def _overflown() -> Answer:
    answer = _invalid("context_length_exceeded")
    answer.body["error"]["message"] = "This model's maximum context length is 32768 tokens."
    return answer


def _calling(name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return completion({"content": None, "tool_calls": [{**TOOL_CALL, "function": function}]}, "tool_calls")


def _noted(name: str, text: str) -> dict[str, Any]:
    call = {"id": "call_1", "type": "custom", "custom": {"name": name, "input": text}}
    return completion({"content": None, "tool_calls": [call]}, "tool_calls")


def _note_stream() -> list[Any]:
    opening = {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "take_note", "input": ""}}
    pieces = [opening, *({"index": 0, "custom": {"input": text}} for text in ("It ", "rains."))]
    told = [chunk({"tool_calls": [piece]}) for piece in pieces]
    return [chunk({"role": "assistant", "content": None}), *told, chunk({}, "tool_calls"), "[DONE]"]


def _ping_stream() -> list[Any]:
    pieces = [chunk(piece(0, "", "call_1", "ping")), chunk(piece(0, "{}"))]
    return [chunk({"role": "assistant"}), *pieces, chunk({}, "tool_calls"), "[DONE]"]


def _refusal_stream() -> list[Any]:
    fragments = [chunk({"refusal": text}) for text in ("I can", "not.")]
    return [chunk({"role": "assistant", "refusal": None}), *fragments, chunk({}, "stop"), "[DONE]"]


def _json_stream() -> list[Any]:
    fragments = [chunk({"content": text}) for text in ('{"city": "Pa', 'ris", "sunny"', ": true}")]
    return [chunk(ROLE), *fragments, chunk({}, "stop"), "[DONE]"]


def _logprobs_stream() -> list[Any]:
    chunks = _text()
    for each in chunks[1:4]:
        text = each["choices"][0]["delta"]["content"]
        each["choices"][0]["logprobs"] = {"content": [{**_token(text), "top_logprobs": []}], "refusal": None}
    return chunks


def _surface(status: int, body: Any, chunks: list[Any] | None) -> Answer:
    whole = Answer(status, {"content-type": "application/json"}, body)
    return whole if chunks is None else _stream(chunks)


def plain() -> Answer:
    return _json(completion())


def answers(model: str) -> Mapping[str, Callable[[], Answer]]:
    """The answers of a good endpoint by probe; those without one of their own get the plain answer."""
    call = completion({"content": None, "tool_calls": [copy.deepcopy(TOOL_CALL)]}, "tool_calls")
    one = next((entry for entry in models() if entry["id"] == model), {**models()[0], "id": model})
    return {
        **{probe: partial(_surface, *given) for probe, given in good_surfaces.answers().items()},
        **{probe: partial(_surface, *given, None) for probe, given in good_media.answers().items()},
        **{probe: partial(_json, body) for probe, body in other_surfaces.bodies().items()},
        **{probe: partial(_stream, chunks) for probe, chunks in other_surfaces.streams().items()},
        "completions.no-prompt": _invalid,
        "embeddings.empty-text": _invalid,
        "embeddings.empty-list": _invalid,
        "embeddings.too-many": _invalid,
        "embeddings.unknown-format": _invalid,
        "embeddings.unknown-model": lambda: _error(404, "invalid_request_error", "model_not_found"),
        "models.get.slash": lambda: _json(next(entry for entry in models() if "/" in entry["id"])),
        **{f"errors.{name}": _invalid for name in WRONG},
        **dict.fromkeys(_REFUSED, _invalid),
        **dict.fromkeys(_UNAUTHORIZED, _unauthorized),
        **dict.fromkeys(SCENARIOS, _used),
        **{name: _invalid for name, wanted in PROPERTIES.items() if wanted.kind == "invalid"},
        "errors.context-overflow": _overflown,
        "chat.vision.broken": _no_image,
        "bodies.gzip": lambda: _error(415, "invalid_request_error", "unsupported_media_type"),
        "bodies.nul": lambda: _json(
            {**completion(), "usage": {**USAGE, "prompt_tokens": 60, "total_tokens": 66}}
        ),
        "http.query": lambda: _json({"object": "list", "data": models()}),
        **{
            f"http.reuse.{before}": lambda: _json({"object": "list", "data": models()})
            for before in ("answer", "stranger", "lost", "head", "stream")
        },
        "http.head": lambda: Answer(200, {"content-type": "application/json"}),
        "http.large-header": lambda: _error(431, "invalid_request_error", None),
        "chat.content-parts": lambda: _json({**completion(), "id": ANSWER_ID.replace("V", "W")}),
        "chat.params": lambda: _json({**completion(), "service_tier": "default"}),
        "chat.obfuscation": lambda: _stream(_text()),
        "chat.stop.stream": lambda: _stream(_text()),
        "chat.seed.stream": lambda: _stream(
            [chunk(ROLE), chunk({"content": "Hello there."}, "stop"), "[DONE]"]
        ),
        "chat.logprobs.stream": lambda: _stream(_logprobs_stream()),
        "chat.json-schema.rich": lambda: _json(completion({"content": json.dumps(TRIP)})),
        "chat.json-schema.stream": lambda: _stream(_json_stream()),
        "chat.json-schema.cut": lambda: _json(completion({"content": '{"ci'}, "length")),
        "chat.tools.with-format": lambda: _json(call),
        "chat.tools.single": lambda: _json(call),
        "chat.tools.custom": lambda: _json(_noted("take_note", "It rains.")),
        "chat.tools.custom.stream": lambda: _stream(_note_stream()),
        "chat.tools.custom.grammar": lambda: _json(_noted("set_code", "ABC-1234")),
        "chat.tools.functions": _invalid,
        "chat.tools.rich": lambda: _json(_calling("book_trip", json.dumps(TRIP))),
        "chat.tools.allowed": lambda: _json(_calling("ping", "{}")),
        "chat.tools.no-arguments": lambda: _stream(_ping_stream()),
        "chat.refusal": lambda: _json(completion({"content": None, "refusal": "I cannot."})),
        "chat.refusal.stream": lambda: _stream(_refusal_stream()),
        **{f"chat.vision.internal.{number}": _invalid for number in range(4)},
        "chat.stored": lambda: _error(404, "invalid_request_error", None),
        "cors.preflight.sdk": lambda: Answer(
            204,
            {
                **_PAGES,
                "access-control-allow-methods": "GET, POST",
                "access-control-allow-headers": ", ".join(_SDK_HEADERS),
            },
        ),
        "cors.answer": lambda: _json({"object": "list", "data": models()}, **_PAGES),
        "cors.chat": lambda: _json(completion(), **_PAGES),
        "cors.stream": lambda: _stream(_text(), **_PAGES),
        "cors.refusal": lambda: _error(401, "invalid_request_error", "invalid_api_key", **_PAGES),
        "models.list": lambda: _json({"object": "list", "data": models()}),
        "models.list.empty-json": lambda: _json({"object": "list", "data": models()}),
        "models.get": lambda: _json(one),
        "models.unavailable": lambda: _error(503, "server_error", "no_worker_available"),
        "models.get.unknown": lambda: _error(404, "invalid_request_error", "model_not_found"),
        "chat.plain": lambda: _told(_json(completion(), **{"x-cache": "miss"}), _HELLO, 12),
        "chat.stream": lambda: _stream([_another(one) for one in _text()]),
        "chat.stream.usage": lambda: _told(_stream(_text(usage_chunk())), _HELLO, 12),
        "billing.stream": lambda: _stream(_long(usage_chunk())),
        "billing.long": lambda: _json(completion()),
        "chat.max-tokens": lambda: _json(completion({"content": "1 2 3 4"}, "length")),
        "chat.max-completion-tokens": lambda: _stream(_text(finish_reason="length")),
        "chat.stop": lambda: _json(completion({"content": "1 2 3 4 5 6 "})),
        "chat.n": lambda: _json(completion(n=2)),
        "chat.n.stream": lambda: _stream(_n_stream()),
        "chat.logprobs": lambda: _json(_with_logprobs()),
        "chat.json": lambda: _json(completion({"content": '{"answer": 42}'})),
        "chat.json-schema": lambda: _json(completion({"content": '{"city": "Paris", "sunny": true}'})),
        "chat.reasoning": lambda: _json(_reasoned()),
        "chat.reasoning.unasked": lambda: _json(_reasoned()),
        "chat.reasoning.stream": lambda: _stream(_reasoned_stream()),
        "chat.vision.remote": _invalid,
        "chat.vision.text-only": lambda: _invalid("unsupported_parameter"),
        "chat.tools.forced": lambda: _told(_json(call, **{"x-cache": "bypass"}), 29, 0),
        "context.prompt": lambda: _invalid("context_length_exceeded"),
        "context.max-tokens": _invalid,
        "routing.explicit": lambda: _json({**completion(), "provider": "south"}),
        "routing.unknown": _invalid,
        "routing.unavailable": lambda: _error(503, "server_error", "no_worker_available"),
        "routing.failover": lambda: _json(completion()),
        "providers.list": lambda: _listed(
            [_health("north", "up", 3), _health("south", "up", 0), _health("gone", "down", 0)]
        ),
        "providers.page": lambda: Answer(200, {"content-type": "text/html"}, b"<td>North<td>south<td>gone"),
        "providers.latency": lambda: _listed(
            [{"at": CREATED, "model": "deepseek-v4-flash", "ok": True, "latency_ms": 100.5}], provider="north"
        ),
        "prices.list": lambda: _listed(_prices()),
        "billing.export": lambda: Answer(
            200,
            {"content-type": "text/csv; charset=utf-8"},
            b"request_id,prompt_tokens,amount\r\nreq-chat.plain,20,5\r\n",
        ),
        "chat.tools.stream": lambda: _stream([*_calls(("call_1", "Paris")), usage_chunk(), "[DONE]"]),
        "chat.tools.parallel": lambda: _stream([*_calls(("call_1", "Paris"), ("call_2", "Oslo")), "[DONE]"]),
        "chat.tools.text-only": lambda: _invalid("unsupported_parameter"),
        "errors.malformed-json": _invalid,
        "errors.no-key-name": _broken_json,
        "errors.not-an-object": _invalid,
        "errors.no-messages": lambda: _invalid("missing_required_parameter"),
        "errors.empty-messages": _invalid,
        "errors.empty-messages.stream": _invalid,
        "errors.messages-type": _invalid,
        "errors.temperature": _invalid,
        "errors.tool-choice": _invalid,
        "errors.unknown-model": lambda: _error(404, "invalid_request_error", "model_not_found"),
        "errors.unknown-model.stream": lambda: _error(404, "invalid_request_error", "model_not_found"),
        "errors.unknown-route": lambda: _error(404, "invalid_request_error", "unknown_url"),
        "errors.method": lambda: _error(405, "invalid_request_error", "method_not_supported", allow="POST"),
        "errors.media-type": lambda: _error(415, "invalid_request_error", "unsupported_media_type"),
        "auth.wrong-key": lambda: _error(
            401, "invalid_request_error", "invalid_api_key", **{"www-authenticate": "Bearer"}
        ),
        "limits.body": lambda: _error(413, "invalid_request_error", "request_too_large"),
        "limits.body.chunked": lambda: _error(413, "invalid_request_error", "request_too_large"),
        "keys.throttled": lambda: _error(429, "requests", "rate_limit_exceeded", **{"retry-after": "7"}),
        "idempotency.other": lambda: _error(422, "invalid_request_error", "idempotency_key_reused"),
        "keys.daily": lambda: _error(429, "requests", "rate_limit_exceeded", **{"retry-after": "41734"}),
        "keys.exhausted": lambda: _error(402, "insufficient_quota", "insufficient_credits"),
        "keys.capped": lambda: _error(429, "insufficient_quota", "monthly_cap_reached"),
        "keys.restricted": lambda: _error(403, "invalid_request_error", "model_not_allowed"),
        "keys.revoked": lambda: _error(401, "invalid_request_error", "invalid_api_key"),
        "keys.disabled": lambda: _error(403, "invalid_request_error", "key_disabled"),
        "openapi": lambda: _json(_description()),
        "cors.preflight": lambda: Answer(204),
        "cache.repeat": lambda: _json(completion(), **{"x-cache": "hit"}),
        "billing.balance": lambda: _json({"balance_microusd": 1000, "held_microusd": 0}),
        "billing.usage": lambda: _json(
            {
                "object": "list",
                "has_more": False,
                "next_after": None,
                "data": [
                    _row("chat.plain"),
                    _row("billing.stream"),
                    _row("billing.long"),
                    _row("chat.tools.forced"),
                    _row("chat.tools.round-trip"),
                    _row("chat.other-model", 2, model="hermes-text-only"),
                    _row("chat.reasoning", 200_000, model="thinker"),
                    _row("completions.plain", 4, completion_tokens=4),
                    _row("embeddings.batch", 1, completion_tokens=0, model="us/vectors"),
                    _row("messages.plain"),
                    _row("responses.plain"),
                    _row("responses.stream"),
                    _row("responses.tools.forced"),
                    _row("messages.stream"),
                    _row("messages.tools.forced"),
                    _row("gemini.plain"),
                    _row("gemini.stream"),
                    _row("gemini.functions.forced"),
                    _row("cache.repeat", 0, cached=True),
                    _row("errors.unknown-model", 0, status=404, state="released", outcome="refused"),
                ],
            }
        ),
    }

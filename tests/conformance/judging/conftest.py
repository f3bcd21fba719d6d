"""A well-behaved endpoint as values: every probe's answer, to be spoilt one thing at a time.

`world` gives a fresh one that keeps the contract of `everything.yaml`; a test changes an answer and
asks the judge. Nothing here opens a socket.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance.checks.billing.check_ledger import LEDGER
from wiremark_conformance.exchange import Exchange, FailureKind, Part, Request, TransportFailure
from wiremark_conformance.judge import Evidence, Judgement, judge_one, probes_for
from wiremark_conformance.probes import PROBES, Probe, ProbeContext
from wiremark_conformance.probes.chat import HELLO
from wiremark_conformance.probes.parameters import WRONG
from wiremark_conformance.properties import PROPERTIES
from wiremark_conformance.requirement import load_register
from wiremark_conformance.sdk import SCENARIOS
from wiremark_conformance.target import Target
from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Model, Offer
from wiremark_schemas.credentials import ROLES, Credentials

from tests.conformance.judging import (
    good_gemini,
    good_media,
    good_messages,
    good_responses,
    good_surfaces,
    other_surfaces,
)

CREATED = 1764547200
ANSWER_ID = f"gen-{CREATED}-VhzEA3LAfGuc"
EVERYTHING = str(Path(__file__).with_name("everything.yaml"))
PAGES = str(Path(__file__).with_name("pages.yaml"))
_contract = functools.cache(contracts.load)
TOOL_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
}
USAGE = {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}
CHARGE = 5  # µUSD: 20 * 0.14 + 6 * 0.28 = 4.48, rounded up


@dataclass
class Answer:
    """What one probe gets. A `chunks` entry is a JSON value, a str (the data of an event), or raw bytes.

    step:  bytes per arrival; 0 sends the body in one piece
    named: events are named after the `type` of their data
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    chunks: list[Any] | None = None
    failure: TransportFailure | None = None
    step: int = 0
    named: bool = False

    @property
    def wire(self) -> bytes:
        if self.chunks is not None:
            return b"".join(_event(chunk, self.named) for chunk in self.chunks)
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()

    def fail(self, kind: FailureKind) -> None:
        self.failure = TransportFailure(kind, f"it was {kind}")

    @property
    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["choices"][0]["message"]
        return found

    @property
    def choice(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["choices"][0]
        return found

    def delta(self, position: int) -> dict[str, Any]:
        """The delta of the first choice of a chunk."""
        assert self.chunks is not None
        found: dict[str, Any] = self.chunks[position]["choices"][0]["delta"]
        return found

    def call(self, position: int) -> dict[str, Any]:
        """The first piece of a tool call in a chunk."""
        found: dict[str, Any] = self.delta(position)["tool_calls"][0]
        return found


def _event(chunk: Any, named: bool) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    text = chunk if isinstance(chunk, str) else json.dumps(chunk)
    name = f"event: {chunk['type']}\n" if named and isinstance(chunk, dict) and "type" in chunk else ""
    return f"{name}data: {text}\n\n".encode()


# These compare every answer of the run, as those that read the books do.
OF_THE_WHOLE_RUN = {
    "ids.unique",
    "limits.headers.counting",
    "messages.request-id.unique",
}

_requests: dict[tuple[Any, ...], tuple[contracts.Contract, Request | None]] = {}


class World:
    """Answers by probe; what has no answer of its own gets the plain one."""

    def __init__(self, contract: str = EVERYTHING, roles: tuple[str, ...] = ROLES) -> None:
        self.contract = _contract(contract)
        model = self.contract.models[0].id if self.contract.models else "some-model"
        keys = {role: f"key-of-{role}" for role in roles}
        self.target = Target(
            self.contract, model, self.contract.base_path, Credentials(keys), "http://x.invalid", "x.invalid"
        )
        table = _good(model)
        # Copies: entries of the table may share what they hold, and a test spoils one of them.
        found = {name: copy.deepcopy(table.get(name, _plain)()) for name in PROBES if not _of_others(name)}
        listed = [entry["id"] for entry in _models()]
        formats = {
            **good_messages.answers(model, listed),
            **good_responses.answers(),
            **good_gemini.answers(model, listed),
        }
        self.answers = {**found, **{name: Answer(**given) for name, given in formats.items()}}
        for position, (name, answer) in enumerate(self.answers.items()):
            answer.headers = {**_shared(name, position), **answer.headers}

    def __getitem__(self, probe: str) -> Answer:
        return self.answers[probe]

    def chunks(self, probe: str) -> list[Any]:
        found = self.answers[probe].chunks
        assert found is not None
        return found

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self["billing.usage"].body["data"]
        return found

    def row(self, probe: str) -> dict[str, Any]:
        return next(row for row in self.rows() if row["request_id"] == f"req-{probe}")

    def streams(self, *, named: bool = False) -> Iterator[Answer]:
        """Streams of chat, or of the formats whose events have names."""
        return (one for one in self.usual() if one.chunks is not None and one.named == named)

    def usual(self) -> Iterator[Answer]:
        """The answers but those of the format without names of events, and the bare ones of all formats."""
        others = (good_gemini, good_surfaces)
        return (one for name, one in self.answers.items() if not any(o.is_ours(name) for o in others))

    def evidence(self, probes: Iterable[str] = PROBES) -> Evidence:
        exchanges: dict[str, Exchange] = {}
        for name, probe in ((name, PROBES[name]) for name in probes):
            request = self._request(probe, exchanges)
            if request is None or name not in self.answers:
                continue
            answer = self.answers[name]
            wire, step = answer.wire, answer.step or max(len(answer.wire), 1)
            parts = tuple(Part(i, wire[i : i + step]) for i in range(0, len(wire), step))
            exchanges[name] = Exchange(
                name,
                request,
                status=answer.status,
                headers=tuple(answer.headers.items()),
                parts=parts,
                failure=answer.failure,
            )
        return Evidence(self.target, exchanges)

    def _request(self, probe: Probe, exchanges: Mapping[str, Exchange]) -> Request | None:
        """The request of a probe; made once for all worlds when it looks at no other exchange."""
        if probe.name in PROPERTIES or probe.name in SCENARIOS:  # made in other ways than by the table
            return PROBES["models.list"].build(ProbeContext(self.target, {}))
        if probe.needs:
            return probe.build(ProbeContext(self.target, exchanges))
        target = self.target
        keys = tuple(sorted(target.credentials.keys.items()))
        known = (id(target.contract), target.model, keys, probe.name)
        if known not in _requests:  # the contract is kept, so that no other one gets its id
            _requests[known] = (target.contract, probe.build(ProbeContext(target, {})))
        return _requests[known][1]

    def judge(self, requirement: str) -> Judgement:
        needed = probes_for([requirement])
        whole = LEDGER in needed or requirement in OF_THE_WHOLE_RUN
        return judge_one(requirement, self.evidence() if whole else self.evidence(needed))

    def findings(self, areas: str = "") -> dict[str, str]:
        """Requirement → message of everything that was found; `areas`: how the names of areas begin."""
        wrong = {Verdict.FAIL, Verdict.WARN, Verdict.HARNESS_ERROR, Verdict.SILENT}
        evidence = self.evidence()
        judged = [judge_one(r.id, evidence) for r in load_register() if r.area.startswith(areas)]
        return {j.requirement.id: f"{j.verdict}: {j.message}" for j in judged if j.verdict in wrong}


def _shared(name: str, position: int) -> dict[str, str]:
    role = PROBES[name].role
    remaining = "0" if role == "throttled" else str(59 - position % 50)
    if name.startswith("auth."):
        return {"x-request-id": f"req-{name}"}
    return {
        "x-request-id": f"req-{name}",
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": remaining,
        "x-ratelimit-reset-requests": "6m0.5s",
    }


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


def _reasoned() -> dict[str, Any]:
    answer = completion({"content": "A dozen.", "reasoning_content": "A dozen is 12."})
    answer["usage"]["completion_tokens_details"] = {"reasoning_tokens": 4}
    return answer


def _reasoned_stream() -> list[Any]:
    thought = [chunk({"reasoning_content": text}) for text in ("A dozen ", "is 12.")]
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
    model = _contract(EVERYTHING).models[0]
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


def _models() -> list[dict[str, Any]]:
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
        for m in _contract(EVERYTHING).models
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


def _plain() -> Answer:
    return _json(completion())


def _of_others(probe: str) -> bool:
    """Whether a probe is of a format whose good answers are made elsewhere."""
    others = (good_messages, good_responses, good_gemini)
    return any(other.is_ours(probe) for other in others)


def _good(model: str) -> Mapping[str, Callable[[], Answer]]:
    """The answers of a good endpoint by probe; those without one of their own get the plain answer."""
    call = completion({"content": None, "tool_calls": [copy.deepcopy(TOOL_CALL)]}, "tool_calls")
    one = next((entry for entry in _models() if entry["id"] == model), {**_models()[0], "id": model})
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
        "models.get.slash": lambda: _json(next(entry for entry in _models() if "/" in entry["id"])),
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
        "http.query": lambda: _json({"object": "list", "data": _models()}),
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
        "chat.tools.custom": _invalid,
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
        "cors.answer": lambda: _json({"object": "list", "data": _models()}, **_PAGES),
        "cors.refusal": lambda: _error(401, "invalid_request_error", "invalid_api_key", **_PAGES),
        "models.list": lambda: _json({"object": "list", "data": _models()}),
        "models.get": lambda: _json(one),
        "models.unavailable": lambda: _error(503, "server_error", "no_worker_available"),
        "models.get.unknown": lambda: _error(404, "invalid_request_error", "model_not_found"),
        "chat.plain": lambda: _told(_json(completion(), **{"x-cache": "miss"}), _HELLO, 12),
        "chat.stream": lambda: _stream(_text()),
        "chat.stream.usage": lambda: _told(_stream(_text(usage_chunk())), _HELLO, 12),
        "billing.stream": lambda: _stream(_text(usage_chunk())),
        "chat.max-tokens": lambda: _json(completion({"content": "1 2 3 4"}, "length")),
        "chat.max-completion-tokens": lambda: _stream(_text(finish_reason="length")),
        "chat.stop": lambda: _json(completion({"content": "1 2 3 4 5 6 "})),
        "chat.n": lambda: _json(completion(n=2)),
        "chat.n.stream": lambda: _stream(_n_stream()),
        "chat.logprobs": lambda: _json(_with_logprobs()),
        "chat.json": lambda: _json(completion({"content": '{"answer": 42}'})),
        "chat.json-schema": lambda: _json(completion({"content": '{"city": "Paris", "sunny": true}'})),
        "chat.reasoning": lambda: _json(_reasoned()),
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


@pytest.fixture
def world() -> World:
    """A fresh good endpoint that promises everything, with a key of every role."""
    return World()


@pytest.fixture
def worlds() -> Callable[..., World]:
    """Makes good endpoints under other contracts or with fewer keys."""
    return World


@pytest.fixture
def wire() -> Any:
    """The builders of this module, for tests that need chunks of their own."""

    class Wire:
        chunk = staticmethod(chunk)
        usage_chunk = staticmethod(usage_chunk)
        piece = staticmethod(piece)
        completion = staticmethod(completion)

    return Wire


@pytest.fixture
def pages() -> World:
    """A fresh good endpoint that lets web pages in."""
    return World(PAGES)

"""What is around Gemini's answers: keys, refusals, models, counts, vectors."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import parse_qs

import msgspec

from wiremark_server.edge.handler import new_request_id
from wiremark_server.faults.change import body, put, refuse, status, take, without_header
from wiremark_server.faults.edit import Ask, Body, Instead, On, Question, Reply
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.gemini.words import GENERATE, fault

_MODELS, _COUNT, _BATCH = "models.list", "gemini.count_tokens", "gemini.batch_embed"
_WRONG = "wrong-key"
_json = msgspec.json.Encoder().encode


def _key(ask: Ask) -> str:
    """The key of a request, in the header of this format or in the query."""
    return ask.header(b"x-goog-api-key").decode("latin-1") or "".join(parse_qs(ask.query).get("key", ()))


def _echoing(ask: Ask) -> Reply:
    """The refusal of a key repeats it."""
    error = {"code": 400, "message": f"The API key {_key(ask)} is not valid.", "status": "INVALID_ARGUMENT"}
    headers = [(b"x-request-id", new_request_id().encode()), (b"content-type", b"application/json")]
    return Reply(400, headers, _json({"error": error}))


def _first_page(document: Any) -> Any:
    document["models"] = document["models"][:1]
    return document


def _whole_list(ask: Ask) -> Ask:
    return dataclasses.replace(ask, query="")


def _twice(document: Any) -> Any:
    if found := document.get("models"):  # the list of another format has another name
        found += found[:1]
    return document


def _turned(document: Any) -> Any:
    """The vectors of a batch stand in each other's places."""
    found = document["embeddings"]
    document["embeddings"] = [*found[1:], found[0]]
    return document


TABLE: tuple[Fault, ...] = (
    fault(
        "auth.echoed",
        "policy",
        "The refusal of a key repeats it.",
        Instead(On(GENERATE, where=lambda ask: _WRONG in _key(ask)), _echoing),
        catches=("gemini.auth.no-echo",),
    ),
    fault(
        "limits.retry-after-absent",
        "headers",
        "A request beyond the limit is not told when to come again.",
        without_header(On(None, "refusal", status=429), b"retry-after"),
        catches=("gemini.limits.throttled.retry-after",),
    ),
    fault(
        "errors.route-answered",
        "errors",
        "Paths that do not exist are answered with success.",
        Instead(On("", where=lambda ask: "no-such-route" in ask.path), lambda _: Reply(200, [], b"{}")),
        catches=("gemini.errors.unknown-route",),
    ),
    fault(
        "errors.method-400",
        "errors",
        "A method that is not served is answered with 400.",
        status(On("", "refusal", status=405), 400),
        catches=("gemini.errors.method",),
    ),
    fault(
        "models.twice",
        "shape",
        "The first model stands in the list twice.",
        body(_twice, _MODELS),
        catches=("gemini.models.list.unique",),
    ),
    fault(
        "models.limits-absent",
        "shape",
        "Models do not tell how many tokens they take.",
        body(take("/models/*/inputTokenLimit"), _MODELS),
        catches=("gemini.models.list.limits",),
    ),
    fault(
        "models.empty-json-refused",
        "semantics",
        "A list that is asked for with an empty body, announced as JSON, is refused.",
        refuse(On(_MODELS, where=lambda ask: bool(ask.header(b"content-type"))), 400, "No JSON."),
        catches=("gemini.models.empty-json",),
    ),
    fault(
        "models.page-ignored",
        "semantics",
        "`pageSize` is not looked at.",
        Question(On(_MODELS), _whole_list),
        catches=("gemini.models.page.size",),
    ),
    fault(
        "count.answered",
        "semantics",
        "Who wants a count is given an answer beside it.",
        body(put("/candidates", []), _COUNT),
        catches=("gemini.count.no-answer",),
    ),
    fault(
        "embed.turned",
        "semantics",
        "The vectors of a batch stand in each other's places.",
        Body(On(_BATCH, "answer"), _turned),
        catches=("gemini.embed.batch.order",),
    ),
)

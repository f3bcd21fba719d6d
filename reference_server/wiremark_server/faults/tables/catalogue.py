"""The model catalogue, and the response cache."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from msgspec import structs

from wiremark_server.domain.generation import TextDelta
from wiremark_server.faults.change import (
    CHAT,
    answer,
    body,
    has,
    put,
    refuse,
    status,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import BytesStep, CutError, Document, Inside, Octets, On, Promise
from wiremark_server.faults.fault import Fault, named
from wiremark_server.keys import KeyStore
from wiremark_server.policy.cache import Kept, ResponseCache
from wiremark_server.policy.call import Services

_models, _cached = named("models"), named("cache")
_LIST, _GET = "models.list", "models.get"
_UNKNOWN = On(_GET, "refusal")


def _doubled(document: Any) -> Any:
    document["data"].append(document["data"][0])
    return document


def _bare(document: Any) -> Any:
    return document["data"]


def _names(document: Any) -> Any:
    document["data"] = [entry["id"] for entry in document["data"]]
    return document


def _under_models(document: Any) -> Any:
    return {"models": document["data"]}


def _forget_extensions(document: Document) -> None:
    for model in document["models"]:
        model.pop("extensions", None)


def _untrue_extensions(document: Document) -> None:
    for model in document["models"]:
        model["extensions"] = {**model.get("extensions", {}), "supports_tools": "maybe"}


class _Forgetful(ResponseCache):
    """Keeps nothing."""

    def put(self, key: bytes, kept: Kept) -> None:
        """Drop it."""


class _Garbling(ResponseCache):
    """Gives back another text than it was given."""

    def put(self, key: bytes, kept: Kept) -> None:
        deltas = [
            structs.replace(d, text=d.text.upper()) if isinstance(d, TextDelta) else d for d in kept.deltas
        ]
        super().put(key, dataclasses.replace(kept, deltas=deltas))


def _cache(kind: type[ResponseCache]) -> Inside:
    def change(services: Services, _: KeyStore) -> Services:
        return dataclasses.replace(services, cache=kind() if services.cache is not None else None)

    return Inside(change)


def _one_byte_less(on: On) -> Octets:
    """The connection ends before the last byte of a body."""

    def start() -> BytesStep:
        def step(data: bytes | None) -> Iterator[bytes]:
            if data is not None:
                yield data[:-1]
                raise CutError

        return step

    return Octets(on, start)


_MODELS: tuple[Fault, ...] = (
    _models(
        "list.empty-json-refused",
        "semantics",
        "The list is refused to whoever announces an empty body as JSON.",
        refuse(On(_LIST, where=lambda ask: bool(ask.header(b"content-type"))), 400, "This is no JSON."),
        catches=("models.list.empty-json",),
    ),
    _models(
        "list.under-models",
        "shape",
        "The model list stands under `models`.",
        body(_under_models, _LIST),
        catches=("models.list.object",),
        bug="models-entry-fields-missing",
    ),
    _models(
        "list.names",
        "shape",
        "The model list is a list of names.",
        body(_names, _LIST),
        catches=("models.list.id",),
        bug="models-entry-fields-missing",
    ),
    _models(
        "list.id-empty",
        "shape",
        "An entry of the model list has an empty id.",
        body(put("/data/*/id", ""), _LIST),
        catches=("models.list.id", "models.list.contains-model", "models.list.catalogue"),
    ),
    _models(
        "list.object-other",
        "shape",
        "An entry of the model list says `object: llm`.",
        body(put("/data/*/object", "llm"), _LIST),
        catches=("models.list.entry-object",),
    ),
    _models(
        "list.created-date",
        "shape",
        "An entry of the model list has a date as text.",
        body(put("/data/*/created", "2026-01-01"), _LIST),
        catches=("models.list.created",),
        bug="models-entry-fields-missing",
    ),
    _models(
        "list.doubled",
        "semantics",
        "A model stands in the list twice.",
        body(_doubled, _LIST),
        catches=("models.list.unique",),
    ),
    _models(
        "list.other-ids",
        "semantics",
        "Models are listed under other names than they are served under.",
        body(put("/data/*/id", lambda name: f"models/{name}"), _LIST),
        catches=("models.list.contains-model", "models.list.catalogue"),
    ),
    _models(
        "list.extensions-absent",
        "shape",
        "Models lack the promised extension fields.",
        Promise(_forget_extensions),
        catches=("models.list.extensions",),
    ),
    _models(
        "list.extensions-untrue",
        "shape",
        "An extension field has another value than is promised.",
        Promise(_untrue_extensions),
        catches=("models.list.extensions",),
    ),
    _models(
        "list.cut",
        "wire",
        "The model list is one byte shorter than its content-length says.",
        _one_byte_less(On(_LIST, "answer")),
        catches=("http.complete",),
        allows=("models.list.accepted", "models.list.empty-json"),
    ),
    _models(
        "list.status-203",
        "headers",
        "The model list has the status 203.",
        status(On(_LIST, "answer"), 203),
        catches=("http.status-200",),
    ),
    _models(
        "list.error-inside",
        "errors",
        "The model list holds an error.",
        body(put("/error", {"message": "partial"}), _LIST),
        catches=("chat.no-error",),
        bug="http-200-with-error",
    ),
    _models(
        "get.other",
        "semantics",
        "One model is answered with another one.",
        body(put("/id", "gpt-4o"), _GET),
        catches=("models.get.same-model",),
    ),
    _models(
        "get.object-other",
        "shape",
        "One model says `object: llm`.",
        body(put("/object", "llm"), _GET),
        catches=("models.get.object",),
    ),
    _models(
        "get.as-list",
        "shape",
        "One model is answered as a list.",
        body(lambda document: {"object": "list", "data": [document]}, _GET),
        catches=("models.get.same-model", "models.get.object"),
    ),
    _models(
        "get.unknown-200",
        "errors",
        "An unknown model is described all the same.",
        answer(
            On(_GET, where=lambda ask: ask.header(b"x-stainless-timeout") == b""),
            200,
            {"id": "x", "object": "model", "created": 0, "owned_by": "x"},
        ),
        catches=("models.get.unknown",),
    ),
    _models(
        "get.unknown-400",
        "errors",
        "An unknown model is answered with 400.",
        status(_UNKNOWN, 400),
        catches=("models.get.unknown",),
    ),
    _models(
        "get.unknown-code",
        "errors",
        "The error for an unknown model has no code.",
        body(put("/error/code", None), _GET, "refusal"),
        catches=("models.get.unknown-code",),
    ),
)

_CACHE: tuple[Fault, ...] = (
    _cached(
        "header-absent",
        "headers",
        "Answers do not say whether the cache gave them.",
        without_header(On(CHAT), b"x-cache"),
        catches=("cache.status-header",),
    ),
    _cached(
        "header-absent-tools",
        "headers",
        "Answers with tools do not say whether the cache gave them.",
        without_header(On(CHAT, where=has("tools")), b"x-cache"),
        catches=("cache.status-header",),
    ),
    _cached(
        "never-hit", "semantics", "Nothing is ever kept.", _cache(_Forgetful), catches=("cache.repeat-hit",)
    ),
    _cached(
        "other-answer",
        "semantics",
        "An answer from the cache differs from the first one.",
        _cache(_Garbling),
        catches=("cache.same-answer",),
    ),
    _cached(
        "tools-miss",
        "headers",
        "A request with tools is said to have missed the cache.",
        with_header(On(CHAT, "answer", has("tools")), b"x-cache", b"miss"),
        catches=("cache.tools-bypass",),
    ),
    _cached(
        "tools-hit",
        "headers",
        "A request with tools is said to come from the cache.",
        with_header(On(CHAT, "answer", has("tools")), b"x-cache", b"hit"),
        catches=("cache.tools-bypass",),
    ),
)


TABLE: tuple[Fault, ...] = (*_MODELS, *_CACHE)

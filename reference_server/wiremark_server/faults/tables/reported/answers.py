"""Whole answers: ids and times that mean nothing, texts that no model meant, reasons without a cause."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import body, equals, has, lacks, put
from wiremark_server.faults.fault import Fault, named

_chat = named("chat")
_models = named("models")
_completions = named("completions", "openai")
_embeddings = named("embeddings", "openai")
_messages = named("messages", "anthropic")
_responses = named("responses", "openresponses")
_CONTENT = "/choices/*/message/content"
_UNIT, _IDS = "created-wrong-unit-or-type", "response-id-not-unique"


def _milliseconds(seconds: int) -> int:
    return seconds * 1000


def _of_text(change: Any) -> Any:
    return lambda found: change(found) if isinstance(found, str) else found


def _first_for_all(document: Any) -> Any:
    for choice in document["choices"]:
        entries = (choice.get("logprobs") or {}).get("content") or []
        for entry in entries:
            entry["top_logprobs"] = entries[0]["top_logprobs"]
    return document


TABLE: tuple[Fault, ...] = (
    _chat(
        "finish-without-calls",
        "shape",
        "Every answer ends with `tool_calls`.",
        body(put("/choices/*/finish_reason", "tool_calls"), where=lacks("tools", "functions")),
        catches=("chat.finish-with-calls",),
        allows=("chat.*", "formats.*", "answer.*"),
        bug="finish-reason-stop-with-tool-calls",
    ),
    _chat(
        "character-lost-whole",
        "semantics",
        "A character made of several tokens is U+FFFD in a whole answer.",
        body(put(_CONTENT, _of_text(lambda text: text.replace("é", "\ufffd"))), where=lacks("tools")),
        catches=("chat.whole-characters",),
        allows=("chat.*", "formats.*"),
        bug="stream-utf8-split",
    ),
    _chat(
        "end-token-shown",
        "semantics",
        "The token that ends a turn stands in the text.",
        body(put(_CONTENT, _of_text(lambda text: text + "<|im_end|>")), where=lacks("tools")),
        catches=("chat.no-control-tokens",),
        allows=("chat.*", "formats.*"),
    ),
    _chat(
        "logprobs.top-of-first",
        "semantics",
        "Every token has the alternatives of the first one.",
        body(_first_for_all, where=has("logprobs")),
        catches=("chat.logprobs.top-own",),
        bug="logprobs-shape",
    ),
    _models(
        "list.empty",
        "semantics",
        "No model is listed.",
        body(put("/data", []), "models.list"),
        catches=("models.list.contains-model", "models.list.catalogue"),
        allows=("*",),
    ),
    _models(
        "list.created-milliseconds",
        "shape",
        "The times of the model list are in milliseconds.",
        body(put("/data/*/created", _milliseconds), "models.list"),
        catches=("models.list.created",),
        bug=_UNIT,
    ),
    _embeddings(
        "base64-empty",
        "semantics",
        "`encoding_format: base64` is answered without any vector.",
        body(put("/data", []), "embeddings.create", where=equals("encoding_format", "base64")),
        catches=("embeddings.data",),
        bug="embeddings-base64-ignored",
    ),
    _completions(
        "created-milliseconds",
        "shape",
        "`created` of a completion is in milliseconds.",
        body(put("/created", _milliseconds), "completions.create"),
        catches=("completions.created-seconds",),
        bug=_UNIT,
    ),
    _completions(
        "id-constant",
        "shape",
        "All completions have one id.",
        body(put("/id", "cmpl-1"), "completions.create"),
        catches=("completions.id-unique",),
        bug=_IDS,
    ),
    _messages(
        "id-constant",
        "shape",
        "All messages have one id.",
        body(put("/id", "msg_1"), "messages.create"),
        catches=("messages.id-unique",),
        bug=_IDS,
    ),
    _responses(
        "created-milliseconds",
        "shape",
        "`created_at` of a response is in milliseconds.",
        body(put("/created_at", _milliseconds), "responses.create"),
        catches=("responses.created-seconds",),
        allows=("responses.stored.*",),
        bug=_UNIT,
    ),
)

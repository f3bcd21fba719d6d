"""What only some contracts promise: reasoning, disabled keys, live availability, a description, privacy."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    ask_without,
    body,
    has,
    kind,
    messages,
    put,
    rearranged,
    refuse,
    status,
    take,
    values,
    with_document,
)
from wiremark_server.faults.edit import Ask, Document, On, Promise, Question
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame

_think = named("chat.reasoning", "aimlapi")
_aimlapi = named("", "aimlapi")
_c0mpute = named("", "c0mpute")
_openrouter = named("", "openrouter")
_SWITCHES = ("chat_template_kwargs", "enable_thinking", "include_reasoning", "thinking")
_FIELD = "reasoning_content"
_EFFORT = has("reasoning_effort")
_DISABLED = On(form="refusal", status=403)
_OPENAPI = "openapi.get"


def _into_text(document: Any) -> Any:
    """The thinking stands in the answer, between tags."""
    for choice in document["choices"]:
        part = choice.get("message") or choice.get("delta") or {}
        thought = part.get(_FIELD)
        if thought:
            part["content"] = f"<think>{thought}</think>{part.get('content') or ''}"
    return document


def _thought(frame: Frame) -> bool:
    choices = frame.value.get("choices") if isinstance(frame.value, dict) else None
    return bool(choices and choices[0].get("delta", {}).get(_FIELD))


def _thinking_last(held: list[Frame]) -> list[Frame]:
    """The first thought comes after the first word."""
    thoughts = [frame for frame in held if _thought(frame)]
    words = [frame for frame in held if kind(frame) == "content" and not _thought(frame)]
    if not thoughts or not words:
        return held
    rest = [frame for frame in held if frame is not thoughts[-1]]
    at = rest.index(words[0]) + 1
    return [*rest[:at], thoughts[-1], *rest[at:]]


def _anything(frame: Frame, _: int) -> bool:
    return frame.value is not None


def _forget_availability(document: Document) -> None:
    for model in document["models"]:
        model["available"] = True


def _without_images(ask: Ask) -> Ask:
    """The parts of a message that are text."""
    kept = [
        {**message, "content": [part for part in message["content"] if part.get("type") == "text"]}
        if isinstance(message.get("content"), list)
        else message
        for message in messages(ask)
    ]
    return with_document(ask, {**ask.document, "messages": kept})


def _dearer(document: Any) -> Any:
    for row in document["data"]:
        if row["model"] == "c0mpute-pro" and row["amount_microusd"]:
            row["amount_microusd"] = 150_000
    return document


def _nameless(ask: Ask) -> bool:
    """The model's id stands where the name `model` belongs, and so the body is no JSON."""
    return not ask.document and ask.body.startswith(b'{"nousresearch/')


def _told(document: Any) -> Any:
    for row in document["data"]:
        row["prompt"] = "You are a helpful assistant."
        row["answer"] = "Hello!"
    return document


def _without_chat(document: Any) -> Any:
    document["paths"] = {p: item for p, item in document["paths"].items() if "chat" not in p}
    return document


def _schema_of_chat(document: Any) -> Any:
    """Everything in the description of a chat request is required."""
    for schema in document.get("components", {}).get("schemas", {}).values():
        properties = schema.get("properties", {})
        if "messages" in properties and "model" in properties:
            schema["required"] = ["model", "messages", "temperature"]
    for item in document["paths"].values():
        content = item.get("post", {}).get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if "messages" in schema.get("properties", {}):
            schema["required"] = ["model", "messages", "temperature"]
    return document


TABLE: tuple[Fault, ...] = (
    _think(
        "refused",
        "semantics",
        "`reasoning_effort` is refused.",
        refuse(On(CHAT, where=_EFFORT)),
        catches=("chat.reasoning.accepted",),
        allows=("chat.*", "answer.*", "billing.*"),
    ),
    _think(
        "field-absent",
        "shape",
        "The reasoning is left out of answers and streams.",
        body(take(f"/choices/*/message/{_FIELD}")),
        values(_anything, take(f"/choices/*/delta/{_FIELD}")),
        catches=("chat.reasoning.field", "chat.reasoning.stream-field"),
        allows=("answer.message-fields", "chat.*"),
    ),
    _think(
        "field-other",
        "shape",
        "The reasoning stands in a field of another name.",
        body(
            lambda d: put("/choices/*/message/thinking", "Let me see.")(
                take(f"/choices/*/message/{_FIELD}")(d)
            )
        ),
        catches=("chat.reasoning.field",),
        allows=("answer.message-fields", "chat.*"),
    ),
    _think(
        "in-text",
        "shape",
        "The reasoning stands in the text between tags.",
        body(_into_text),
        values(_anything, _into_text),
        catches=("chat.reasoning.apart", "chat.reasoning.stream-apart"),
        allows=("chat.*",),
    ),
    _think(
        "late",
        "stream",
        "A stream goes on to reason when the answer has begun.",
        rearranged(_thinking_last),
        catches=("chat.reasoning.stream-first",),
        allows=("chat.*",),
    ),
    _think(
        "uncounted",
        "semantics",
        "The tokens of the reasoning are not told.",
        body(put("/usage/completion_tokens_details/reasoning_tokens", 0, absent_too=False)),
        catches=("chat.reasoning.tokens",),
        allows=("chat.*",),
    ),
    _think(
        "effort-ignored",
        "semantics",
        "`reasoning_effort` is not looked at.",
        ask_without("reasoning_effort"),
        catches=("chat.reasoning.*",),
        allows=("chat.*",),
    ),
    _think(
        "switch-refused",
        "semantics",
        "The switches of reasoning that other servers know are refused.",
        refuse(On(CHAT, where=lambda ask: any(name in ask.document for name in _SWITCHES))),
        catches=("chat.reasoning.switches",),
        allows=("chat.*",),
    ),
    _think(
        "history-refused",
        "semantics",
        "An answer with its reasoning is refused as history.",
        refuse(On(CHAT, where=lambda ask: any(_FIELD in m for m in messages(ask) if isinstance(m, dict)))),
        catches=("chat.reasoning.echo-back",),
        allows=("chat.*",),
    ),
    _openrouter(
        "models.get.slash-404",
        "semantics",
        "A model whose id has a slash is not found.",
        refuse(On("models.get", where=lambda ask: "%2f" in ask.path.lower()), 404, "Not found.", "not_found"),
        catches=("models.get.slash",),
        allows=("models.*",),
    ),
    _openrouter(
        "chat.reasoning.details-untyped",
        "shape",
        "The entries of `reasoning_details` do not say what they are.",
        body(take("/choices/*/message/reasoning_details/*/type")),
        values(_anything, take("/choices/*/delta/reasoning_details/*/type")),
        catches=("chat.reasoning.details", "chat.reasoning.stream-details"),
    ),
    _openrouter(
        "chat.reasoning.details-unnumbered",
        "shape",
        "The entries of `reasoning_details` have no index.",
        body(take("/choices/*/message/reasoning_details/*/index")),
        values(_anything, take("/choices/*/delta/reasoning_details/*/index")),
        catches=("chat.reasoning.details", "chat.reasoning.stream-details"),
        allows=("chat.*",),
    ),
    _openrouter(
        "chat.reasoning.details-absent",
        "shape",
        "There are no `reasoning_details`.",
        body(take("/choices/*/message/reasoning_details")),
        values(_anything, take("/choices/*/delta/reasoning_details")),
        catches=("chat.reasoning.details", "chat.reasoning.stream-details"),
    ),
    _aimlapi(
        "answer.id-other",
        "shape",
        "Ids do not have the promised form.",
        body(put("/id", lambda name: f"cmpl_{name}")),
        catches=("answer.id",),
    ),
    _aimlapi(
        "answer.fields-absent",
        "shape",
        "What is promised as null is left out.",
        body(take("/choices/*/message/refusal")),
        body(take("/choices/*/logprobs")),
        catches=("answer.message-fields", "answer.choice-fields"),
        allows=("chat.*",),
    ),
    _aimlapi(
        "auth.disabled-key-404",
        "policy",
        "A disabled key is refused with 404.",
        status(_DISABLED, 404),
        catches=("auth.disabled-key", "contract.errors.disabled-key"),
        allows=("contract.*",),
    ),
    _aimlapi(
        "auth.disabled-key-unclear",
        "errors",
        "The refusal of a disabled key does not say what is wrong.",
        body(put("/error/message", "Forbidden."), None, "refusal"),
        catches=("auth.disabled-key-clear",),
        allows=("errors.*",),
    ),
    _aimlapi(
        "openapi.absent",
        "semantics",
        "There is no description.",
        refuse(On(_OPENAPI), 404, "Not found.", "not_found"),
        catches=("openapi.published",),
    ),
    _aimlapi(
        "openapi.swagger",
        "shape",
        "The description is of another format.",
        body(lambda d: {"swagger": "2.0", **{k: v for k, v in d.items() if k != "openapi"}}, _OPENAPI),
        catches=("openapi.form",),
    ),
    _aimlapi(
        "openapi.without-chat",
        "shape",
        "The description leaves out the chat route.",
        body(_without_chat, _OPENAPI),
        catches=("openapi.chat",),
    ),
    _aimlapi(
        "openapi.all-required",
        "shape",
        "The description requires an optional parameter.",
        body(_schema_of_chat, _OPENAPI),
        catches=("openapi.chat-required",),
    ),
    _c0mpute(
        "models.live-absent",
        "shape",
        "Models do not tell whether they are available, nor their price.",
        body(take("/data/*/available"), "models.list"),
        body(take("/data/*/credits_per_request"), "models.list"),
        catches=("models.list.live",),
        allows=("models.*",),
    ),
    _c0mpute(
        "chat.reasoning.only-asked",
        "semantics",
        "A model that always reasons does so only when it is asked to.",
        body(take("/choices/*/message/reasoning_content"), where=lambda ask: not _EFFORT(ask)),
        body(take("/choices/*/message/reasoning"), where=lambda ask: not _EFFORT(ask)),
        catches=("chat.reasoning.unasked",),
        allows=("chat.*",),
    ),
    _c0mpute(
        "ledger.other-model-dearer",
        "ledger",
        "A request to the small model is charged like one to the large.",
        body(_dearer, "usage.list"),
        catches=("billing.other-model.charge",),
        allows=("billing.*",),
    ),
    _aimlapi(
        "chat.budget-required",
        "semantics",
        "A request without `max_tokens` is refused.",
        refuse(On(CHAT, where=lambda ask: bool(ask.document) and "max_tokens" not in ask.document)),
        catches=("chat.minimal",),
        allows=("chat.*", "errors.*", "contract.*", "bodies.*", "auth.*"),
    ),
    _aimlapi(
        "errors.no-key-name-500",
        "errors",
        "A body without the name `model` is a server error.",
        refuse(On(CHAT, where=_nameless), 500, "Internal error."),
        catches=("errors.no-key-name", "contract.errors.no-key-name"),
        allows=("errors.*",),
    ),
    _c0mpute(
        "models.available-untrue",
        "semantics",
        "Models whose workers are away are listed as available.",
        refuse(On(CHAT), 503, "No worker is there.", "no_worker_available"),
        catches=("models.available.served",),
        allows=("chat.*", "errors.*", "contract.*", "auth.*", "bodies.*", "limits.*"),
    ),
    _c0mpute(
        "models.available-all",
        "semantics",
        "Models whose workers are away answer all the same.",
        Promise(_forget_availability),
        body(lambda d: put("/data/3/available", False)(d), "models.list"),
        catches=("models.available.refused",),
        allows=("models.*", "contract.*"),
    ),
    _c0mpute(
        "chat.vision.remote-dropped",
        "semantics",
        "Images at remote URLs are accepted and dropped.",
        Question(On(CHAT, where=lambda ask: b'"http' in ask.body), _without_images),
        catches=("chat.vision.remote-refused",),
        allows=("chat.*",),
    ),
    _c0mpute(
        "privacy.rows-tell",
        "ledger",
        "Usage rows hold what was said.",
        body(_told, "usage.list"),
        catches=("privacy.usage-rows",),
        allows=("billing.*",),
    ),
    _c0mpute(
        "ledger.reasoning-dearer",
        "ledger",
        "Answers with reasoning are charged by the length of the reasoning.",
        body(put("/data/*/amount_microusd", lambda amount: amount + 7), "usage.list"),
        catches=("billing.reasoning.charge",),
        allows=("billing.*",),
    ),
)

"""One function per operation of the contract: from an agreed call to its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from wiremark_server.edge.message import Response, Stream
from wiremark_server.operations import (
    account,
    embeddings,
    gemini,
    generate,
    media,
    messages,
    models,
    providers,
    published,
    responses,
)
from wiremark_server.policy.call import Call

Operation = Callable[[Call], Awaitable[Response | Stream]]

OPERATIONS: Mapping[str, Operation] = {
    "models.list": models.listing("chat"),
    "models.list.responses": models.listing("responses"),
    "models.list.messages": models.listing("messages"),
    "models.get": models.get_model,
    "chat.create": generate.operation("chat"),
    "completions.create": generate.operation("completions"),
    "embeddings.create": embeddings.create,
    "gemini.generate": generate.operation("gemini.generate"),
    "gemini.stream": generate.operation("gemini.stream"),
    "gemini.count_tokens": gemini.count_tokens,
    "gemini.embed": gemini.embed,
    "gemini.batch_embed": gemini.batch_embed,
    "messages.create": generate.operation("messages"),
    "messages.count_tokens": messages.count_tokens,
    "responses.create": responses.create,
    "responses.input_tokens": responses.count_input,
    "responses.get": responses.retrieve,
    "responses.delete": responses.delete,
    "responses.cancel": responses.cancel,
    "responses.input_items": responses.input_items,
    "usage.list": account.list_usage,
    "usage.export": account.export_usage,
    "balance.get": account.get_balance,
    "images.create": media.create_image,
    "tasks.get": media.get_task,
    "files.get": media.get_file,
    "providers.list": providers.list_providers,
    "providers.page": providers.show_page,
    "providers.latency": providers.latency_history,
    "prices.list": providers.list_prices,
    "openapi.get": published.get_openapi,
}

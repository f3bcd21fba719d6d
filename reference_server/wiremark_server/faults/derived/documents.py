"""The fields of whole documents: answers, refusals, lists."""

from __future__ import annotations

from collections.abc import Iterator

from wiremark_server.faults.change import CHAT, body
from wiremark_server.faults.derived.mutation import Family, mutations, rule, shape_fault
from wiremark_server.faults.fault import Fault

_ANSWER = Family(
    "answer",
    "openai/chat.response.strict",
    CHAT,
    "answer",
    (
        rule("/id", "chat.id"),
        rule("/object", "chat.object"),
        rule("/created", "chat.created-seconds", change="negative"),
        rule("/created", "chat.created"),
        rule("/model", "chat.model"),
        rule("/choices", "chat.choices"),
        rule("/choices/*/message/tool_calls/*/function", "chat.tools.forced.called"),
        rule("/choices/*/index", "chat.choice.index"),
        rule("/choices/*/message", "chat.message.object"),
        rule("/choices/*/message/role", "chat.message.role"),
        rule("/choices/*/message/content", "chat.message.content", change="type"),
        rule("/choices/*/message/content", "chat.schema"),
        rule("/choices/*/message/tool_calls", "chat.tools.forced.called"),
        rule("/choices/*/message/tool_calls/*/id", "chat.tools.call.id"),
        rule("/choices/*/message/tool_calls/*/type", "chat.tools.call.type"),
        rule("/choices/*/message/tool_calls/*/function/name", "chat.tools.forced.called"),
        rule("/choices/*/message/tool_calls/*/function/arguments", "chat.tools.call.arguments-string"),
        rule("/choices/*/finish_reason", "chat.finish-reason"),
        rule("/choices/*/logprobs", "chat.types", change="type"),
        rule("/choices/*/logprobs", "chat.schema"),
        rule("/choices/*/logprobs/content/*/bytes", "chat.logprobs.bytes"),
        rule("/choices/*/logprobs/content/*/top_logprobs*", "chat.logprobs.top"),
        rule("/choices/*/logprobs/content", "chat.logprobs.present"),
        rule("/choices/*/logprobs/content/*/token", "chat.logprobs.entries"),
        rule("/choices/*/logprobs/content/*/logprob", "chat.logprobs.entries"),
        rule("/usage", "chat.usage.present"),
        rule("/usage/*_details/*", "chat.schema", change="null"),
        rule("/usage/*_details/*", "chat.types"),
        rule("/usage/*_tokens", "chat.usage.integers"),
        rule("*", "chat.schema", change="missing"),
        rule("*", "chat.schema", change="null"),
        rule("/service_tier", "chat.schema"),
        rule("*", "chat.types"),
    ),
    allows=("chat.*", "billing.*"),
    absent=(
        "*/custom*",
        "*/function_call*",
        "*/audio*",
        "*/annotations/*",
        "*/logprobs/refusal/*",
        "*/logprobs/refusal:missing",  # no client reads it, and few servers have it
        "*/reasoning_content",
        "/moderation*",
        "/metadata*",
        "*/cache_write_tokens",
        "*/image_tokens",
        "*/text_tokens",
    ),
)

_ENVELOPE = Family(
    "error",
    "openai/error",
    None,
    "refusal",
    (
        rule("/error", "errors.envelope.object"),
        rule("/error/message", "errors.envelope.message"),
        rule("/error/type", "errors.envelope.type"),
        rule("/error/param", "errors.envelope.keys", change="missing"),
        rule("/error/code", "errors.envelope.keys", change="missing"),
        rule("/error/code", "errors.envelope.code"),
    ),
    allows=("errors.*", "contract.errors.*", "auth.wrong-key-code", "models.get.unknown-code", "limits.*"),
    absent=("*/misalignment*", "/error/param:type"),
)

_MODELS = Family(
    "models",
    "openai/models.list",
    "models.list",
    "answer",
    (
        rule("/object", "models.list.object"),
        rule("/data", "models.list.object"),
        rule("/data/*/id", "models.list.id"),
        rule("/data/*/object", "models.list.entry-object"),
        rule("/data/*/created", "models.list.created"),
        rule("/data/*/owned_by", "models.list.owned-by"),
    ),
    allows=("models.list.*",),
    absent=("*/shutdown_date",),
)

_MODEL = Family(
    "model",
    "openai/model",
    "models.get",
    "answer",
    (rule("/id", "models.get.same-model"), rule("/object", "models.get.object")),
    allows=("models.get.*",),
    absent=("*/shutdown_date", "/created", "/owned_by"),
)

_USAGE_ROWS = Family(
    "usage-rows",
    "meta/usage-list",
    "usage.list",
    "answer",
    (
        rule("/data/*/request_id", "billing.usage.schema", "billing.plain.recorded"),
        rule("/data/*/state", "billing.usage.schema", "billing.plain.recorded"),
        rule("/data/*/prompt_tokens", "billing.usage.schema", "billing.plain.tokens"),
        rule("/data/*/completion_tokens", "billing.usage.schema", "billing.plain.tokens"),
        rule("/data/*/amount_microusd", "billing.usage.schema", "billing.plain.charge"),
        rule("*", "billing.usage.schema"),
    ),
    allows=("billing.*",),
)

_BALANCE = Family(
    "balance",
    "meta/balance",
    "balance.get",
    "answer",
    (rule("*", "billing.balance.schema"),),
    allows=(),
)

_FAMILIES = (_ANSWER, _ENVELOPE, _MODELS, _MODEL, _USAGE_ROWS, _BALANCE)


def faults() -> Iterator[Fault]:
    for family in _FAMILIES:
        for mutation in mutations(family):
            edit = body(mutation.change, family.operation, family.form, family.where)
            yield shape_fault(family, mutation, edit)

"""Features that are refused although promised, parameters that are not looked at."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    ask_with,
    ask_without,
    body,
    both,
    equals,
    has,
    kind,
    lacks,
    messages,
    of,
    put,
    refuse,
    role,
    values,
    with_document,
)
from wiremark_server.faults.edit import Ask, On, Question, Where
from wiremark_server.faults.fault import Fault

_STREAMS = has("stream")
_WHOLE = lacks("stream")


def _format(kind_: str) -> Where:
    return lambda ask: (ask.document.get("response_format") or {}).get("type") == kind_


def _content(kind_: str) -> Where:
    """Requests whose last message has a content part of this type."""
    return lambda ask: any(
        part.get("type") == kind_
        for message in messages(ask)
        if isinstance(message.get("content"), list)
        for part in message["content"]
    )


def _named(ask: Ask) -> bool:
    return isinstance(ask.document.get("tool_choice"), dict)


def _nulls(ask: Ask) -> bool:
    return any(value is None for value in ask.document.values())


def _answers_back(ask: Ask) -> bool:
    """The server's own message is sent back, with a key that it put there."""
    return any("annotations" in message for message in messages(ask)) and not role("tool")(ask)


# Name, what is refused, requests, requirements that catch it, public bug class.
_REFUSED: tuple[tuple[str, str, Where, tuple[str, ...], str | None], ...] = (
    ("system", "system messages", role("system"), ("chat.accepted",), None),
    (
        "stream",
        "streams",
        both(_STREAMS, lacks("stream_options", "tools", "n", "max_completion_tokens")),
        ("chat.stream.accepted",),
        None,
    ),
    (
        "stream-options",
        "`stream_options`",
        has("stream_options"),
        ("chat.stream.usage.accepted",),
        "stream-usage-ignored",
    ),
    (
        "max-tokens",
        "a `max_tokens` below 16",
        lambda ask: ask.document.get("max_tokens") in range(2, 16),
        ("chat.max-tokens.accepted",),
        None,
    ),
    (
        "max-completion-tokens",
        "`max_completion_tokens`",
        has("max_completion_tokens"),
        ("chat.max-completion-tokens.accepted",),
        "max-completion-tokens-rejected",
    ),
    ("stop", "`stop`", has("stop"), ("chat.stop.accepted",), None),
    ("n", "`n` above 1", both(has("n"), _WHOLE), ("chat.n.accepted",), "n-ignored"),
    ("n-stream", "`n` above 1 in streams", both(has("n"), _STREAMS), ("chat.n.stream.accepted",), None),
    ("logprobs", "`logprobs`", has("logprobs"), ("chat.logprobs.accepted",), "logprobs-ignored"),
    ("json-object", "`response_format: json_object`", _format("json_object"), ("chat.json.accepted",), None),
    (
        "json-schema",
        "`response_format: json_schema`",
        _format("json_schema"),
        ("chat.json-schema.accepted",),
        None,
    ),
    ("images", "images", _content("image_url"), ("chat.vision.accepted",), "vision-url-unsupported"),
    (
        "tool-choice-named",
        "a named `tool_choice`",
        _named,
        ("chat.tools.forced.accepted",),
        "tool-choice-value-rejected",
    ),
    (
        "tool-choice-none",
        "`tool_choice: none`",
        equals("tool_choice", "none"),
        ("chat.tools.none.accepted",),
        "tool-choice-value-rejected",
    ),
    (
        "tool-choice-required",
        "`tool_choice: required`",
        both(equals("tool_choice", "required"), lacks("parallel_tool_calls")),
        ("chat.tools.stream.accepted",),
        "tool-choice-value-rejected",
    ),
    ("tool-results", "messages of the role `tool`", role("tool"), ("chat.tools.round-trip.accepted",), None),
    (
        "parallel-tool-calls",
        "`parallel_tool_calls`",
        has("parallel_tool_calls"),
        ("chat.tools.parallel.accepted",),
        None,
    ),
    ("own-message", "fields of its own answers in the history", _answers_back, ("chat.echo-back",), None),
    (
        "content-parts",
        "content that is an array of parts",
        _content("text"),
        ("chat.content-parts",),
        "content-parts-rejected",
    ),
    (
        "developer",
        "the role `developer`",
        role("developer"),
        ("chat.developer-role",),
        "developer-role-rejected",
    ),
    ("null-parameters", "parameters that are null", _nulls, ("chat.null-parameters",), "null-param-rejected"),
)
_OPERATIONS = (
    ("models.list", "models.list.accepted"),
    ("models.get", "models.get.accepted"),
    ("usage.list", "billing.usage.accepted"),
    ("balance.get", "billing.balance.accepted"),
)
# Where more breaks than the one thing that is refused.
_ALSO: dict[str, tuple[str, ...]] = {
    "system": (
        "chat.stream.accepted",
        "chat.stream.usage.accepted",
        "chat.n.accepted",
        "chat.n.stream.accepted",
        "chat.logprobs.accepted",
        "chat.null-parameters",
        "chat.minimal",
        # what is asked with a system message is refused for that first
        "auth.restricted-model",
        "contract.errors.*",
        "errors.unknown-model.*",
        "limits.*.refused",
    ),
    "content-parts": ("chat.vision.accepted", "contract.errors.vision-not-supported"),
    "stream-options": ("chat.tools.stream.accepted", "chat.max-completion-tokens.accepted"),
    "images": ("contract.errors.vision-not-supported",),
}


def _refused(where: Where) -> Question:
    """Made into a request that the gateway itself refuses, after it has looked at the key."""
    return Question(On(CHAT, where=where), lambda ask: with_document(ask, {**ask.document, "messages": 17}))


def _refusals() -> tuple[Fault, ...]:
    chat = [
        Fault(
            f"chat.refused.{name}",
            "semantics",
            f"The server refuses {what} with a 400.",
            (_refused(where),),
            catches,
            _ALSO.get(name, ()),
            bug,
        )
        for name, what, where, catches, bug in _REFUSED
    ]
    operations = [
        Fault(
            f"{operation}.refused",
            "semantics",
            f"The operation {operation} is answered with 404, as if it were not served.",
            (refuse(On(operation), 404, "Not found.", "not_found"),),
            (requirement,),
            _ALSO.get(operation, ()),
        )
        for operation, requirement in _OPERATIONS
    ]
    return (*chat, *operations)


def _finish(value: Any) -> Any:
    return put("/choices/*/finish_reason", value)


_BUDGET = equals("max_tokens", 8)


def _choice(change: Any) -> Any:
    """Change each entry of `choices` of a chunk."""

    def apply(document: Any) -> Any:
        for choice in document["choices"]:
            change(choice)
        return document

    return apply


def _swap_indexes(document: Any) -> Any:
    for choice in document["choices"]:
        choice["index"] = 1 - choice["index"]
    return document


TABLE: tuple[Fault, ...] = (
    *_refusals(),
    Fault(
        "chat.max-tokens.ignored",
        "semantics",
        "`max_tokens` is not looked at.",
        (ask_without("max_tokens", where=_BUDGET),),
        ("chat.max-tokens.honoured",),
        bug="max-tokens-ignored",
    ),
    Fault(
        "chat.max-tokens.finish-stop",
        "semantics",
        "An answer that the budget cut off ends with `stop`.",
        (body(_finish("stop"), where=_BUDGET),),
        ("chat.max-tokens.finish-reason",),
    ),
    Fault(
        "chat.max-completion-tokens.ignored",
        "semantics",
        "`max_completion_tokens` is not looked at.",
        (ask_without("max_completion_tokens"),),
        ("chat.max-completion-tokens.honoured",),
        bug="max-tokens-ignored",
    ),
    Fault(
        "chat.max-completion-tokens.finish-stop",
        "semantics",
        "A stream that the budget cut off ends with `stop`.",
        (values(of("finish"), _finish("stop"), where=has("max_completion_tokens")),),
        ("chat.max-completion-tokens.finish-reason",),
    ),
    Fault(
        "chat.stop.ignored",
        "semantics",
        "`stop` is not looked at.",
        (ask_without("stop"),),
        ("chat.stop.absent",),
    ),
    Fault(
        "chat.stop.included",
        "semantics",
        "The stop sequence is left at the end of the text.",
        (body(put("/choices/*/message/content", lambda text: f"{text}7"), where=has("stop")),),
        ("chat.stop.absent",),
    ),
    Fault(
        "chat.stop.finish-invented",
        "semantics",
        "An answer that a stop sequence ended says `stop_sequence`.",
        (body(_finish("stop_sequence"), where=has("stop")),),
        ("chat.stop.finish-reason",),
    ),
    Fault(
        "chat.n.ignored",
        "semantics",
        "`n` is not looked at in whole answers.",
        (ask_without("n", where=_WHOLE),),
        ("chat.n.count",),
        bug="n-ignored",
    ),
    Fault(
        "chat.n.indexes-same",
        "shape",
        "Every choice of an answer has the index 0.",
        (body(put("/choices/*/index", 0)),),
        ("chat.n.indexes",),
    ),
    Fault(
        "chat.n.stream-ignored",
        "semantics",
        "`n` is not looked at in streams.",
        (ask_without("n", where=_STREAMS),),
        ("chat.n.stream.count",),
        bug="n-ignored",
    ),
    Fault(
        "chat.n.stream-descending",
        "stream",
        "The choices of a stream begin with the last one.",
        (
            values(
                lambda frame, _: bool(frame.value and frame.value["choices"]), _swap_indexes, where=has("n")
            ),
        ),
        ("chat.n.stream.order",),
    ),
    Fault(
        "chat.n.stream-finish-shared",
        "stream",
        "Only one choice of a stream ends with a finish reason.",
        (
            values(
                lambda frame, number: kind(frame) == "finish" and number > 0, _finish(None), where=has("n")
            ),
        ),
        ("chat.n.stream.finish",),
    ),
    Fault(
        "chat.n.stream-role-shared",
        "stream",
        "Only the first choice of a stream has a role.",
        (
            values(
                lambda frame, number: kind(frame) == "role" and number > 0,
                _choice(lambda choice: choice["delta"].pop("role")),
                where=has("n"),
            ),
        ),
        ("chat.n.stream.role",),
    ),
    Fault(
        "chat.logprobs.ignored",
        "semantics",
        "`logprobs` is not looked at.",
        (ask_without("logprobs", "top_logprobs"),),
        ("chat.logprobs.present",),
        bug="logprobs-ignored",
    ),
    Fault(
        "chat.logprobs.positive",
        "semantics",
        "Probabilities are given where log probabilities are meant.",
        (body(put("/choices/*/logprobs/content/*/logprob", 0.75), where=has("logprobs")),),
        ("chat.logprobs.entries",),
        bug="logprobs-shape",
    ),
    Fault(
        "chat.logprobs.token-number",
        "shape",
        "The tokens of log probabilities are numbers of the vocabulary.",
        (body(put("/choices/*/logprobs/content/*/token", 1024), where=has("logprobs")),),
        ("chat.logprobs.entries",),
        ("chat.logprobs.text",),
        bug="logprobs-shape",
    ),
    Fault(
        "chat.logprobs.bytes-text",
        "shape",
        "The bytes of a token are text.",
        (body(put("/choices/*/logprobs/content/*/bytes", "0x41"), where=has("logprobs")),),
        ("chat.logprobs.bytes",),
        bug="logprobs-shape",
    ),
    Fault(
        "chat.logprobs.top-many",
        "semantics",
        "More alternatives are given than were asked for.",
        (ask_with(has("top_logprobs"), top_logprobs=5),),
        ("chat.logprobs.top",),
    ),
    Fault(
        "chat.logprobs.top-null",
        "shape",
        "`top_logprobs` is null.",
        (body(put("/choices/*/logprobs/content/*/top_logprobs", None), where=has("logprobs")),),
        ("chat.logprobs.top",),
        bug="logprobs-shape",
    ),
    Fault(
        "chat.logprobs.other-text",
        "semantics",
        "The tokens of log probabilities are not those of the text.",
        (body(put("/choices/*/logprobs/content/*/token", "x"), where=has("logprobs")),),
        ("chat.logprobs.text",),
    ),
    Fault(
        "chat.logprobs.unasked",
        "semantics",
        "Log probabilities are given to all who did not ask.",
        (ask_with(both(lacks("logprobs"), _WHOLE), logprobs=True),),
        ("chat.logprobs-unasked",),
    ),
    Fault(
        "chat.json.prose",
        "semantics",
        "`response_format: json_object` is not looked at.",
        (ask_without("response_format", where=_format("json_object")),),
        ("chat.json.object",),
    ),
    Fault(
        "chat.json.array",
        "semantics",
        "With `json_object` the content is an array.",
        (body(put("/choices/*/message/content", lambda text: f"[{text}]"), where=_format("json_object")),),
        ("chat.json.object",),
    ),
    Fault(
        "chat.json-schema.fenced",
        "semantics",
        "The JSON document stands in a code fence.",
        (
            body(
                put("/choices/*/message/content", lambda text: f"```json\n{text}\n```"),
                where=_format("json_schema"),
            ),
        ),
        ("chat.json-schema.document",),
        bug="structured-output-fenced",
    ),
    Fault(
        "chat.json-schema.as-object",
        "semantics",
        "A schema is taken for a wish for any JSON object.",
        (ask_with(_format("json_schema"), response_format={"type": "json_object"}),),
        ("chat.json-schema.valid",),
    ),
    Fault(
        "chat.vision.dropped",
        "semantics",
        "Images for a model without vision are dropped without a word.",
        (
            ask_with(
                both(_content("image_url"), lambda ask: ask.document.get("max_tokens") == 16),
                messages=[{"role": "user", "content": "Which colour is this?"}],
            ),
        ),
        ("chat.vision.text-only-refused", "contract.errors.vision-not-supported"),
    ),
)

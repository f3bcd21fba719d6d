"""Status, type and code of each situation that the contract describes."""

from __future__ import annotations

from wiremark_schemas.contracts import Dialect

from wiremark_conformance.checking import Function, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, Outcome
from wiremark_conformance.values import shown

# Requirement (after `contract.errors.`), probe, situation of the contract, whether the code is fixed.
_TABLE = (
    ("malformed-json", "errors.malformed-json", "malformed_json", True),
    ("no-key-name", "errors.no-key-name", "malformed_json", True),
    # Which parameter is missing may be told by a finer code.
    ("invalid-request", "errors.no-messages", "invalid_request", False),
    ("unknown-model", "errors.unknown-model", "unknown_model", True),
    ("unknown-route", "errors.unknown-route", "unknown_route", True),
    ("method", "errors.method", "method_not_allowed", True),
    ("media-type", "errors.media-type", "unsupported_media_type", True),
    ("missing-key", "auth.no-key", "missing_key", True),
    ("wrong-key", "auth.wrong-key", "invalid_key", True),
    ("revoked-key", "keys.revoked", "invalid_key", True),
    ("disabled-key", "keys.disabled", "key_disabled", True),
    ("no-worker", "models.unavailable", "no_worker", True),
    ("context-length", "context.prompt", "context_length_exceeded", True),
    ("body-too-large", "limits.body", "body_too_large", True),
    ("rate-limited", "keys.throttled", "rate_limited", True),
    ("rate-limited-day", "keys.daily", "rate_limited", True),
    ("insufficient-credits", "keys.exhausted", "insufficient_credits", True),
    ("monthly-cap", "keys.capped", "monthly_cap_reached", True),
    ("model-not-allowed", "keys.restricted", "model_not_allowed", True),
    ("tools-not-supported", "chat.tools.text-only", "tools_not_supported", True),
    ("vision-not-supported", "chat.vision.text-only", "vision_not_supported", True),
)


# The same of messages, after `contract.messages.`; their envelope has no code.
_MESSAGES = (
    ("malformed-json", "messages.errors.malformed-json", "malformed_json"),
    ("invalid-request", "messages.errors.no-max-tokens", "invalid_request"),
    ("unknown-model", "messages.errors.unknown-model", "unknown_model"),
    ("unknown-route", "messages.errors.unknown-route", "unknown_route"),
    ("method", "messages.errors.method", "method_not_allowed"),
    ("media-type", "messages.errors.media-type", "unsupported_media_type"),
    ("missing-key", "messages.auth.no-key", "missing_key"),
    ("wrong-key", "messages.auth.wrong-key", "invalid_key"),
    ("revoked-key", "messages.keys.revoked", "invalid_key"),
    ("body-too-large", "messages.limits.body", "body_too_large"),
    ("rate-limited", "messages.keys.throttled", "rate_limited"),
    ("insufficient-credits", "messages.keys.exhausted", "insufficient_credits"),
    ("monthly-cap", "messages.keys.capped", "monthly_cap_reached"),
    ("model-not-allowed", "messages.keys.restricted", "model_not_allowed"),
    ("tools-not-supported", "messages.tools.text-only", "tools_not_supported"),
    ("vision-not-supported", "messages.vision.text-only", "vision_not_supported"),
)


def _held_to(situation: str, *, code_is_fixed: bool, dialect: Dialect | None = None) -> Function:
    def promised(view: View) -> Outcome:
        problem = view.target.problem(situation, dialect)
        if problem is None:
            raise NotPromised(f"the contract does not describe {situation!r}")
        if view.status != problem.status:
            return f"answered {view.status_line}{view.error_text}; promised is {problem.status}"
        for name, wanted in (("type", problem.type), ("code", problem.code)):
            found = view.envelope.get(name)
            if found != wanted and (name == "type" or code_is_fixed):
                return f"`error.{name}` is {shown(found)}; promised is {shown(wanted)}"
        return None

    return promised


for _name, _probe, _situation, _fixed in _TABLE:
    check(f"contract.errors.{_name}", _probe, expects="any")(_held_to(_situation, code_is_fixed=_fixed))
for _name, _probe, _situation in _MESSAGES:
    _told = _held_to(_situation, code_is_fixed=False, dialect="anthropic")
    check(f"contract.messages.{_name}", _probe, expects="any")(_told)

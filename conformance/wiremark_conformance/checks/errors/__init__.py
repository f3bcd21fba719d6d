"""Refusals."""

# Everything that a good endpoint refuses. Whatever of it is answered with an error shows the envelope.
REQUESTS = (
    "errors.malformed-json",
    "errors.no-key-name",
    "errors.not-an-object",
    "errors.no-messages",
    "errors.empty-messages",
    "errors.messages-type",
    "errors.temperature",
    "errors.tool-choice",
    "errors.unknown-model",
    "errors.unknown-model.stream",
    "errors.unknown-route",
    "errors.method",
    "errors.media-type",
    "models.get.unknown",
)
REFUSED = (
    *REQUESTS,
    "chat.tools.text-only",
    "chat.vision.text-only",
    "chat.vision.remote",
    "models.unavailable",
    "auth.no-key",
    "auth.wrong-key",
    "limits.body",
    "limits.body.chunked",
    "keys.throttled",
    "keys.exhausted",
    "keys.capped",
    "keys.restricted",
    "keys.revoked",
    "keys.disabled",
)

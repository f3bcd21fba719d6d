"""Refusals of Google's Gemini format."""

REQUESTS = (
    "gemini.errors.malformed-json",
    "gemini.errors.not-an-object",
    "gemini.errors.no-contents",
    "gemini.errors.empty-contents",
    "gemini.errors.contents-type",
    "gemini.errors.role",
    "gemini.errors.temperature",
    "gemini.errors.inline-data",
    "gemini.errors.unknown-model",
    "gemini.errors.unknown-model.stream",
    "gemini.errors.unknown-model.slash",
    "gemini.errors.unknown-route",
    "gemini.errors.method",
    "gemini.errors.media-type",
    "gemini.models.unknown",
    "gemini.functions.text-response",
    "gemini.functions.unknown-name",
)
# Whatever of it is answered with an error shows the envelope.
REFUSED = (
    *REQUESTS,
    "gemini.functions.text-only",
    "gemini.vision.text-only",
    "gemini.unknown-field",
    "gemini.auth.no-key",
    "gemini.auth.no-key.malformed",
    "gemini.auth.wrong-key",
    "gemini.auth.wrong-key.query",
    "gemini.keys.revoked",
    "gemini.keys.restricted",
    "gemini.keys.throttled",
    "gemini.keys.throttled.stream",
    "gemini.keys.exhausted",
    "gemini.limits.body",
)

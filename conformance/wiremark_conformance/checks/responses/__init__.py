"""Responses of the OpenAI Responses format, and around them."""

from wiremark_conformance.probes.responses import WRONG

# Whole answers; every response is judged on each of these.
WHOLE = (
    "responses.plain",
    "responses.settings",
    "responses.max-tokens",
    "responses.json",
    "responses.reasoning",
    "responses.tools.forced",
    "responses.tools.custom",
)
# Everything that a good endpoint refuses. Whatever of it is answered with an error shows the envelope.
REFUSED = (
    *(f"responses.errors.{name}" for name in WRONG),
    "responses.auth.no-key",
    "responses.auth.wrong-key",
    "responses.get.unknown",
    "responses.get.unstored",
    "responses.get.foreign",
    "responses.deleted.get",
    "responses.deleted.again",
    "responses.cancel.waited-for",
    "responses.cancel.unknown",
    "responses.input-items.unknown",
    "responses.continued.unknown",
    "responses.continued.unstored",
)

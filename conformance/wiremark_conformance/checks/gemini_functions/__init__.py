"""Function calls of Google's Gemini format."""

CALLED = (
    "gemini.functions.forced",
    "gemini.functions.standard-schema",
    "gemini.functions.lower-types",
    "gemini.functions.stream",
    "gemini.functions.parallel",
    "gemini.functions.thinking",
)

"""Answers of Google's Gemini format."""

ANSWERS = (
    "gemini.plain",
    "gemini.functions.forced",
    "gemini.candidates",
    "gemini.json-schema",
    "gemini.thoughts",
)

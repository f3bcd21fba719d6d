"""Streamed answers of Google's Gemini format."""

STREAMS = (
    "gemini.stream",
    "gemini.stream.v1",
    "gemini.stream.max-tokens",
    "gemini.stream.thoughts",
    "gemini.functions.stream",
)

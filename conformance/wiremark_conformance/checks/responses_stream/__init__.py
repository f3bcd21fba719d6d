"""Streamed responses."""

STREAMS = (
    "responses.stream",
    "responses.max-tokens.stream",
    "responses.tools.stream",
    "responses.tools.parallel",
    "responses.tools.custom.stream",
    "responses.reasoning.stream",
    "responses.background.stream",
)

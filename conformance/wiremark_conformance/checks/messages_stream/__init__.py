"""Streamed messages."""

STREAMS = (
    "messages.stream",
    "messages.max-tokens.stream",
    "messages.stop.stream",
    "messages.tools.stream",
    "messages.tools.cut",
    "messages.tools.parallel",
    "messages.thinking.stream",
)

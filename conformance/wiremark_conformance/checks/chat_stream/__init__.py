"""Streamed chat answers."""

# Framing and chunks are judged on each of these; what ends a plain text stream on the first two.
TEXT_STREAMS = ("chat.stream", "chat.stream.usage")
STREAMS = (
    *TEXT_STREAMS,
    "chat.max-completion-tokens",
    "chat.n.stream",
    "chat.tools.stream",
    "chat.tools.parallel",
)

"""Answers of the Messages format."""

# Answers that a client gets whole; each is judged for its form.
WHOLE = ("messages.plain", "messages.max-tokens", "messages.stop", "messages.tools.forced")
ANSWERS = (*WHOLE, "messages.stream", "messages.tools.stream")

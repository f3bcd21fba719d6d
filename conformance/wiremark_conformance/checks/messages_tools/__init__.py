"""Tool calls of the Messages format."""

FORCED = ("messages.tools.forced", "messages.tools.stream")
CALLING = (*FORCED, "messages.tools.parallel")

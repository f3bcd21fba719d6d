"""Tool calls, whole and streamed."""

"""Thinking."""

THINKING = ("messages.thinking", "messages.thinking.stream")

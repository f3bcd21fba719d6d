"""Structured output and images."""

"""Counting the tokens of a request."""

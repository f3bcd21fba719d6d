"""Errors held to the letter of the endpoint's own contract."""

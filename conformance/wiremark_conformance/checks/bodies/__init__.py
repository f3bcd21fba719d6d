"""Odd requests: bodies at the edge of JSON."""

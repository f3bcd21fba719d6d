"""The endpoint's books on messages."""

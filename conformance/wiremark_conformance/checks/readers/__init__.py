"""Streams as four clients read them."""

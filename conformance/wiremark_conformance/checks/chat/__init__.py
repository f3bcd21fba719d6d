"""Whole chat answers."""

"""Refusals of the Responses routes."""

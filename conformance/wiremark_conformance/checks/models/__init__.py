"""The model catalogue."""

"""The choice between providers."""

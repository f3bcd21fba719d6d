"""Request ids."""

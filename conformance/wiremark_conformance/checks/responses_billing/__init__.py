"""The bill of responses."""

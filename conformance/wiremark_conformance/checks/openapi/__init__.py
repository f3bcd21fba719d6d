"""The published description of the endpoint."""

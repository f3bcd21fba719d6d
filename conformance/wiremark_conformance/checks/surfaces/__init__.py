"""Several formats at one endpoint."""

"""Keys and versions of the Messages format."""

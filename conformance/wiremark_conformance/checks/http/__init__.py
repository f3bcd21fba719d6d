"""HTTP facts common to all operations."""

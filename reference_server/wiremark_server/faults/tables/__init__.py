"""The faults that are written one by one, a table per area."""

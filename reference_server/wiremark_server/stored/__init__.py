"""What outlives a request because the contract says so: in memory, bounded, and never on disk."""

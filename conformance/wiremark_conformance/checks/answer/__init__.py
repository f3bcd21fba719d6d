"""What the contract promises of a chat answer beyond the reference."""

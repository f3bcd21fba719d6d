"""What Open Responses asks beyond the reference."""

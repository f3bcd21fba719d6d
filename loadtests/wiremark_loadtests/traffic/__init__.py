"""What the users of a run send, and when."""

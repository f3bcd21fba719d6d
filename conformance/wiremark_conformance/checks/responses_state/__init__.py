"""What a server remembers of responses."""

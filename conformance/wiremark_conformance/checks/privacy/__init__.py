"""What an endpoint keeps of a conversation."""

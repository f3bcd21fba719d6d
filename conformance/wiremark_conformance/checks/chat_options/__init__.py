"""Parameters that shape a chat answer."""

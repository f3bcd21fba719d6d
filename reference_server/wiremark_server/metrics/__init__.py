"""What the server counts while it serves, for Prometheus: no text, no keys, no accounts."""

"""What is told of providers."""

"""What a model can take."""

"""The proof that money survives clients that misbehave and servers that are killed."""

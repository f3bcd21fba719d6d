"""What stands for what under an `Idempotency-Key`."""

"""Official SDKs, run for real."""

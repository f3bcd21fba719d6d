"""The hot path: one connection per user, what arrives with its times, and what it says."""

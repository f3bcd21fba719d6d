"""One question asked in several formats: each is held to what chat says of it."""

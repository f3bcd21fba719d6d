"""OpenAI Chat Completions: request documents in, answers and event streams out. Pure functions."""

"""The endpoint's books on answers of Google's Gemini format."""

"""The model catalogue, token counts and embeddings in Google's Gemini format."""

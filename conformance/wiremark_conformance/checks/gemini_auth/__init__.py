"""Keys and limits in Google's Gemini format."""

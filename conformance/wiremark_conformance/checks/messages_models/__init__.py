"""The catalogue as Anthropic's clients read it."""

"""Legacy completions."""

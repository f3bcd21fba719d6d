"""Images made as tasks."""

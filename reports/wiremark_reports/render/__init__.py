"""Reports as people read them: pure functions from a report to text."""

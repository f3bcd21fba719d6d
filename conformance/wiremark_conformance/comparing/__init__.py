"""Several endpoints side by side: where their verdicts differ, requirement by requirement."""

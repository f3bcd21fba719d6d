"""What a run measures: recorders, tallies, and whether the numbers can be believed."""

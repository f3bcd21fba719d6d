"""Models that think before they answer."""

"""Tools of the Responses format."""

"""A source of our own, and the way that it goes."""

"""Recordings with something to hide in every place we know of, and a judge of what is left."""

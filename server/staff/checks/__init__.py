"""Whether a drop is in order: `starting` is what it may not start without."""

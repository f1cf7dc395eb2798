"""Taking nothing any more, and being no drop any more."""

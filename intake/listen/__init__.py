"""Listening: what was recorded becomes samples, in a process that can do nothing else."""

"""ISO media (MP4, M4A, MOV, 3GP): boxes, tracks and tables. `movie.py` is where it begins."""

from scrub.containers.bmff.movie import is_3gp, is_m4a, is_mov, is_mp4, plan_bmff

__all__ = ["is_3gp", "is_m4a", "is_mov", "is_mp4", "plan_bmff"]

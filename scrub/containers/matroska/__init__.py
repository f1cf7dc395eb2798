"""Matroska and WebM: EBML elements, tracks, clusters. `segment.py` is where it begins."""

from scrub.containers.matroska.segment import is_mka, is_mkv, is_webm, plan_matroska

__all__ = ["is_mka", "is_mkv", "is_webm", "plan_matroska"]

"""The desk's catalogue of drops, encrypted on disk; `catalogue.py` holds the only SQL."""

from intake.catalogue.catalogue import Catalogue, opened

__all__ = ["Catalogue", "opened"]

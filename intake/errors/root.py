"""The root of what can go wrong at the desk."""


class IntakeError(Exception):
    """The root of everything `intake/` raises on purpose."""

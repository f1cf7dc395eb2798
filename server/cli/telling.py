"""What a verb that runs from a timer says in the log, as the running drop does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from server.errors import NotSent
from server.events import AlertNotSent


@contextmanager
def logged() -> Iterator[None]:
    """Log `alert_not_sent` where nobody sits who reads the sentence; the error goes on."""
    # Imported here, because a journal takes a moment to load.
    from server.journal import Journal

    try:
        yield
    except NotSent as failure:
        if not sys.stderr.isatty():
            Journal().tell(AlertNotSent(failure.why))
        raise

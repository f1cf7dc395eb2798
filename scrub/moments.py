"""Times as containers store them, as people read them: for values, and only where asked for.

QuickTime    seconds since 1904        Matroska    nanoseconds since 2001
ASF          100 ns since 1601         all in UTC, as far as recorders keep to it
"""

from datetime import UTC, datetime, timedelta


def moment(since: int, seconds: float) -> str:
    """Return the time so many seconds after the beginning of the year `since`, or nothing."""
    try:
        return (datetime(since, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()
    except (OverflowError, ValueError):
        return ""

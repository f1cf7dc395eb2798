"""How a key is shown: to a person, and to a program."""

from datetime import UTC, datetime
from typing import Any

from crypto.newsroom import NewsroomKey


def said(key: NewsroomKey) -> dict[str, Any]:
    """Return a key as a program reads it."""
    return {
        "fingerprint": key.fingerprint,
        "name": key.name,
        "expires": _day(key),
        "problem": key.problem,
    }


def line(key: NewsroomKey) -> str:
    """Return fingerprint, name and last day."""
    return f"{spaced(key.fingerprint)}  {key.name}  {_until(key)}"


def with_problem(key: NewsroomKey) -> str:
    """Return the same, and what keeps it from being sealed to."""
    return f"{line(key)}{key.problem and ': ' + key.problem}"


def checked(key: NewsroomKey, now: datetime, signed: frozenset[str] | None) -> str:
    """Return all there is to know of a key, in one line."""
    days = key.days_left(now)
    facts = [key.algorithm, _until(key), *([f"{days} days"] if days is not None else [])]
    if signed is not None:
        facts.append("signed for" if key.fingerprint in signed else "not signed for")
    verdict = f"can't be sealed to: {key.problem}" if key.problem else "usable"
    return f"{spaced(key.fingerprint)}  {key.name}  {verdict}; {', '.join(facts)}"


def ends_soon(key: NewsroomKey) -> str:
    """Return when a key ends, and what to do about it."""
    return f"{spaced(key.fingerprint)} ends on {_day(key)}: have a new one made"


def spaced(fingerprint: str) -> str:
    """Return a fingerprint in groups of four, to be read out."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def compact(typed: str) -> str:
    """Return a fingerprint as gpg writes it, however it was typed."""
    return "".join(typed.split()).upper().removeprefix("0X")


def _day(key: NewsroomKey) -> str | None:
    if key.expires is None:
        return None
    return datetime.fromtimestamp(key.expires, UTC).date().isoformat()


def _until(key: NewsroomKey) -> str:
    return f"until {_day(key)}" if key.expires is not None else "never expires"

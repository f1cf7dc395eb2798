"""Clean at the desk what the server could not, and open what its source had encrypted as well.

A source may encrypt a recording, or a text, before it is sent. The server passes it on as it is;
only here is there a key for it. What lies inside, and whatever else came uncleaned, is scrubbed in
the sandbox, as on the server: what can be cleaned now gets a cleaned copy beside the one that was
sent, and that is what leaves the desk.
"""

from collections.abc import Iterable
from hashlib import sha256
from time import monotonic
from typing import Final

from crypto.errors import GpgFailed, NoKeyOpens, Tampered
from crypto.gpg import Gpg
from crypto.manifest import Condition
from crypto.packets import as_gpg_reads_it, begins_message
from intake.catalogue import Catalogue
from intake.drop import Cleaning, CleaningOutcome, Drop
from intake.errors import NotOpenYet, VaultDamaged
from intake.scrubbing import Scrubber
from intake.working import Of, WorkingCopies
from scrub import Cleaned, SandboxUnavailable, ScrubError, WorkerFailed, render

MESSAGE: Final = "message.txt"
_HEAD_SIZE: Final = 64
_MOST_TIMES_LARGER: Final = 64
"""What is encrypted may be compressed as well; honest sound never shrinks to less than that."""
_ALWAYS_BYTES: Final = 64 * 1024 * 1024
_SECONDS: Final = 300.0
"""For gpg to find a key that fits, somebody at the screen with their card and PIN included."""
_SLOWEST: Final = 4 * 1024 * 1024
"""Bytes a second that any machine decrypts. gpg tries every key on each of a message's session
keys, and a few megabytes hold a hundred thousand of them."""
_BLOCK_SIZE: Final = 256 * 1024


class _TooLarge(Exception):
    pass


def look_into(
    drop: Drop, *, working: WorkingCopies, catalogue: Catalogue, gpg: Gpg, scrubber: Scrubber
) -> Cleaning | None:
    """Find out what a drop that was just opened can tell; return what came of cleaning, if tried.

    A recording's facts are kept, and the cleaned copy of one that came uncleaned. Raises
    NotOpenYet, VaultDamaged, GpgFailed, WorkerFailed, SandboxUnavailable.
    """
    if drop.manifest is None or not working.has(drop.digest):
        raise NotOpenYet(drop.id)
    cleaning = None
    if drop.manifest.condition is not Condition.CLEANED:
        cleaning = _cleaned(drop, working, catalogue, gpg, scrubber)
    if drop.manifest.name != MESSAGE:
        best = Of.CLEANED if working.has(drop.digest, Of.CLEANED) else Of.SENT
        with working.handed(drop.digest, best) as copy:
            catalogue.studies.keep_facts(drop.digest, scrubber.facts(copy.handle, copy.size))
    return cleaning


def waits(drop: Drop, *, working: WorkingCopies, catalogue: Catalogue) -> bool:
    """Say whether a drop that is open, and has its copy, came uncleaned and nobody has tried yet.

    Whatever ended `open` right then, it isn't forgotten.
    """
    if drop.manifest is None or drop.manifest.condition is Condition.CLEANED:
        return False
    if catalogue.studies.cleaning(drop.digest) is not None:
        return False
    try:
        return drop.manifest.name != MESSAGE or _is_encrypted(drop, working)
    except VaultDamaged:
        return True  # opening it makes the copy anew


def is_closed_inside(drop: Drop, *, working: WorkingCopies, catalogue: Catalogue) -> bool:
    """Say whether a drop that is open may hold what its source encrypted, and nobody has tried.

    Of a message whose copy is gone nobody can say; what is not cleaned may be anything. A session
    key that a colleague has told may open nothing.
    """
    if drop.manifest is None or drop.manifest.condition is Condition.CLEANED:
        return False
    if catalogue.studies.cleaning(drop.digest) is not None:
        return False
    if not working.has(drop.digest):
        return drop.manifest.name != MESSAGE
    try:
        return _is_encrypted(drop, working)
    except VaultDamaged:
        return True  # opening it makes the copy anew


def _cleaned(
    drop: Drop, working: WorkingCopies, catalogue: Catalogue, gpg: Gpg, scrubber: Scrubber
) -> Cleaning | None:
    assert drop.manifest is not None
    nested = _is_encrypted(drop, working)
    is_text = drop.manifest.name == MESSAGE
    if is_text and not nested:
        return None  # written into the form: there is nothing to clean
    refused = _opened_inside(drop, working, catalogue, gpg) if nested else None
    if refused is not None:
        cleaning = Cleaning(refused, nested)
    elif is_text:
        cleaning = _read(drop, working)
    else:
        cleaning = _scrubbed(drop, working, catalogue, scrubber, nested=nested)
    catalogue.studies.keep_cleaning(drop.digest, cleaning)
    return cleaning


def _is_encrypted(drop: Drop, working: WorkingCopies) -> bool:
    with working.reading(drop.digest) as recording:
        return begins_message(recording.read(_HEAD_SIZE))


def _opened_inside(
    drop: Drop, working: WorkingCopies, catalogue: Catalogue, gpg: Gpg
) -> CleaningOutcome | None:
    """Decrypt what the source had encrypted into a copy of its own; return why not, if not.

    A session key that opens nothing was a colleague's word, and is forgotten.
    """
    kept = catalogue.keys.inside(drop.digest)
    if kept is not None:
        refused = _decrypted_inside(drop, working, catalogue, gpg, kept)
        if refused is not CleaningOutcome.NOT_WHOLE:
            return refused
        catalogue.keys.forget_inside(drop.digest)
    return _decrypted_inside(drop, working, catalogue, gpg, None)


def _decrypted_inside(
    drop: Drop, working: WorkingCopies, catalogue: Catalogue, gpg: Gpg, kept: str | None
) -> CleaningOutcome | None:
    keys = catalogue.keys.of(drop.digest)
    assert keys is not None
    assert drop.manifest is not None
    left = drop.manifest.size * _MOST_TIMES_LARGER + _ALWAYS_BYTES
    limit, begun = _SECONDS + drop.manifest.size / _SLOWEST, monotonic()
    try:
        with working.new(drop.digest, keys.copy, Of.INSIDE) as inside:

            def take(plaintext: bytes) -> None:
                nonlocal left
                left -= len(plaintext)
                if left < 0:
                    raise _TooLarge
                inside.write(plaintext)

            opened = gpg.decrypt(
                as_gpg_reads_it(working.blocks(drop.digest, drop.manifest.sha256)),
                take,
                limit_seconds=limit,
                session_key=kept,
                ask_session_key=True,
            )
    except NoKeyOpens:
        return CleaningOutcome.NO_KEY
    except Tampered:
        return CleaningOutcome.NOT_WHOLE
    except _TooLarge:
        return CleaningOutcome.TOO_LARGE
    except GpgFailed as failure:
        if monotonic() - begun >= limit:
            return CleaningOutcome.TOO_SLOW
        if not failure.wordless:
            raise
        gpg.secret_keys()  # raises, unless it is the message that is at fault, and not gpg
        return CleaningOutcome.NOT_WHOLE
    if kept is None and opened.session_key is not None:
        catalogue.keys.keep_inside(drop.digest, opened.session_key, opened.subkey)
    return None


def _read(drop: Drop, working: WorkingCopies) -> Cleaning:
    with working.reading(drop.digest, Of.INSIDE) as text:
        size, digest = _measured(iter(lambda: text.read(_BLOCK_SIZE), b""))
    return Cleaning(CleaningOutcome.READ, nested=True, size=size, sha256=digest, extension="txt")


def _scrubbed(
    drop: Drop, working: WorkingCopies, catalogue: Catalogue, scrubber: Scrubber, *, nested: bool
) -> Cleaning:
    keys = catalogue.keys.of(drop.digest)
    assert keys is not None
    of = Of.INSIDE if nested else Of.SENT
    try:
        with working.handed(drop.digest, of) as copy:
            cleaned = scrubber.clean(copy.handle, copy.size)
    except (WorkerFailed, SandboxUnavailable):
        raise  # a fault of ours, or an attack: it says nothing of the recording
    except ScrubError:
        return Cleaning(CleaningOutcome.NOT_CLEANABLE, nested)
    with (
        working.reading(drop.digest, of) as source,
        working.new(drop.digest, keys.copy, Of.CLEANED) as out,
    ):

        def passed_on() -> Iterable[bytes]:
            for block in render(cleaned.cuts, source):  # type: ignore[arg-type]
                out.write(block)
                yield block

        size, digest = _measured(passed_on())
    return _described(cleaned, size, digest, nested=nested)


def _described(cleaned: Cleaned, size: int, digest: str, *, nested: bool) -> Cleaning:
    findings = cleaned.findings
    return Cleaning(
        outcome=CleaningOutcome.CLEANED,
        nested=nested,
        size=size,
        sha256=digest,
        format=cleaned.format.name,
        extension=cleaned.format.extension,
        removed={str(kind): times for kind, times in findings.removed.items()},
        remains={str(kind): times for kind, times in findings.remains.items()},
    )


def _measured(blocks: Iterable[bytes]) -> tuple[int, str]:
    passed, size = sha256(), 0
    for block in blocks:
        passed.update(block)
        size += len(block)
    return size, passed.hexdigest()

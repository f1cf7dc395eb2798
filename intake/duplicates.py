"""Find what was sent twice: the same file, the same sound encoded anew, an excerpt and where.

    same file       SHA-256 of the recording, as its manifest says
    same coding     SHA-256 of the coded sound, whatever container and tags are around it; the
                    catalogue keeps it under a key of the vault
    same sound      fingerprints (fingerprint.py) that have a passage in common (likeness.py)

Each recording is listened to once, and compared once with every other; both are kept.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from intake.arriving.pace import Step
from intake.catalogue import Catalogue
from intake.catalogue.sounds import Sound
from intake.drop import Drop, Status
from intake.errors import NotDecodable
from intake.fingerprint import RATE, Fingerprint, Listening
from intake.likeness import Likeness
from intake.listen.decode import Decoder
from intake.passages import Alike, Pair, Passage, related
from intake.vault import Vault
from intake.working import Of, WorkingCopies

MESSAGE: Final = "message.txt"


def recordings(catalogue: Catalogue) -> list[Drop]:
    """Return the drops that are open and hold more than words."""
    return [
        drop
        for drop in catalogue.drops.all()
        if drop.status is Status.OPENED and drop.manifest and drop.manifest.name != MESSAGE
    ]


def listen(
    drop: Drop, *, working: WorkingCopies, catalogue: Catalogue, vault: Vault, decoder: Decoder
) -> None:
    """Listen to a recording once, and keep how it sounds.

    One that can't be decoded is kept as such, and its error raised all the same: NotDecodable.
    Raises FileNotFoundError, VaultDamaged, SandboxUnavailable.
    """
    best = Of.CLEANED if working.has(drop.digest, Of.CLEANED) else Of.SENT
    listening = Listening()
    try:
        with (
            working.handed(drop.digest, best) as copy,
            decoder.decoding(copy.handle, copy.size, rate=RATE) as decoding,
        ):
            for block in decoding:
                listening.hear(block)
    except NotDecodable:
        catalogue.sounds.keep(Sound(drop.number), None)
        raise
    heard = decoding.heard
    essence = vault.essence(heard.essence) if heard.essence else None
    sound = Sound(drop.number, heard.samples * 1000 // RATE, essence)
    catalogue.sounds.keep(sound, listening.fingerprint().packed)


def compare(catalogue: Catalogue, told: Callable[[Step], None] = lambda _step: None) -> None:
    """Compare what was listened to since with everything; `told` hears how far it is."""
    waiting = catalogue.sounds.waiting()
    passed, total = 0, sum(len(packed) for _, packed in waiting)
    for place, (number, packed) in enumerate(waiting, start=1):
        told(Step(passed, total, place, len(waiting)))
        found: dict[int, list[Passage]] = {}
        if here := Fingerprint.unpacked(packed):
            likeness = Likeness(here)
            for other, other_packed in catalogue.sounds.compared():
                there = Fingerprint.unpacked(other_packed)
                if there and (passages := likeness.passages(there)):
                    found[other] = passages
        catalogue.sounds.keep_passages(number, found)
        passed += len(packed)


def pairs(catalogue: Catalogue, drops: Iterable[Drop]) -> list[Pair]:
    """Return what these drops have to do with each other, in the order of their numbers."""
    known = {drop.number: drop for drop in drops}
    sounds = catalogue.sounds.all()
    found: dict[frozenset[int], Pair] = {}
    for pair in (
        *_same(Alike.SAME_FILE, ((n, d.manifest.sha256) for n, d in known.items() if d.manifest)),
        *_same(Alike.SAME_CODING, ((n, sounds[n].essence) for n in known if n in sounds)),
    ):
        found.setdefault(frozenset((pair.number, pair.other)), pair)
    for (number, other), passages in catalogue.sounds.passages().items():
        if number in known and other in known:
            lengths = (sounds[number].length_ms, sounds[other].length_ms)
            pair = related(number, other, *lengths, passages)
            found.setdefault(frozenset((number, other)), pair)
    return sorted(found.values(), key=lambda each: (each.number, each.other))


def told_once(found: Iterable[Pair]) -> list[Pair]:
    """Return the pairs without those that follow: what is said of a recording holds for its copies.

    A copy is the same file, or coding, as one with a lower number.
    """
    listed = list(found)
    copies: dict[int, Pair] = {}
    for each in sorted(listed, key=lambda each: (each.alike is not Alike.SAME_FILE, each.other)):
        if each.alike in {Alike.SAME_FILE, Alike.SAME_CODING}:
            copies.setdefault(each.number, each)
    return [
        each
        for each in listed
        if copies.get(each.number) is each or not {each.number, each.other} & copies.keys()
    ]


def _same(alike: Alike, marks: Iterable[tuple[int, object]]) -> Iterator[Pair]:
    """Yield each two drops with the same mark, the later first."""
    groups: dict[object, list[int]] = {}
    for number, mark in sorted(marks, key=lambda each: each[0]):
        if mark is not None:
            for earlier in groups.setdefault(mark, []):
                yield Pair(number, earlier, alike)
            groups[mark].append(number)

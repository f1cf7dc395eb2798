"""What a person is told of cards and keys: before drops are opened, and when no key here fits."""

from collections.abc import Sequence

from crypto.errors import NotAnEnvelope
from crypto.own_keys import HEAD_SIZE, OwnKeys
from crypto.packets import sealed_keys
from intake import readers
from intake.arriving.provenance import Provenance
from intake.cli.talk import note
from intake.drop import Drop
from intake.errors import EvidenceDamaged, VaultDamaged
from intake.unlocked import Unlocked
from intake.wording import plain, spaced


def say_the_price(room: Unlocked, own: OwnKeys, drops: Sequence[Drop]) -> None:
    """Say how often a card will be asked, before it is: someone may have to touch it each time."""
    operations, counts = 0, set()
    new = [drop for drop in drops if room.catalogue.keys.of(drop.digest) is None]
    for drop in new:
        try:
            start = room.evidence.start(drop.digest, HEAD_SIZE)
            operations += own.card_operations(start)
            counts.add(len(sealed_keys(start)))
        except (EvidenceDamaged, NotAnEnvelope):
            continue  # is told when it is opened
    if operations:
        what = "1 drop to open" if len(new) == 1 else f"{len(new)} drops to open, each"
        keys = "-".join(str(count) for count in sorted({min(counts), max(counts)}))
        note(f"{what} sealed to {keys} keys: up to {operations} card operations")
        note("the card asks for its PIN once; one that wants to be touched wants it each time")


def say_whose(room: Unlocked, drop: Drop) -> None:
    """Name the keys that were the newsroom's when the bag was made which brought a drop."""
    try:
        bag = Provenance(room.layout.bags, room.settings.server.signer).sealed_for(drop.digest)
    except VaultDamaged:  # an alarm said so when the desk was unlocked
        return
    if bag is None or not bag.newsroom:
        return
    note(f"the bag of {bag.day} that brought it names these keys of the newsroom:")
    for fingerprint in bag.newsroom:
        known = room.gpg.look_at_keys(readers.block_of(room.layout, fingerprint).encode())
        name = known[0].name if known else "not known to this desk"
        note(f"  {spaced(fingerprint)}  {plain(name)}")

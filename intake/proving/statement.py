"""The account of drops, line by line, for an editor or a court.

    FILE         plain text
    FILE.json    the same as facts, and the SHA-256 of FILE, signed by the desk (docs/custody.md)

It says what arrived, what was checked, what scrubbing took out by kind and number, and each entry
of the custody log about these drops. Never in it: the source's pseudonym or mailbox, what was taken
out, an original name, another drop.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from crypto.manifest import Condition
from intake.arriving.provenance import Brought
from intake.catalogue.elsewhere import Told
from intake.drop import Cleaning, CleaningOutcome, Drop, SetAside, Status
from intake.proving.custody import Entry, Head
from intake.proving.signed import facts_of
from intake.wording import ALARMS, kind_text, plain, size_text

VERSION: Final = "tapedrop statement 1"
_COLUMN: Final = 18


@dataclass(frozen=True, slots=True)
class Account:
    """All that the desk can say of one drop. `whole`: its envelope is here and unchanged today."""

    drop: Drop
    mark: str
    salt: bytes
    brought: Sequence[Brought]
    whole: bool
    entries: Sequence[Entry]
    cleaning: Cleaning | None
    elsewhere: Sequence[Told] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """Some accounts, by one desk on one day (YYYY-MM-DD), and how far its log reached then."""

    desk: str
    key: bytes
    """The desk's public signing key, 32 bytes."""
    day: str
    accounts: Sequence[Account]
    head: Head

    def text(self) -> str:
        """Return it for people."""
        return "".join(f"{line}\n" for line in _lines(self))

    def facts(self) -> dict[str, Any]:
        """Return it for programs, the text's digest included."""
        return {
            "version": VERSION,
            "desk": self.desk,
            "day": self.day,
            "drops": [_facts(account) for account in self.accounts],
            "text_sha256": sha256(self.text().encode()).hexdigest(),
            **facts_of(self.head),
        }


def _facts(account: Account) -> dict[str, Any]:
    drop, manifest, cleaning = account.drop, account.drop.manifest, account.cleaning
    said: dict[str, Any] = {
        "id": drop.id,
        "envelope_sha256": drop.digest.hex(),
        "envelope_is_here": account.whole,
        "mark": account.mark,
        "salt": account.salt.hex(),
        "status": drop.status,
        "set_aside": drop.set_aside,
        "bags": [
            {"bag": each.bag, "signed_by": each.signer.hex(), "signed_on": each.signed_on,
             "taken_in_on": each.taken_on}
            for each in account.brought
        ],
        "alarms": list(drop.alarms),
        "entries": [
            {"hash": entry.hash.hex(), "entry": entry.encoded.decode("ascii")}
            for entry in account.entries
        ],
    }  # fmt: skip
    if manifest is not None:
        said["recording"] = {
            "sha256": manifest.sha256, "size": manifest.size, "format": manifest.format,
            "day": manifest.day, "condition": manifest.condition, "keys": manifest.recipients,
            "removed": dict(manifest.removed), "remains": dict(manifest.remains),
        }  # fmt: skip
    if account.elsewhere:
        said["elsewhere"] = [
            {"desk": each.desk, "signed_by": each.signer, "salt": each.salt,
             "hash": each.entry.hash.hex(), "entry": each.entry.encoded.decode("ascii")}
            for each in account.elsewhere
        ]  # fmt: skip
    if cleaning is not None and cleaning.outcome is CleaningOutcome.READ:
        said["opened_here"] = {"sha256": cleaning.sha256, "size": cleaning.size}
    elif cleaning is not None and cleaning.sha256:
        said["cleaned_here"] = {
            "sha256": cleaning.sha256, "size": cleaning.size, "format": cleaning.format,
            "removed": dict(cleaning.removed), "remains": dict(cleaning.remains),
        }  # fmt: skip
    return said


def _lines(statement: Statement) -> Iterator[str]:
    drops = [account.drop.id for account in statement.accounts]
    yield f"STATEMENT ABOUT {', '.join(drops)}"
    yield ""
    yield f"Written on {statement.day} by the desk {statement.desk}. Days are UTC."
    for account in statement.accounts:
        yield ""
        yield ""
        yield account.drop.id
        yield "=" * len(account.drop.id)
        for heading, lines in (
            ("What arrived", _arrived(account)),
            ("What was checked", _checked(account)),
            ("What is in it", _inside(account)),
            ("What was done with it at this desk", _done(account)),
            ("What other desks say they did with it", _elsewhere(account)),
            ("How it is known in the custody log", _marked(account)),
        ):
            said = list(lines)
            if said:
                yield ""
                yield heading
                yield from (f"  {line}" for line in said)
    yield ""
    yield ""
    yield from _proof(statement)


def _arrived(account: Account) -> Iterator[str]:
    yield _line("envelope", f"SHA-256 {account.drop.digest.hex()}")
    for each in account.brought:
        taken = f", taken in on {each.taken_on}" if each.taken_on else ""
        yield _line("in a bag", f"{each.bag}, signed on {each.signed_on}{taken}")
        yield _line("signed by", f"Ed25519 {each.signer.hex()}")
    if account.drop.status is Status.PURGED:
        yield _line("now", f"destroyed on {account.drop.purged_day}")
    else:
        yield _line("now", "here, and what was imported" if account.whole
                    else "NOT HERE, or not what was imported")  # fmt: skip


def _checked(account: Account) -> Iterator[str]:
    drop = account.drop
    if account.brought:
        yield "the signature over the bag's list of files holds"
        if drop.set_aside is not SetAside.NOT_ARRIVED:
            yield "the envelope has the SHA-256 that this list says"
    if drop.set_aside is not None:
        yield f"set aside: {drop.set_aside}"
    if drop.manifest is not None:
        yield "gpg vouches that the whole of it is what was sealed"
        yield "it is laid out as the server lays out envelopes, to the last byte"
        yield "what is in it has the size and the SHA-256 that its manifest says"
        yield (
            "it is sealed to the newsroom's keys, and to as many as it says"
            if not drop.alarms
            else ("ALARMS were raised:")
        )
        yield from (f"  {ALARMS[alarm]}" for alarm in drop.alarms)


def _inside(account: Account) -> Iterator[str]:
    manifest, cleaning = account.drop.manifest, account.cleaning
    if manifest is None:
        return
    what = "a message" if manifest.condition is Condition.WRITTEN else plain(manifest.format)
    yield _line("what", f"{what}, {size_text(manifest.size)} ({manifest.size} bytes)")
    yield _line("SHA-256", manifest.sha256)
    yield _line("sealed on", plain(manifest.day))
    yield _line("condition", _CONDITIONS[manifest.condition])
    if manifest.condition is Condition.CLEANED:
        yield from _found("taken out", manifest.removed)
        yield from _found("still in it", manifest.remains)
    if cleaning is not None and cleaning.outcome is CleaningOutcome.READ:
        yield _line("opened here", f"a text that its source had encrypted, {cleaning.size} bytes")
        yield _line("SHA-256", cleaning.sha256)
    elif cleaning is not None and cleaning.sha256:
        yield _line("cleaned here", f"{plain(cleaning.format)}, {cleaning.size} bytes")
        yield _line("SHA-256", cleaning.sha256)
        yield from _found("taken out", cleaning.removed)
        yield from _found("still in it", cleaning.remains)


_CONDITIONS: Final[Mapping[Condition, str]] = {
    Condition.CLEANED: "cleaned on the server before it was sealed: the coded sound is as it came",
    Condition.UNCLEANED: "NOT cleaned: as its source sent it",
    Condition.WRITTEN: "written in the form",
}


def _found(name: str, counts: Mapping[str, int]) -> Iterator[str]:
    found = ", ".join(f"{kind_text(kind)} ({counts[kind]})" for kind in sorted(counts))
    yield _line(name, found or "nothing")


def _done(account: Account) -> Iterator[str]:
    for entry in account.entries:
        yield _line(f"entry {entry.number}", f"{entry.day}  {entry.act}, by {plain(entry.by)}")
        yield from _said(entry.said)
        yield _line("", f"its hash: {entry.hash.hex()}")


def _elsewhere(account: Account) -> Iterator[str]:
    if account.elsewhere:
        yield "This is their word. It came with cases that they shared, which they signed by these"
        yield "keys; whether the rest of their custody logs holds, only they can show."
    for each in account.elsewhere:
        entry = each.entry
        yield _line(plain(each.desk), f"Ed25519 {each.signer}")
        yield _line(f"entry {entry.number}", f"{entry.day}  {entry.act}, by {plain(entry.by)}")
        yield from _said(entry.said)


def _said(said: Mapping[str, str | int]) -> Iterable[str]:
    return [
        _line("", f"{plain(name).replace('_', ' ')}: {plain(str(value))}")
        for name, value in sorted(said.items())
    ]


def _marked(account: Account) -> Iterator[str]:
    yield _line("mark", account.mark)
    yield _line("salt", account.salt.hex())
    yield "The mark is the first 32 hex digits of the SHA-256 of the salt and the envelope's"
    yield "SHA-256, both as bytes. It tells of no other drop."


def _proof(statement: Statement) -> Iterator[str]:
    yield "The custody log"
    yield "  Each entry holds the SHA-256 of the one before, so none can be changed, taken out or"
    yield "  put in later without changing all that follow. On the day of this statement it had"
    yield f"  {statement.head.number} entries, and the last one's hash was"
    yield f"  {statement.head.hash.hex()}"
    yield ""
    yield "The signature"
    yield "  The file with .json at its end has all of this as facts, the SHA-256 of this text, and"
    yield "  the desk's signature. The desk's key (Ed25519) is"
    yield f"  {statement.key.hex()}"
    yield "  docs/custody.md of Tapedrop says how to check it with openssl, or with Python alone."


def _line(name: str, said: str) -> str:
    return f"{name:{_COLUMN}}{said}".rstrip()

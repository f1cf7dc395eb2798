"""What one desk tells another of a case: lines of text, sealed to the colleague (docs/share.md).

    tapedrop case 1            the version, a line of its own
    desk {…}                   who tells it, of which cases, and how far its custody log reached
    drop {…}                   an envelope of the bag, and what opens it, if that is known
    list {…}                   the signed lists of a bag by which the server vouched for envelopes
    said {…}                   a revision of a record, byte for byte
    did {…}                    an entry of the sender's custody log about one of the drops
    end N                      how many lines there were; then line feeds up to a Padmé length

A colleague's desk is believed of what it shared, and of nothing else: a line about another drop,
case or person makes the whole file refused.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from crypto.bag import TAG_FILES
from crypto.errors import NewerVersion
from crypto.padding import padme
from intake.errors import BadCase, BadRecord, CaseTooLarge
from intake.proving.custody import Entry, Head, read_entry
from intake.records import (
    Check,
    Kind,
    Revision,
    Text,
    Transcript,
    record_of,
    revision,
)
from intake.settings import Digest, Ed25519Hex, SignerName
from intake.vault import mark_of

VERSION: Final = b"tapedrop case 1"
LARGEST_BYTES: Final = 64 * 1024 * 1024
_VERSIONS: Final = b"tapedrop case "
_SESSION_KEY: Final = r"\A[0-9]{1,3}:[0-9A-F]{32,64}\Z"
_MARK_SALT: Final = r"\A[0-9a-f]{32}\Z"

SessionKey = Annotated[str, msgspec.Meta(pattern=_SESSION_KEY)]
RecordHex = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Teller(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The desk that shares, and what of."""

    desk: SignerName
    server: Ed25519Hex
    """The export key of the drop that it is paired with."""
    cases: Annotated[tuple[RecordHex, ...], msgspec.Meta(max_length=100)]
    custody_entries: Count
    custody_head: Digest

    @property
    def head(self) -> Head:
        """How far its custody log reached."""
        return Head(self.custody_entries, bytes.fromhex(self.custody_head))


class Condition(StrEnum):
    """How far a drop is cleaned. Envelopes travel as they arrived, whatever it is."""

    CLEANED = "cleaned"
    """By the server."""
    CLEANABLE = "cleanable"
    """Not by the server, but by the sender's desk, and so by the other one."""
    UNCLEANED = "uncleaned"
    WRITTEN = "written"


class SharedDrop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One envelope of the bag. In `file` it lies under data/."""

    digest_hex: Digest
    file: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\.gpg\Z")]
    mark_salt: Annotated[str, msgspec.Meta(pattern=_MARK_SALT)]
    """By which the marks of the sender's custody log are proved."""
    session_key: SessionKey | None = None
    inside_key: SessionKey | None = None
    """What opens the message that its source had encrypted, if that is what came."""
    condition: Condition | None = None
    """What the sender knows of it; None where it was never opened there."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of the envelope, 32 bytes."""
        return bytes.fromhex(self.digest_hex)

    def __repr__(self) -> str:
        return f"SharedDrop({self.digest_hex})"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All that is told."""

    teller: Teller
    drops: tuple[SharedDrop, ...]
    revisions: tuple[Revision, ...] = ()
    lists: tuple[Mapping[str, bytes], ...] = field(default=(), repr=False)
    """The tag files of bags that the sender had from the server, by name."""
    entries: tuple[Entry, ...] = ()

    @property
    def digests(self) -> frozenset[bytes]:
        """The drops that it is about."""
        return frozenset(drop.digest for drop in self.drops)

    @property
    def marks(self) -> dict[str, bytes]:
        """What the sender's custody log calls each drop, and the drop's digest."""
        return {
            mark_of(bytes.fromhex(drop.mark_salt), drop.digest): drop.digest for drop in self.drops
        }

    @property
    def cases(self) -> frozenset[bytes]:
        """The records of the cases that it is about."""
        return frozenset(bytes.fromhex(each) for each in self.teller.cases)


def belonging(
    revisions: Iterable[Revision], *, drops: Collection[bytes], cases: Collection[bytes]
) -> Iterator[Revision]:
    """Yield those revisions that may travel with these drops and cases.

    A drop that is in a case only by somebody's word must not travel with the case from then on: of
    drops that aren't shared, a case may say only that they were taken out of it.
    """
    told = list(revisions)
    persons = {each.within for each in told if each.kind is Kind.APPEARANCE and each.about in drops}
    for each in told:
        if _belongs(each, drops, cases, persons):
            yield each


def _belongs(
    each: Revision, drops: Collection[bytes], cases: Collection[bytes], persons: Collection[object]
) -> bool:
    match each.kind:
        case Kind.CASE:
            return each.record in cases and each.about is None and each.within is None
        case Kind.PERSON:
            return each.record in persons and each.about is None and each.within is None
        case Kind.APPEARANCE:
            return each.about in drops and each.within in persons
        case Kind.MEMBER:
            taken_out = each.about is not None and each.content is None
            return each.within in cases and (each.about in drops or taken_out)
        case Kind.NOTE if each.about is None:
            return each.within in cases or each.within in persons
        case _:
            places = (None, *cases, *persons)
            return each.about in drops and each.within in places


def _is_called_rightly(each: Revision) -> bool:
    """Say whether a record of which there is one of its kind has the name that it has everywhere.

    Else a drop could come to have a second status, or a hold that nobody finds. What removes a tag
    doesn't say which; it removes no other than what was one.
    """
    about, within = each.about or b"", each.within or b""
    match each.kind, each.content:
        case ((Kind.STATUS | Kind.ASSIGNEE | Kind.SUMMARY | Kind.RETENTION), _):
            return each.record == record_of(each.kind, about)
        case ((Kind.MEMBER | Kind.APPEARANCE), _):
            return each.record == record_of(each.kind, about, within)
        case Kind.TAG, Text(text=part):
            return each.record == record_of(each.kind, about, part.encode())
        case Kind.CHECK, Check(step=part):
            return each.record == record_of(each.kind, about, part.encode())
        case Kind.TRANSCRIPT, Transcript(language=part):
            return each.record == record_of(each.kind, about, part.encode())
    return True


def written(case: CaseFile) -> bytes:
    """Return the file, padded. Raises CaseTooLarge."""
    lines = [b"desk " + msgspec.json.encode(case.teller)]
    lines += [b"drop " + msgspec.json.encode(each) for each in case.drops]
    lines += [b"list " + _encoded_list(each) for each in case.lists]
    lines += [b"said " + each.said for each in case.revisions]
    lines += [b"did " + each.encoded for each in case.entries]
    lines.append(b"end %d" % len(lines))
    whole = b"\n".join([VERSION, *lines, b""])
    padded = padme(len(whole))
    if padded > LARGEST_BYTES:
        raise CaseTooLarge(needed=padded, most=LARGEST_BYTES)
    return whole.ljust(padded, b"\n")


def read(untrusted: bytes) -> CaseFile:
    """Return what a case file says, all of it within its bounds. Raises BadCase, NewerVersion."""
    if len(untrusted) > LARGEST_BYTES:
        raise BadCase("it is larger than a case may be")
    version, _, rest = untrusted.partition(b"\n")
    if version != VERSION:
        if version.startswith(_VERSIONS):
            raise NewerVersion(version[:100].decode("ascii", "replace"))
        raise BadCase("it is no case")
    lines = _whole_lines(rest)
    if len(untrusted) != padme(len(untrusted.rstrip(b"\n")) + 1):
        raise BadCase("its padding is not as long as it should be")
    return _case(lines)


def _whole_lines(rest: bytes) -> list[tuple[str, bytes]]:
    """Return each line before the end, as its first word and what follows."""
    lines = rest.rstrip(b"\n").split(b"\n")
    if not rest.endswith(b"\n") or lines.pop() != b"end %d" % len(lines):
        raise BadCase("it ends too soon, or not at its end")
    found = []
    for line in lines:
        word, space, said = line.partition(b" ")
        if not space:
            raise BadCase("a line says nothing")
        found.append((word.decode("ascii", "replace"), said))
    return found


def _case(lines: list[tuple[str, bytes]]) -> CaseFile:
    by_word: dict[str, list[bytes]] = {word: [] for word in ("desk", "drop", "list", "said", "did")}
    for word, said in lines:
        if word not in by_word:
            raise BadCase("a line is of no kind that we know")
        by_word[word].append(said)
    if len(by_word["desk"]) != 1:
        raise BadCase("it does not say once whose it is")
    try:
        case = CaseFile(
            teller=msgspec.json.decode(by_word["desk"][0], type=Teller),
            drops=tuple(msgspec.json.decode(each, type=SharedDrop) for each in by_word["drop"]),
            revisions=tuple(revision(each) for each in by_word["said"]),
            lists=tuple(_decoded_list(each) for each in by_word["list"]),
            entries=tuple(read_entry(each) for each in by_word["did"]),
        )
    except (msgspec.MsgspecError, BadRecord, ValueError):
        raise BadCase("a line can't be read") from None
    _check(case)
    return case


def _check(case: CaseFile) -> None:
    files = {drop.file for drop in case.drops}
    if not len(case.digests) == len(files) == len(case.drops):
        raise BadCase("a drop comes twice")
    allowed = belonging(case.revisions, drops=case.digests, cases=case.cases)
    if sum(1 for _ in allowed) != len(case.revisions):
        raise BadCase("it speaks of what was not shared")
    marks = set(case.marks)
    if any(each.drop not in marks for each in case.entries):
        raise BadCase("its custody log speaks of what was not shared")
    if not all(map(_is_called_rightly, case.revisions)):
        raise BadCase("it calls something otherwise than every desk does")


def _encoded_list(tag_files: Mapping[str, bytes]) -> bytes:
    return msgspec.json.encode({name: tag_files[name].decode("ascii") for name in TAG_FILES})


def _decoded_list(said: bytes) -> dict[str, bytes]:
    told: Any = msgspec.json.decode(said, type=dict[str, str])
    if set(told) != set(TAG_FILES):
        raise BadCase("a list of the server's is not whole")
    return {name: text.encode("ascii") for name, text in told.items()}

"""What boxes that go were about, as far as their names tell: for the report only.

    udta      boxes named for what they say: ©xyz, auth, loci
    meta      QuickTime: keys, u32 size, namespace, name each; or iTunes', which mutagen reads

Whatever is damaged here is passed over: it goes, whatever it says.
"""

from collections.abc import Iterator
from contextlib import suppress

from scrub.containers.bmff.boxes import Box, children, first
from scrub.errors import Malformed, TooComplex
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader
from scrub.tags import meaning

KINDS = {
    b"free": Kind.PADDING, b"skip": Kind.PADDING, b"wide": Kind.PADDING, b"uuid": Kind.IDENTIFIER,
    b"pnot": Kind.TIME, b"udta": Kind.TAG_BLOCK, b"meta": Kind.TAG_BLOCK, b"cprt": Kind.PERSON,
    b"prft": Kind.TIME, b"emsg": Kind.TEXT,
}  # fmt: skip
LONGEST_NAME = 200


def report(reader: Reader, box: Box, draft: Draft) -> None:
    """Count a box that goes, and what the tags in it are about."""
    draft.found(KINDS.get(box.type, Kind.UNKNOWN_CHUNK))
    with suppress(Malformed, TooComplex):
        if box.type == b"udta":
            for child in children(reader, box):
                if child.type == b"meta":
                    report(reader, child, draft)
                else:
                    draft.found(meaning(child.type.decode("latin-1")))
        elif box.type == b"meta":
            for key in _keys(reader, box):
                draft.found(meaning(key))


def _keys(reader: Reader, meta: Box) -> Iterator[str]:
    skip = 0 if reader.upto(meta.payload + 4, 4) == b"hdlr" else 4  # QuickTime's is no full box
    keys = first(list(children(reader, meta, skip)), b"keys")
    at = keys.payload + 8 if keys else 0
    while keys and at + 8 <= keys.end:
        size = max(8, reader.number(at, 4, "big"))
        yield reader.upto(at + 8, min(size - 8, LONGEST_NAME)).decode("latin-1")
        at += size

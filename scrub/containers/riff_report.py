"""Name what the chunks of a RIFF were about that go: WAV, Wave64 and AVI share their ids.

    bext      description 256, originator 32, its reference 32, date and time 18, UMID 64 at 348,
              coding history from 602 on
    INFO      a list of fields, each a chunk

EBU Tech 3285; RIFF: Multimedia Programming Interface and Data Specifications 1.0, 1991.
"""

import struct

from scrub.findings import LONGEST_TEXT, Kind
from scrub.plan import Draft
from scrub.reading import Reader
from scrub.tags import meaning

CHUNK_HEADER = struct.Struct("<4sI")
KINDS = {
    b"JUNK": Kind.PADDING,
    b"junk": Kind.PADDING,
    b"PAD ": Kind.PADDING,
    b"FLLR": Kind.PADDING,
    b"cue ": Kind.CHAPTERS,
    b"smpl": Kind.CHAPTERS,
    b"umid": Kind.IDENTIFIER,
    b"id3 ": Kind.TAG_BLOCK,
    b"ID3 ": Kind.TAG_BLOCK,
    b"LIST": Kind.TAG_BLOCK,
    b"list": Kind.TAG_BLOCK,
    b"bext": Kind.TAG_BLOCK,
    b"iXML": Kind.TAG_BLOCK,
    b"axml": Kind.TAG_BLOCK,
    b"_PMX": Kind.TAG_BLOCK,
    b"cart": Kind.TAG_BLOCK,
    b"IDIT": Kind.TIME,
    b"ISMP": Kind.TIME,
    b"strn": Kind.TITLE,
    b"strd": Kind.DEVICE,
}
BEXT = (
    (0, 256, Kind.COMMENT),
    (256, 288, Kind.PERSON),
    (288, 320, Kind.IDENTIFIER),
    (320, 338, Kind.TIME),
    (348, 412, Kind.IDENTIFIER),
    (602, 1024, Kind.ENCODER),
)
MOST_FIELDS = 1000


def report(reader: Reader, chunk_id: bytes, start: int, end: int, draft: Draft) -> None:
    """Count a chunk that goes, and what it is about as far as names of fields tell."""
    draft.found(KINDS.get(chunk_id, Kind.UNKNOWN_CHUNK))
    if chunk_id == b"bext":
        for begin, stop, kind in BEXT:
            said = reader.upto(start + begin, min(stop, end - start) - begin)
            if any(said):
                draft.found(kind, name=f"bext {begin}", value=said)
    elif chunk_id in (b"LIST", b"list") and reader.upto(start, 4) == b"INFO":
        _report_fields(reader, start + 4, end, draft)


def _report_fields(reader: Reader, at: int, end: int, draft: Draft) -> None:
    for _ in range(MOST_FIELDS):
        if at + CHUNK_HEADER.size > end:
            return
        field, length = CHUNK_HEADER.unpack(reader.exactly(at, CHUNK_HEADER.size))
        name = field.decode("latin-1")
        said = reader.upto(at + CHUNK_HEADER.size, min(length, LONGEST_TEXT))
        draft.found(meaning(name), name=name, value=said)
        at += CHUNK_HEADER.size + length + length % 2

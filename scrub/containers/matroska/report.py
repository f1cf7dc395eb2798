"""What parts of a segment that go were about, as far as their names tell: for the report only.

    Tags          1254C367 { Tag 7373 { SimpleTag 67C8 { TagName 45A3, TagString 4487 } } }
    Attachments   1941A469 { AttachedFile 61A7 { MIME type 4660 } }
    Info          1549A966, without what is kept of it

Whatever is damaged here is passed over: it goes, whatever it says. RFC 9559, 5.1.2 to 5.1.8.
"""

from contextlib import suppress

from scrub.containers.matroska.ebml import CRC, VOID, Element, children, text
from scrub.errors import Malformed, TooComplex
from scrub.findings import Kind
from scrub.moments import moment
from scrub.plan import Draft
from scrub.reading import Reader
from scrub.tags import meaning

TAGS, TAG, SIMPLE_TAG, TAG_NAME, TAG_STRING = 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487
ATTACHMENTS, ATTACHED_FILE, MIME_TYPE = 0x1941A469, 0x61A7, 0x4660
DATE = 0x4461
KINDS = {
    VOID: Kind.PADDING,
    TAGS: Kind.TAG_BLOCK,
    0x1043A770: Kind.CHAPTERS,
    # Of Info.
    DATE: Kind.TIME,
    0x7BA9: Kind.TITLE,
    0x4D80: Kind.ENCODER,  # the muxer's name, the program's
    0x5741: Kind.ENCODER,
    0x73A4: Kind.IDENTIFIER,  # this segment's, the one's before and behind, the family's
    0x3CB923: Kind.IDENTIFIER,
    0x3EB923: Kind.IDENTIFIER,
    0x4444: Kind.IDENTIFIER,
    0x7384: Kind.TITLE,  # names of files
    0x3C83AB: Kind.TITLE,
    0x3E83BB: Kind.TITLE,
}
REBUILT = frozenset({CRC, 0x114D9B74, 0x1C53BB6B})  # SeekHead, Cues
DEEPEST = 8
MOST_READ = 1 << 20  # bytes of tags whose names are told
LONGEST_NAME, LONGEST_VALUE = 100, 1000
NAMES = {
    DATE: "DateUTC",
    0x7BA9: "Title",
    0x4D80: "MuxingApp",
    0x5741: "WritingApp",
    0x7384: "SegmentFilename",
}


def report(reader: Reader, element: Element, draft: Draft) -> None:
    """Count an element that goes, and what the tags in it are about."""
    if element.id in REBUILT:
        return
    small = element.end - element.payload <= MOST_READ
    with suppress(Malformed, TooComplex):
        if element.id == ATTACHMENTS:
            _attachments(reader, element, draft)
            return
        if element.id == TAGS and small:
            _tags(reader, element, draft, DEEPEST)
    name = NAMES.get(element.id, "")
    draft.found(KINDS.get(element.id, Kind.UNKNOWN_CHUNK), name=name, value=_told(reader, element))


def _told(reader: Reader, element: Element) -> str:
    """Return what an element of Info says."""
    if element.id == DATE:
        date = int.from_bytes(reader.upto(element.payload, 8), "big", signed=True)
        return moment(2001, date / 10**9)
    if element.id in NAMES:
        return text(reader, element, LONGEST_VALUE).decode("utf-8", "replace")
    return ""


def _attachments(reader: Reader, attachments: Element, draft: Draft) -> None:
    for file in children(reader, attachments.payload, attachments.end):
        kind = Kind.UNKNOWN_CHUNK
        for child in children(reader, file.payload, file.end):
            if child.id == MIME_TYPE and text(reader, child, LONGEST_NAME).startswith(b"image/"):
                kind = Kind.PICTURE
        draft.found(kind)


def _tags(reader: Reader, parent: Element, draft: Draft, depth: int) -> None:
    name = value = b""
    for child in children(reader, parent.payload, parent.end):
        if child.id == TAG_NAME:
            name = text(reader, child, LONGEST_NAME)
        elif child.id == TAG_STRING:
            value = text(reader, child, LONGEST_VALUE)
        elif child.id in (TAG, SIMPLE_TAG) and depth:
            _tags(reader, child, draft, depth - 1)
    if name:
        told = name.decode("utf-8", "replace")
        draft.found(meaning(told), name=told, value=value.decode("utf-8", "replace"))

"""What codecs in Ogg put in front of their packets, and what of it is kept.

    Vorbis    identification 30 bytes; comments; setup. Vorbis I, 4.2
    Opus      OpusHead 19 bytes, or 21 + a table of channels; OpusTags. RFC 7845, RFC 8486
    FLAC      51 bytes with STREAMINFO; comments, and a packet for each other block. RFC 9639, 10.1
    Speex     80 bytes; comments; maybe more. The Speex Codec Manual, "Ogg file format"
    Theora    identification 42 bytes; comments; setup. Theora Specification, 6
    VP8       26 bytes; comments. As FFmpeg and GStreamer write it

Comments become those of nobody: no vendor, no fields.
"""

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

from scrub.codecs import theora, vorbis
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind

NO_COMMENTS = bytes(8)  # a vendor of no length, no fields
MD5_LENGTH = 16
STREAMINFO_HEAD = b"\0\0\0\x22"
LAST_BLOCK = 0x80
FLAC_KINDS = (Kind.CHECKSUM, Kind.PADDING, Kind.IDENTIFIER, Kind.PADDING, Kind.TAG_BLOCK,
              Kind.CHAPTERS, Kind.PICTURE)  # fmt: skip
SPEEX_VERSION, SPEEX_VERSION_END = 8, 28


class Header(NamedTuple):
    """What is kept of a header: nothing where it goes. `hidden` is what it held beside that."""

    kept: bytes
    last: bool = False
    hidden: Kind = Kind.SLACK


class Mapping(NamedTuple):
    """How a codec lies in Ogg.

    `header` is asked with a header's number, its packet (which may be cut short past 64 KiB), and
    what was kept of the first. `has_header` is asked whether one of the packets that begin in a
    block at these places, at least one, is a header instead of sound or picture.
    """

    codec: str
    signature: bytes
    header: Callable[[int, bytes, bytes], Header]
    has_header: Callable[[bytes, Sequence[int]], bool]
    is_picture: bool = False


def mapping(packet: bytes) -> Mapping | None:
    """Return how the codec whose first packet this is lies in Ogg; None for a mere companion."""
    for each in MAPPINGS:
        if packet.startswith(each.signature):
            return each
    for signature, what in UNCLEANABLE:
        if packet.startswith(signature):
            raise Unsupported("Ogg", what)
    if packet.startswith(COMPANIONS):
        return None
    raise Unsupported("Ogg", "a stream of unknown kind")


def _vorbis(which: int, packet: bytes, first: bytes) -> Header:
    if which == 0:
        return Header(_whole(packet, 30)[:-1] + b"\1")  # the framing bit, and no other
    if which == 1:
        _require(packet.startswith(b"\3vorbis"))
        return Header(b"\3vorbis" + NO_COMMENTS + b"\1", hidden=Kind.TAG_BLOCK)
    _require(packet.startswith(vorbis.SIGNATURE))
    return Header(vorbis.whole_setup(packet, channels=max(1, first[11])), last=True)


def _opus(which: int, packet: bytes, _: bytes) -> Header:
    if which == 1:
        _require(packet.startswith(b"OpusTags"))
        return Header(b"OpusTags" + NO_COMMENTS, last=True, hidden=Kind.TAG_BLOCK)
    channels, family = _whole(packet, 19)[9], packet[18]
    length = 21 + channels if family else 19
    if family == 3:  # ambisonics, with a matrix
        streams, coupled = _whole(packet, 21)[19:]
        length = 21 + 2 * channels * (streams + coupled)
    return Header(_whole(packet, length))


def _flac(which: int, packet: bytes, _: bytes) -> Header:
    if which == 0:
        info = _whole(packet, 51)
        _require(info[5] == 1 and info[9:13] == b"fLaC" and info[14:17] == STREAMINFO_HEAD[1:])
        hidden = Kind.CHECKSUM if any(info[-MD5_LENGTH:]) else Kind.SLACK
        kept = b"\x7fFLAC\1\0\0\1fLaC" + STREAMINFO_HEAD + info[17:-MD5_LENGTH] + bytes(MD5_LENGTH)
        return Header(kept, hidden=hidden)
    _require(packet[:1] not in (b"", b"\xff"))
    last, block = packet[0] & LAST_BLOCK != 0, packet[0] & ~LAST_BLOCK
    if which == 1:
        comments = bytes([LAST_BLOCK | 4, 0, 0, len(NO_COMMENTS)]) + NO_COMMENTS
        return Header(comments, last, Kind.TAG_BLOCK)
    return Header(b"", last, FLAC_KINDS[block] if block < len(FLAC_KINDS) else Kind.UNKNOWN_CHUNK)


def _speex(which: int, packet: bytes, _: bytes) -> Header:
    if which == 0:
        return Header(_speex_head(_whole(packet, 80)), hidden=Kind.ENCODER)
    return Header(NO_COMMENTS if which == 1 else b"", last=True, hidden=Kind.TAG_BLOCK)


def _theora(which: int, packet: bytes, _: bytes) -> Header:
    if which == 0:
        kept = _whole(packet, 42)
        return Header(kept[:-1] + bytes([kept[-1] & 0xF8]))  # three bits are reserved
    if which == 1:
        _require(packet.startswith(b"\x81theora"))
        return Header(b"\x81theora" + NO_COMMENTS, hidden=Kind.TAG_BLOCK)
    _require(packet.startswith(theora.SIGNATURE))
    return Header(theora.whole_setup(packet), last=True)


def _vp8(which: int, packet: bytes, _: bytes) -> Header:
    if which == 0:
        return Header(_whole(packet, 26))
    _require(packet.startswith(b"OVP80\2\x20"))
    return Header(b"OVP80\2\x20" + NO_COMMENTS, last=True, hidden=Kind.TAG_BLOCK)


def _speex_head(head: bytes) -> bytes:
    """Return a Speex header without its version in words and what is reserved.

    Behind the words: version 4, size 4, then 32 bytes of settings, extra headers 4, reserved 8.
    """
    if any(head[68:72]):
        raise Unsupported("Ogg", "Speex sound with more headers")
    version, size = (1).to_bytes(4, "little"), (80).to_bytes(4, "little")
    return head[:8] + bytes(20) + version + size + head[36:68] + bytes(12)


def _whole(packet: bytes, length: int) -> bytes:
    _require(len(packet) >= length)
    return packet[:length]


def _require(kept: bool) -> None:
    if not kept:
        raise Malformed("a header is damaged or missing", offset=0)


def _marked(is_header: Callable[[int], bool]) -> Callable[[bytes, Sequence[int]], bool]:
    """Look for packets whose first byte says that they are headers."""
    marks = bytes(0x80 if is_header(byte) else 0 for byte in range(256))

    def has_header(block: bytes, starts: Sequence[int]) -> bool:
        # itemgetter is three times as fast as asking byte by byte, but gives one item as such
        firsts = bytes(itemgetter(starts[0], *starts)(block))
        return not firsts.translate(marks).isascii()

    return has_header


def _signed(pattern: bytes) -> Callable[[bytes, Sequence[int]], bool]:
    """Look for packets that begin as headers do."""
    matches = re.compile(pattern).match

    def has_header(block: bytes, starts: Sequence[int]) -> bool:
        return any(matches(block, start) for start in starts)

    return has_header


# Speex's comments have no signature: a short vendor in letters, or none and a field in letters.
_SPEEX_HEADERS = (
    rb"Speex   |[\6-\xff]\0\0\0[ -~]{6}|\0{4}[\1-\xff]\0{3}[\2-\xff][\0-\xff]\0\0[ -~]{2}"
)

MAPPINGS = (
    Mapping("Vorbis", b"\1vorbis", _vorbis, _marked(lambda byte: byte & 1 == 1)),
    Mapping("Opus", b"OpusHead", _opus, _signed(b"Opus(?:Head|Tags)")),
    Mapping("FLAC", b"\x7fFLAC", _flac, _marked(lambda byte: byte != 0xFF)),
    Mapping("Speex", b"Speex   ", _speex, _signed(_SPEEX_HEADERS)),
    Mapping("Theora", b"\x80theora", _theora, _marked(lambda byte: byte >= 0x80), is_picture=True),
    Mapping("VP8", b"OVP80\1", _vp8, _signed(b"OVP80"), is_picture=True),
)
# Streams that accompany sound: text, indexes, subtitles.
COMPANIONS = (b"fishead\0", b"\x80kate", b"CMML", b"\1text", b"writ", b"annodex\0", b"index\0")
UNCLEANABLE = (
    (b"BBCD", "Dirac video"),
    (b"\1video\0", "OGM video"),
    (b"\1audio\0", "OGM sound"),
    (b"PCM     ", "PCM sound"),
    (b"CELT    ", "CELT sound"),
    (b"fLaC", "FLAC sound of before 2004"),
)

"""The adaptation field and the head of a PES packet: what of them stays, in as many bytes.

    adaptation   u8 length, flags: discontinuity, random access, priority, PCR, OPCR, splice,
                 private data, extension; PCR 6 bytes, …; stuffing FF
    PES          00 00 01, u8 stream, u16 length; 10, scrambling 2 bits, priority, alignment,
                 copyright, original; flags: PTS 2 bits, ESCR, rate, trick, copy, CRC, extension;
                 u8 length of what follows: PTS 5 bytes, DTS 5, …; stuffing FF

PCR, PTS, DTS and the number of a sub-stream stay; all else becomes stuffing.
ISO/IEC 13818-1, 2.4.3.4 and 2.4.3.6.
"""

from scrub.errors import Unsupported

PCR, PCR_SIZE = 0x10, 6
KEPT_FLAGS = 0xF0
MARK = b"\0\0\1"
SHORTEST_HEAD = 9
PTS_SIZES = (0, 0, 5, 10)
EXTENDED_STREAM = 0xFD
# Streams whose packets have a head and carry sound or pictures: private, audio, video, extended.
STREAMS = frozenset((0xBD, *range(0xC0, 0xF0), EXTENDED_STREAM))
EXTENSION_SIZES = (16, 0, 2, 2)  # private data, pack header (told by a byte), sequence, buffer
LAST = 0x0F  # of an extension's flags: reserved bits, which muxers write as they like, and a number
ONE_BYTE = 0x81


def neutral_adaptation(field: bytes) -> bytes:
    """Return an adaptation field, without its length, of the same size with the PCR at most."""
    if not field:
        return field
    flags = field[0] & KEPT_FLAGS
    size = 1 + (PCR_SIZE if flags & PCR else 0)
    if size > len(field):
        flags, size = flags & ~PCR, 1
    return (bytes((flags,)) + field[1:size]).ljust(len(field), b"\xff")


def pes_head(payload: bytes) -> bytes | None:
    """Return the head of a PES packet of the same size with its times at most.

    None where no packet of sound or pictures begins. Raises Unsupported when it is encrypted, or
    its head goes on in another packet.
    """
    if payload[:3] != MARK or len(payload) < SHORTEST_HEAD or payload[3] not in STREAMS:
        return None
    if payload[6] & 0xC0 != 0x80:
        return None
    if payload[6] & 0x30:
        raise Unsupported("MPEG-TS", "an encrypted stream")
    size = SHORTEST_HEAD + payload[8]
    if size > len(payload):
        raise Unsupported("MPEG-TS", "a head spread over packets")
    flags = payload[7] & 0xC0
    times = PTS_SIZES[flags >> 6]
    if times > payload[8] or flags == 0x40:
        flags = times = 0
    kept = payload[SHORTEST_HEAD : SHORTEST_HEAD + times]
    if payload[3] == EXTENDED_STREAM:
        number = _number(payload[:size], SHORTEST_HEAD + times)
        if number is not None:
            flags, kept = flags | 1, kept + number
    return (payload[:7] + bytes((flags, payload[8])) + kept).ljust(size, b"\xff")


def _number(head: bytes, at: int) -> bytes | None:
    """Return an extension with nothing but a sub-stream's number, the last thing in a head."""
    flags = head[7]
    at += sum(size for bit, size in ((0x20, 6), (0x10, 3), (8, 1), (4, 1), (2, 2)) if flags & bit)
    if not flags & 1 or at >= len(head):
        return None
    present, at = head[at], at + 1
    for bit, size in zip((0x80, 0x40, 0x20, 0x10), EXTENSION_SIZES, strict=True):
        if present & bit:
            at += size if bit != 0x40 else 1 + (head[at] if at < len(head) else 0)
    if not present & 1 or at + 1 >= len(head) or not head[at] & 0x7F:
        return None
    return bytes((present & LAST, ONE_BYTE, head[at + 1] & 0x7F))

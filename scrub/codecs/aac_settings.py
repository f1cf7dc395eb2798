"""AAC's settings for its decoder: where their free text is, so that it can be left out.

    object      5 bits, 31: 6 more; rate: 4 bits, 15: 24 more; channels: 4 bits; for SBR and PS
                another rate and object
    AAC         3 flags, the second with 14 bits; with channels 0 a program config element
    program     4 + 2 + 4 bits, six counts of 4 4 4 2 3 4 bits, 3 flags with 4 4 3 bits, 5 bits for
                each front, side, back and coupled element, 4 for each other; zeros up to a byte;
                u8 length of a comment, the comment
    behind      2B7 in 11 bits, 5 in 5 bits, a flag for SBR and its rate, 548 in 11 bits, a flag
                for PS; where sound is protected against errors at most 8 bytes

ISO/IEC 14496-3, 1.6.2.1 and 4.4.1.
"""

from scrub.codecs.bits import Bits

ESCAPE, ESCAPED_RATE = 31, 15
SBR, PS = 5, 29
GENERAL = frozenset({1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23})
RESILIENT = frozenset({6, 17, 19, 20, 21, 22, 23})  # layers and protection follow first
SYNC_SBR, SYNC_PS = 0x2B7, 0x548
MOST_BEHIND = 8
PROGRAM = 5  # the element of a raw block
BEHIND = bytes(128)  # what is cut off reads as zeros, and no program is longer


def without_comment(settings: bytes) -> bytes:
    """Return the settings with a comment of no length, and with no more behind than is defined."""
    bits = Bits(settings + BEHIND)
    kind = _object(bits)
    _skip_rate(bits)
    channels = bits.take(4)
    if kind in (SBR, PS):
        _skip_rate(bits)
        kind = _object(bits)
    if kind not in GENERAL:
        return settings
    bits.take(1)
    if bits.take(1):
        bits.take(14)
    bits.take(1)
    if channels:
        return settings[: _end(bits, kind)]
    _skip_program(bits)
    at = (bits.at + 7) // 8
    length = settings[at] if at < len(settings) else 0
    behind = settings[at + 1 + length :]
    behind = behind[: _end(Bits(behind + BEHIND), kind)]
    return settings[:at] + b"\0" + behind if at < len(settings) else settings


def _end(bits: Bits, kind: int) -> int:
    """Return how many bytes there are with what tells of SBR and PS, if that is what follows."""
    end = (bits.at + 7) // 8
    if kind in RESILIENT:
        return end + MOST_BEHIND
    if bits.take(11) != SYNC_SBR or bits.take(5) != SBR:
        return end
    if bits.take(1):
        _skip_rate(bits)
        after = bits.at
        if bits.take(11) != SYNC_PS:
            return (after + 7) // 8
        bits.take(1)
    return (bits.at + 7) // 8


def comment_in_block(block: bytes) -> int:
    """Return how long the comment is in the program config a raw block may begin with."""
    bits = Bits(block + BEHIND)
    if bits.take(3) != PROGRAM:
        return 0
    _skip_program(bits)
    at = (bits.at + 7) // 8
    return block[at] if at < len(block) else 0


def _object(bits: Bits) -> int:
    kind = bits.take(5)
    return 32 + bits.take(6) if kind == ESCAPE else kind


def _skip_rate(bits: Bits) -> None:
    if bits.take(4) == ESCAPED_RATE:
        bits.take(24)


def _skip_program(bits: Bits) -> None:
    bits.take(10)
    front, side, back, low, data, coupled = (bits.take(width) for width in (4, 4, 4, 2, 3, 4))
    for width in (4, 4, 3):  # a mono, a stereo mixdown, a matrix
        if bits.take(1):
            bits.take(width)
    bits.take(5 * (front + side + back + coupled) + 4 * (low + data))

"""avcC and hvcC, the settings of decoders of H.264 and H.265: parameter sets, and nothing else.

    avcC      1, profile, constraints, level; length size - 1 in 2 bits; count in 5 bits, SPS each
              behind its u16 length; u8 count, PPS; of high profiles chroma, two depths, extensions
    hvcC      22 bytes, length size - 1 in the last; u8 arrays: u8 type, u16 count, units as above

x265 puts its settings as an SEI unit into hvcC. ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1.
"""

from scrub.codecs.sei import Codec
from scrub.codecs.unit import Stream, cleaned, unprevented
from scrub.errors import Malformed
from scrub.findings import Kind

SPS, LEVELS = 33, 12  # bytes that tell profile, compatibility, constraints and level


def configured(config: bytes, codec: Codec, *, dolby: bool = False) -> tuple[Stream, bytes]:
    """Return a stream as avcC or hvcC describes it, and the description cleaned.

    Parameter sets stay, and of H.265's SEI units what decoding needs; trailing bytes go.
    Raises Malformed.
    """
    lengths_at = 4 if codec is Codec.AVC else 21
    if len(config) < lengths_at + 2 or config[0] > 1:
        raise Malformed("the decoder's settings are damaged", offset=0)
    stream = Stream(codec, (config[lengths_at] & 3) + 1, dolby)
    cleaned = _avcc(config, stream) if codec is Codec.AVC else _hvcc(config, stream)
    return stream, cleaned


class _Fields:
    """The counted lists of avcC and hvcC."""

    def __init__(self, config: bytes, at: int) -> None:
        self.config = config
        self.at = at

    def number(self, length: int) -> int:
        self.at += length
        if self.at > len(self.config):
            raise Malformed("the decoder's settings are damaged", offset=0)
        return int.from_bytes(self.config[self.at - length : self.at], "big")

    def units(self, count: int) -> list[bytes]:
        found = []
        for _ in range(count):
            length = self.number(2)
            self.number(length)
            found.append(self.config[self.at - length : self.at])
        return found


def _avcc(config: bytes, stream: Stream) -> bytes:
    fields = _Fields(config, 5)
    sets = _listed(fields.units(fields.number(1) & 31), (7, 15), stream)
    pictures = _listed(fields.units(fields.number(1)), (8,), stream)
    new = config[:4] + bytes([config[4] | 0xFC, 0xE0 | sets[0]]) + sets[1:]
    new += pictures
    profile_has_more = config[1] not in (66, 77, 88)
    if profile_has_more and len(config) - fields.at >= 4:
        chroma, luma_depth, chroma_depth, count = (fields.number(1) for _ in range(4))
        new += bytes([chroma | 0xFC, luma_depth | 0xF8, chroma_depth | 0xF8])
        new += _listed(fields.units(count), (13,), stream)
    if len(new) < len(config):
        stream.found[Kind.SLACK] += 1
    return new


def _listed(units: list[bytes], types: tuple[int, ...], stream: Stream) -> bytes:
    """Return how many units of these types there are, in a byte, and each behind its length."""
    same = [cleaned(unit, stream) for unit in units if unit and unit[0] & 0x9F in types]
    return bytes([len(same)]) + b"".join(len(u).to_bytes(2, "big") + u for u in same)


def _hvcc(config: bytes, stream: Stream) -> bytes:
    ones = {13: 0xF0, 15: 0xFC, 16: 0xFC, 17: 0xF8, 18: 0xF8}  # reserved bits
    head = bytes(byte | ones.get(at, 0) for at, byte in enumerate(config[:22]))
    fields = _Fields(config, 22)
    arrays = []
    for _ in range(fields.number(1)):
        kind = fields.number(1)
        units = fields.units(fields.number(2))
        if kind & 63 not in (32, 33, 34, 39, 40):
            continue
        matching = [unit for unit in units if unit and unit[0] >> 1 == kind & 63]
        same = [new for new in (cleaned(unit, stream) for unit in matching) if new]
        if kind & 63 == SPS and same:
            head = _levelled(head, same[0])
        if same:
            body = b"".join(len(u).to_bytes(2, "big") + u for u in same)
            arrays.append(bytes([kind & 0xBF]) + len(same).to_bytes(2, "big") + body)
    new = head + bytes([len(arrays)]) + b"".join(arrays)
    if len(new) < len(config) and not stream.found:
        stream.found[Kind.SLACK] += 1
    return new


def _levelled(head: bytes, sps: bytes) -> bytes:
    """Return the head of hvcC with profile and level as a parameter set of the base tells them."""
    told = unprevented(sps[2:64])[1 : 1 + LEVELS]
    is_base = not sps[0] & 1 and not sps[1] >> 3
    return head[:1] + told + head[1 + LEVELS :] if is_base and len(told) == LEVELS else head

"""The Data object: find it, look through its packets once, and write them.

    data      GUID, u64 size of the object, 16-byte id, u64 packets, u16 0101, then packets

The header that stands in front tells how many packets there are, so they are counted before
anything is written; where no packet hides anything, that one look is all. A live recording has no
size, one that was cut off too large a one: then all whole packets count that are there. Players
skip a packet that is damaged, so single ones are left out; nor do they play a media object whose
end is missing behind the last packet.
Advanced Systems Format specification 1.20.03, 5.1.
"""

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scrub.containers.asf import guids
from scrub.containers.asf.objects import HEAD
from scrub.containers.asf.packets import GONE, Packet, Payload, blemishes, parsed, rewritten
from scrub.errors import Malformed
from scrub.findings import Kind
from scrub.plan import Draft, Literal
from scrub.reading import Reader

DATA = struct.Struct("<16sQ16sQH")
RESERVED = 0x0101
BLOCK = 1 << 20
MOST_BEFORE = 64  # objects between header and data
DAMAGED = 50  # one packet in so many may be damaged


class Data(NamedTuple):
    """Where the packets lie, whole ones of `packet_size`."""

    start: int
    end: int
    packet_size: int


@dataclass(slots=True)
class Survey:
    """What a look through all packets told."""

    packets: int = 0
    payloads: int = 0
    size: int = 0
    last_time: int = 0  # ms
    damaged: int = 0
    found: Counter[Kind] = field(default_factory=Counter)
    endless: dict[int, int] = field(default_factory=dict)  # stream → where its last object begins

    @property
    def clean(self) -> bool:
        """Say whether all packets may stay as they are."""
        return not self.found

    def report(self, draft: Draft) -> None:
        """Count what goes."""
        for kind, times in self.found.items():
            draft.found(kind, times)


def find_data(reader: Reader, start: int, packet_size: int, draft: Draft) -> Data:
    """Return where the packets are; count what stands in front of and behind them."""
    for _ in range(MOST_BEFORE):
        guid, size = HEAD.unpack(reader.exactly(start, HEAD.size))
        if guid == guids.DATA:
            break
        if not HEAD.size <= size <= reader.size - start:
            raise Malformed("an object runs past its end", offset=start)
        draft.found(Kind.UNKNOWN_CHUNK)
        start += size
    else:
        raise Malformed("there is no sound", offset=start)
    _, _, identifier, _, _ = DATA.unpack(reader.exactly(start, DATA.size))
    draft.found(Kind.IDENTIFIER, any(identifier))
    begin = start + DATA.size
    end = start + size
    if size <= DATA.size or end > reader.size:  # of a live one ffmpeg says 50: no packet
        end = reader.size
    end -= (end - begin) % packet_size
    _report_behind(reader, end, draft)
    return Data(begin, end, packet_size)


def _report_behind(reader: Reader, at: int, draft: Draft) -> None:
    """Count what stands behind the last packet: as objects, as long as they are whole."""
    for _ in range(MOST_BEFORE):
        head = reader.upto(at, HEAD.size)
        size = HEAD.unpack(head)[1] if len(head) == HEAD.size else 0
        if not HEAD.size <= size <= reader.size - at:
            break
        draft.found(Kind.UNKNOWN_CHUNK)
        at += size
    draft.found(Kind.TRAILING, at < reader.size)


def _packets(
    reader: Reader, data: Data, endless: Mapping[int, int]
) -> Iterator[tuple[int, bytes, Packet | None]]:
    """Yield every packet with the block it is in, and where that lies; None for a damaged one."""
    size = data.packet_size
    step = max(1, BLOCK // size) * size
    for offset, block in reader.blocks(data.start, data.end, step):
        for start in range(0, len(block), size):
            packet = parsed(block, start, size)
            if endless and packet is not None:
                packet = _without(packet, endless, offset)
            yield offset, block, packet


def _without(packet: Packet, endless: Mapping[int, int], offset: int) -> Packet:
    """Mark the payloads of media objects without an end."""
    payloads = [
        payload._replace(stream=GONE)
        if offset + payload.start >= endless.get(payload.stream, offset + packet.end)
        else payload
        for payload in packet.payloads
    ]
    return packet._replace(payloads=payloads)


class _Objects:
    """The media objects that have begun and not ended, a stream each."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[object, int, int]] = {}  # number, bytes missing, where it began

    def take(self, payload: Payload, offset: int) -> None:
        """Follow one payload, in a block that lies at `offset`."""
        stream, length = payload.stream, payload.end - payload.data
        number, missing, begin = self._open.pop(stream, (None, 0, 0))
        if number != payload.number or not payload.before:
            missing, begin = payload.size, offset + payload.start
        if missing > length:
            self._open[stream] = (payload.number, missing - length, begin)

    def begun(self) -> dict[int, int]:
        """Return where those that have no end begin."""
        return {stream: begin for stream, (_, _, begin) in self._open.items()}


def survey(reader: Reader, data: Data, keep: Mapping[int, int]) -> Survey:
    """Look through all packets; `keep` are the streams that stay, and their bytes of extensions."""
    seen = _survey(reader, data, keep, {})
    return _survey(reader, data, keep, seen.endless) if seen.endless else seen


def _survey(
    reader: Reader, data: Data, keep: Mapping[int, int], endless: Mapping[int, int]
) -> Survey:
    seen = Survey()
    objects = _Objects()
    for offset, block, packet in _packets(reader, data, endless):
        if packet is None:
            seen.damaged += 1
            seen.found[Kind.SLACK] += 1
            if seen.damaged > 1 + (data.end - data.start) // data.packet_size // DAMAGED:
                raise Malformed("data packets are damaged", offset=offset)
            continue
        for kind in blemishes(block, packet, keep):
            seen.found[kind] += 1
        kept = [payload for payload in packet.payloads if payload.stream in keep]
        if kept:
            seen.packets += 1
            seen.payloads += len(kept)
            seen.size += sum(payload.end - payload.data for payload in kept)
            seen.last_time = packet.send_time
            for payload in kept:
                objects.take(payload, offset)
    seen.endless = dict(endless) or objects.begun()
    return seen


def write_packets(
    reader: Reader, data: Data, keep: Mapping[int, int], seen: Survey, draft: Draft
) -> None:
    """Write every packet that has something to play."""
    for offset, block, packet in _packets(reader, data, seen.endless):
        if packet is None:
            continue
        if not blemishes(block, packet, keep):
            draft.copy(offset + packet.start, offset + packet.end)
            continue
        for cut in rewritten(block, packet, keep, offset):
            if isinstance(cut, Literal):
                draft.write(cut.data)
            else:
                draft.copy(cut.start, cut.end)

"""The two tables that players need, which stand in packets among the others, again and again.

    payload   u8 pointer: what belongs to the section before; sections; stuffing FF
    section   u8 table, u16 B0 and length 12 bits, u16 number, C1 with version, u8 part,
              u8 last part, entries, CRC-32
    PAT       entries: u16 program, u16 E0 and PID of its PMT
    PMT       u16 PID of the clock, u16 length, descriptors; entries: u8 type of stream, u16 PID,
              u16 length, descriptors

Programs are numbered anew, from 1, and so are versions; names of networks go. Of descriptors stay
those by which a player tells a codec. ISO/IEC 13818-1, 2.4.4 and 2.6; ETSI EN 300 468, 6.2.
"""

import struct
import zlib
from collections.abc import Container, Iterator
from enum import Enum, auto
from typing import NamedTuple

from scrub.containers.mpegts.packets import START, SYNC

PAT, PMT = 0x00, 0x02
SECTION_HEAD, CRC_SIZE = 8, 4
LONGEST_SECTION = 1024
CURRENT = 0x01
PAYLOAD = 184
PID_MASK = 0x1FFF
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
ENTRY = struct.Struct(">BHH")

REGISTRATION, EXTENSION, OPUS = 0x05, 0x7F, 0x80
DVB_SOUND = (0x6A, 0x7A, 0x7B)  # AC-3, E-AC-3, DTS
BLU_RAY = (b"HDMV", b"HDPR")


class Codec(Enum):
    """What becomes of a stream."""

    SOUND = auto()
    MPEG = auto()  # pictures with user data amid them, which stays
    AVC = auto()
    HEVC = auto()
    OTHER = auto()  # goes
    UNKNOWN = auto()  # may be pictures: refused


NAMED = dict.fromkeys((b"AC-3", b"EAC3", b"DTS1", b"DTS2", b"DTS3", b"Opus", b"BSSD"), Codec.SOUND)
NAMED[b"HEVC"] = Codec.HEVC
CODECS = dict.fromkeys((0x03, 0x04, 0x0F, 0x11, 0x81, 0x87, 0x8A), Codec.SOUND)
CODECS |= dict.fromkeys((0x01, 0x02, 0x10), Codec.MPEG)
CODECS |= {0x1B: Codec.AVC, 0x24: Codec.HEVC}
CODECS_OF_BLU_RAY = dict.fromkeys((0x80, *range(0x82, 0x87), 0xA1, 0xA2), Codec.SOUND)
PRIVATE, USERS = 0x06, 0x80  # types that say nothing, and from here on what users agree on
# Sections, subtitles, data, and what users agree on; but JPEG 2000, AVS, VVC, Dirac, VC-1 are not.
OTHERS = frozenset((0x00, *range(0x05, 0x0F), *range(0x12, 0x1B), 0x1D, 0x1E, *range(0x7F, 0x100)))
OTHERS -= {0xD1, 0xD2, 0xEA}


class Entry(NamedTuple):
    """A stream of a program, with the descriptors that stay."""

    kind: int
    pid: int
    codec: Codec
    descriptors: bytes


class Program(NamedTuple):
    """What a PMT says."""

    clock: int  # the PID where PCRs are
    descriptors: bytes
    entries: tuple[Entry, ...]


class Section(NamedTuple):
    """A whole section whose CRC is right, and the packets that it came in."""

    whole: bytes
    packets: tuple[bytes, ...]

    @property
    def table(self) -> int:
        """Which table it is part of."""
        return self.whole[0]

    @property
    def number(self) -> int:
        """Of a PMT: which program it describes."""
        return int.from_bytes(self.whole[3:5], "big")

    @property
    def parts(self) -> bytes:
        """Which part of how many it is."""
        return self.whole[6:8]


class Sections:
    """Puts the sections of one PID together."""

    def __init__(self) -> None:
        self._pending = b""
        self._packets: list[bytes] = []
        self._last = b""  # which was right: most come again and again

    def feed(self, packet: bytes) -> list[Section]:
        """Take the next packet; return the sections of PAT and PMT that end in it."""
        start, payload = packet[1] & START, payload_of(packet)
        done: list[Section] = []
        if start and payload:
            pointer = payload[0]
            if self._pending:
                self._packets.append(packet)
                self._pending += payload[1 : 1 + pointer]
                done = self._ended()
            self._pending, self._packets = payload[1 + pointer :], [packet]
        elif self._pending:
            self._pending += payload
            self._packets.append(packet)
        return done + self._ended()

    @property
    def waiting(self) -> bool:
        """Whether a section has begun."""
        return bool(self._pending)

    def _ended(self) -> list[Section]:
        done: list[Section] = []
        while len(self._pending) >= 3 and self._pending[0] != 0xFF:
            size = 3 + (int.from_bytes(self._pending[1:3], "big") & 0xFFF)
            if len(self._pending) < size <= LONGEST_SECTION:
                return done
            section, self._pending = self._pending[:size], self._pending[size:]
            if section == self._last or _is_right(section):
                self._last = section
                done.append(Section(section, tuple(self._packets)))
            self._packets = self._packets[-1:]
        self._pending = b""
        return done


def _is_right(section: bytes) -> bool:
    """Say whether it is a PAT or PMT in force, with a right CRC."""
    return (
        SECTION_HEAD + CRC_SIZE <= len(section) <= LONGEST_SECTION
        and section[0] in (PAT, PMT)
        and section[1] & 0x80 != 0
        and section[5] & CURRENT != 0
        and crc32(section) == bytes(4)
    )


def payload_of(packet: bytes) -> bytes:
    """Return a packet's payload, which may be nothing."""
    start = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    return packet[start:] if packet[3] & 0x10 else b""


def crc32(section: bytes) -> bytes:
    """Return the CRC of ISO/IEC 13818-1, Annex A; zero for bytes that end in their own."""
    mirrored = zlib.crc32(section.translate(MIRRORED)) ^ 0xFFFFFFFF
    return mirrored.to_bytes(4, "little").translate(MIRRORED)


def read_pat(section: Section) -> dict[int, int]:
    """Return the PIDs of PMTs by program; the network's is not among them."""
    body = section.whole[SECTION_HEAD:-CRC_SIZE]
    pairs = struct.iter_unpack(">HH", body[: len(body) // 4 * 4])
    return {program: pid & PID_MASK for program, pid in pairs if program}


def read_pmt(section: Section) -> Program | None:
    """Return a program, with nothing of it that a player doesn't need; None for a damaged one."""
    body = section.whole[SECTION_HEAD:-CRC_SIZE]
    if len(body) < 4:
        return None
    clock, length = struct.unpack_from(">HH", body)
    at = 4 + (length & 0xFFF)
    formats = [
        value[:4]
        for tag, value in _descriptors(body[4:at])
        if tag == REGISTRATION and value[:4] in BLU_RAY
    ]
    descriptors = _descriptor(REGISTRATION, formats[0]) if formats else b""
    entries = []
    while at + ENTRY.size <= len(body):
        kind, pid, length = ENTRY.unpack_from(body, at)
        at += ENTRY.size + (length & 0xFFF)
        inside = body[at - (length & 0xFFF) : at]
        entries.append(_entry(kind, pid & PID_MASK, inside, blu_ray=bool(formats)))
    return Program(clock & PID_MASK, descriptors, tuple(entries))


def _entry(kind: int, pid: int, inside: bytes, *, blu_ray: bool) -> Entry:
    codec = CODECS.get(kind, Codec.OTHER if kind in OTHERS else Codec.UNKNOWN)
    if blu_ray:
        codec = CODECS_OF_BLU_RAY.get(kind, codec)
    kept = b""
    for tag, value in _descriptors(inside) if kind == PRIVATE else ():
        same = b""
        if tag == REGISTRATION and value[:4] in NAMED:
            same, codec = _descriptor(tag, value[:4]), NAMED[value[:4]]
        elif tag in DVB_SOUND:
            same, codec = _descriptor(tag, b"\0"), Codec.SOUND
        elif tag == EXTENSION and value[:1] == bytes((OPUS,)):
            same = _descriptor(tag, value[:2])
        kept += same if same not in kept else b""
    return Entry(kind, pid, codec, kept)


def _descriptors(inside: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(inside):
        tag, length = inside[at], inside[at + 1]
        yield tag, inside[at + 2 : at + 2 + length]
        at += 2 + length


def _descriptor(tag: int, value: bytes) -> bytes:
    return bytes((tag, len(value))) + value


def written_pat(programs: dict[int, int]) -> bytes:
    """Return the entries of a PAT."""
    return b"".join(struct.pack(">HH", number, 0xE000 | pid) for number, pid in programs.items())


def written_pmt(program: Program, kept: Container[int]) -> bytes:
    """Return what stands in a PMT: of streams, those with the PIDs that are kept."""
    head = struct.pack(">HH", 0xE000 | program.clock, 0xF000 | len(program.descriptors))
    return (
        head
        + program.descriptors
        + b"".join(
            ENTRY.pack(entry.kind, 0xE000 | entry.pid, 0xF000 | len(entry.descriptors))
            + entry.descriptors
            for entry in program.entries
            if entry.pid in kept
        )
    )


def written_section(table: int, number: int, version: int, parts: bytes, body: bytes) -> bytes:
    """Return a section with its CRC."""
    size = SECTION_HEAD - 3 + len(body) + CRC_SIZE
    head = struct.pack(">BHHB", table, 0xB000 | size, number, 0xC1 | version << 1)
    return head + parts + body + crc32(head + parts + body)


def in_packets(section: bytes, pid: int, counter: int) -> list[bytes]:
    """Return a section in packets of its own, counted from `counter` on."""
    payload = b"\0" + section
    packets = []
    for at in range(0, len(payload), PAYLOAD):
        first = SYNC << 24 | (0 if at else START << 16) | pid << 8 | 0x10 | counter & 0xF
        packets.append(
            first.to_bytes(4, "big") + payload[at : at + PAYLOAD].ljust(PAYLOAD, b"\xff")
        )
        counter += 1
    return packets

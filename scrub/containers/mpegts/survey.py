"""A first look through the tables of a whole recording: which packets are worth keeping.

Players read the tables first and then go back to the start, so a stream that a late table names
has been kept from its first packet. Of a stream that no table explains they look at the
first bytes, and so do we.
"""

import re
from dataclasses import dataclass, field

from scrub.containers.mpegts.fields import MARK, SHORTEST_HEAD
from scrub.containers.mpegts.packets import PACKET, PID_NULL, START, Form, blocks, codes
from scrub.containers.mpegts.tables import (
    PAT,
    PRIVATE,
    USERS,
    Codec,
    Program,
    Section,
    Sections,
    payload_of,
    read_pat,
    read_pmt,
)
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.reading import Reader

TABLE, DOUBTFUL = 1, 2
_LOOK_AT = re.compile(b"[\x01\x81\x82]")
MOST_PIDS = 100
# Sound by its first bytes: AC-3, DTS, LATM; MPEG audio and ADTS begin with eleven ones.
_SOUND = re.compile(b"\x0bw|\x7f\xfe\x80\x01|\x56[\xe0-\xff]|\xff[\xe0-\xfe]")


@dataclass(slots=True)
class Survey:
    """What the tables of a recording say in all."""

    tables: dict[int, Sections] = field(default_factory=lambda: {0: Sections()})  # by PID
    streams: dict[int, Codec] = field(default_factory=dict)  # by PID: what stays
    others: set[int] = field(default_factory=set)  # PIDs of streams that go
    programs: dict[int, int] = field(default_factory=dict)  # a PAT's number → ours
    clocks: set[int] = field(default_factory=set)  # PIDs where those programs' PCRs are
    _doubtful: set[int] = field(default_factory=set)  # may be sound
    _settled: set[int] = field(default_factory=set)  # was doubtful
    _last: dict[int, bytes] = field(
        default_factory=dict
    )  # by program, 0 for the PAT: most come again and again
    _listed: dict[int, tuple[set[int], set[int]]] = field(default_factory=dict)

    def codes(self) -> list[tuple[int, int]]:
        """Return the PIDs to look at."""
        codes = [(pid, TABLE) for pid in self.tables]
        return codes + [(pid, DOUBTFUL) for pid in self._doubtful - self.tables.keys()]

    def look_at(self, packet: bytes) -> bool:
        """Look at a packet of such a PID; say whether there are others now."""
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        if pid in self.tables:
            news = [self._read(section) for section in self.tables[pid].feed(packet)]
            return True in news
        payload = payload_of(packet)
        if not packet[1] & START or payload[:3] != MARK or len(payload) <= SHORTEST_HEAD:
            return False
        self._settled.add(pid)
        self._doubtful.discard(pid)
        start = SHORTEST_HEAD + payload[SHORTEST_HEAD - 1]
        if payload.startswith((MARK, b"\0" + MARK), start):
            raise Unsupported("MPEG-TS", "a stream of an unknown codec")
        if _SOUND.match(payload, start):
            self.streams[pid] = Codec.SOUND
            self.others.discard(pid)
        return True

    def finish(self) -> None:
        """Number the programs in which something stays."""
        for number, (pids, clocks) in self._listed.items():
            if pids & self.streams.keys():
                self.programs[number] = len(self.programs) + 1
                self.clocks |= clocks

    def _read(self, section: Section) -> bool:
        """Take a section in; say whether there are new PIDs to look at."""
        number = section.number if section.table != PAT else 0
        if (number and number not in self._listed) or section.whole == self._last.get(number):
            return False
        self._last[number] = section.whole
        before = len(self.tables), len(self._doubtful)
        if section.table == PAT:
            for number, pid in read_pat(section).items():
                self._listed.setdefault(number, (set(), set()))
                if pid != PID_NULL:
                    self.tables.setdefault(pid, Sections())
        elif number and (program := read_pmt(section)):
            pids, clocks = self._listed[number]
            pids.update(entry.pid for entry in program.entries)
            clocks.add(program.clock)
            self._add(program)
        if len(self.tables | self.streams | self._listed) + len(self.others) > MOST_PIDS:
            raise TooComplex("too many programs")
        return before != (len(self.tables), len(self._doubtful))

    def _add(self, program: Program) -> None:
        for kind, pid, codec, _ in program.entries:
            if codec is Codec.UNKNOWN:
                raise Unsupported("MPEG-TS", "a stream of an unknown codec")
            if codec is not Codec.OTHER:
                if self.streams.setdefault(pid, codec) is not codec:
                    raise Unsupported("MPEG-TS", "a stream that changes its codec")
            elif pid not in self._settled or pid not in self.streams:
                self.others.add(pid)
                if (kind == PRIVATE or kind >= USERS) and pid not in self._settled:
                    self._doubtful.add(pid)


def survey(reader: Reader, start: int, form: Form) -> Survey:
    """Look at all tables; Malformed when they name nothing to play."""
    seen = Survey()
    for block in blocks(reader, start, form):
        at = 0
        while at < block.packets:
            at = _look_through(block.data, codes(block, form, seen.codes()), at, form, seen)
    if not seen.streams:
        raise Malformed("there is no sound", offset=start)
    if seen.streams.keys() & (seen.tables.keys() | seen.others | {PID_NULL}):
        raise Unsupported("MPEG-TS", "a stream that changes its codec")
    seen.finish()
    return seen


def _look_through(block: bytes, code: bytes, at: int, form: Form, seen: Survey) -> int:
    """Look at packets from number `at` on; return where to go on once there are new ones."""
    while found := _LOOK_AT.search(code, at):
        at = found.start() + 1
        start = found.start() * form.stride + form.lead
        if seen.look_at(block[start : start + PACKET]):
            return at
    return len(code)

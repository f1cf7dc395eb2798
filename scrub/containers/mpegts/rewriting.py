"""Write the tables anew where they stand: only streams that stay, numbered from 1."""

from collections import defaultdict

from scrub.containers.mpegts.packets import PACKET
from scrub.containers.mpegts.survey import Survey
from scrub.containers.mpegts.tables import (
    PAT,
    Section,
    Sections,
    in_packets,
    read_pat,
    read_pmt,
    written_pat,
    written_pmt,
    written_section,
)

VERSIONS = 32
MOST_KNOWN = 256


class Tables:
    """The tables on their second way through; `changed` once one of them was not as we write it."""

    def __init__(self, seen: Survey) -> None:
        self.changed = False
        self._programs = seen.programs
        self._kept = seen.streams.keys()
        self._sections = {pid: Sections() for pid in seen.tables}
        self._counters: defaultdict[int, int] = defaultdict(int)
        self._versions: dict[tuple[int, int, bytes], tuple[bytes, int]] = {}
        self._known: dict[bytes, bytes] = {}

    def rewritten(self, pid: int, record: bytes) -> bytes:
        """Return what stands in the place of a packet, with what is in front of it.

        A section stands where its last packet was; nothing is where none ends.
        """
        lead, packet = record[:-PACKET], record[-PACKET:]
        sections = self._sections[pid]
        out = []
        for section in sections.feed(packet):
            new = self._section(section)
            packets = in_packets(new, pid, self._counters[pid]) if new else []
            self._counters[pid] += len(packets)
            self.changed |= tuple(packets) != section.packets
            out += packets
        self.changed |= not out and not sections.waiting
        return b"".join(lead + each for each in out)

    def _section(self, section: Section) -> bytes:
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        if section.whole not in self._known:
            self._known[section.whole] = self._body(section)
        body = self._known[section.whole]
        if not body:
            return b""
        number = 1 if section.table == PAT else self._programs[section.number]
        key = section.table, number, section.parts
        last, version = self._versions.get(key, (body, 0))
        if last != body:
            version = (version + 1) % VERSIONS
        self._versions[key] = body, version
        return written_section(section.table, number, version, section.parts, body)

    def _body(self, section: Section) -> bytes:
        """Return the entries that stay, or nothing where none does."""
        if section.table == PAT:
            pairs = read_pat(section).items()
            return written_pat({self._programs[n]: pid for n, pid in pairs if n in self._programs})
        program = read_pmt(section) if section.number in self._programs else None
        return written_pmt(program, self._kept) if program else b""

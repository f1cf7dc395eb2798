"""The second way through the packets: what stays, what goes, what is overwritten.

Most packets of a stream hold nothing but payload: they are copied without a look at each. What is
looked at are those that begin a PES packet or have an adaptation field, the tables, and for H.264
and H.265 the payload.
"""

import re
from collections.abc import Iterator
from functools import cached_property, partial
from itertools import compress, count

from scrub.codecs import nal
from scrub.containers.mpegts.edits import Edits
from scrub.containers.mpegts.fields import (
    PCR,
    neutral_adaptation,
    pes_head,
)
from scrub.containers.mpegts.packets import (
    HEAD,
    PACKET,
    PID_NULL,
    START,
    Block,
    Form,
    both,
    codes,
    tails,
)
from scrub.containers.mpegts.rewriting import Tables
from scrub.containers.mpegts.survey import Survey
from scrub.containers.mpegts.tables import Codec
from scrub.containers.mpegts.units import Pieces, Units
from scrub.errors import Malformed, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft

SCRAMBLED, ADAPTATION, PAYLOAD = 0xC0, 0x20, 0x10
LONGEST_FIELD = PACKET - HEAD - 1
# Codes of packets: 0 goes, streams are numbered from 1, and these:
STREAMS, NULL, CLOCK, TABLE = 0x78, 0x7D, 0x7E, 0x7F
NOT_PLAIN = 0x80
_MINE = [bytes(byte & 0x7F == code for byte in range(256)) for code in range(STREAMS + 1)]
_LOOK_AT = re.compile(b"[\\x00\\x80]+|[^\\x01-\\x78]", re.DOTALL)
EMPTY = b"\x1f\xff\x10" + b"\xff" * (PACKET - HEAD)  # a null packet behind its sync byte
USER_DATA = b"\0\0\1\xb2"
UNITS = {Codec.AVC: nal.Codec.AVC, Codec.HEVC: nal.Codec.HEVC}
ENCODER_TRACES = (b"Lavc", b"LAME", b"libfaac")
TRACES_WITHIN = 1 << 24
# What broadcasters send beside their programs (ETSI EN 300 468, 5.1.3).
KINDS = {
    0x10: Kind.IDENTIFIER,  # the network
    0x11: Kind.TITLE,  # names of services
    0x12: Kind.TITLE,  # what is on
    0x14: Kind.TIME,  # the clock on the wall
    PID_NULL: Kind.PADDING,
}


class Walk:
    """What is known on the way, and the draft in which it goes down."""

    def __init__(self, seen: Survey, form: Form, draft: Draft, start: int) -> None:
        self._seen = seen
        self._form = form
        self._draft = draft
        self._edits = Edits(draft, start)
        self._at = self._from = start
        self._tables = Tables(seen)
        self._code = {pid: code for code, pid in enumerate(seen.streams, 1)}
        self._codes = self._code | dict.fromkeys(seen.tables, TABLE)
        self._codes |= dict.fromkeys(seen.clocks - self._codes.keys(), CLOCK)
        self._codes[PID_NULL] = NULL
        # A stream is followed from the start of a PES packet on, as players do.
        self._lost = set(self._code.values())
        self._units = {
            self._code[pid]: Units(UNITS[codec])
            for pid, codec in seen.streams.items()
            if codec in UNITS
        }
        self._gone: set[int] = set()  # PIDs
        self._odd: list[int] = []  # which packets of a block have something before their payload
        self._slack = self._size = self._starts = 0

    def read(self, block: Block) -> None:
        """Take the next packets."""
        self._drop_between(self._at, block.start)
        code = codes(block, self._form, self._codes.items())
        heads = bytearray(code.translate(self._plain_heads))
        self._odd.clear()
        for lost in self._lost:
            self._lose(block, code, heads, lost, -1)
        for found in _LOOK_AT.finditer(code):
            first = found.start()
            kind = code[first] & ~NOT_PLAIN
            if not kind:
                self._drop(block, first, found.end())
            elif kind <= STREAMS:
                self._look_at(block, code, heads, first)
            else:
                self._replace(block, kind, first)
        self._size += block.packets * self._form.stride - sum(heads)
        if self._units:
            self._follow(block, code, heads)
        self._name_remains(block)
        self._at = block.start + block.packets * self._form.stride
        self._edits.settle(
            min([self._at, *(u.held_from for u in self._units.values() if u.held_from is not None)])
        )

    def finish(self, end: int) -> None:
        """Settle what waited for more, and say what went."""
        self._drop_between(self._at, end)
        for units in self._units.values():
            units.finish(self._edits)
            for kind, times in units.stream.found.items():
                self._draft.found(kind, times)
        self._edits.settle(end)
        for pid in self._gone:
            others = Kind.OTHER_STREAM if pid in self._seen.others else Kind.UNKNOWN_CHUNK
            self._draft.found(KINDS.get(pid, others))
        self._draft.found(Kind.SLACK, self._slack)
        self._draft.found(Kind.IDENTIFIER, self._tables.changed)
        if not self._starts:
            raise Malformed("there is no sound", offset=self._at)
        self._draft.sound(self._size, self._starts)

    @cached_property
    def _plain_heads(self) -> bytes:
        """Where payload begins in a packet that is nothing else, by code; at its end for others."""
        stride, lead = self._form
        plain = lead + HEAD
        return bytes(plain if 1 <= code <= STREAMS else stride for code in range(256))

    def _place(self, block: Block, packet: int) -> int:
        return block.start + packet * self._form.stride

    def _drop_between(self, start: int, end: int) -> None:
        if start < end:
            self._slack += 1
            self._edits.replace(start, end)

    def _drop(self, block: Block, first: int, behind: int) -> None:
        """Leave packets out."""
        stride, lead = self._form
        self._edits.replace(self._place(block, first), self._place(block, behind))
        part = block.data[first * stride : behind * stride]
        pairs = set(zip(part[lead + 1 :: stride], part[lead + 2 :: stride], strict=True))
        self._gone.update((high & 0x1F) << 8 | low for high, low in pairs)

    def _look_at(self, block: Block, code: bytes, heads: bytearray, packet: int) -> None:
        """Look at a stream's packet that isn't plain: `heads` gets where its payload begins."""
        start = packet * self._form.stride + self._form.lead
        first, third = block.data[start + 1], block.data[start + 3]
        number = code[packet] & ~NOT_PLAIN
        if third & SCRAMBLED:
            raise Unsupported("MPEG-TS", "an encrypted stream")
        if number in self._lost and not first & START:
            return  # it went with those in front of it
        changes: list[tuple[int, bytes]] = []
        payload = self._payload(block, start, third, changes)
        if payload and first & START and third & PAYLOAD:
            payload = self._begin(block, payload, start + PACKET, changes)
        if not payload:
            self._lose_packet(block, packet)
            if first & START:
                self._lost.add(number)
                self._lose(block, code, heads, number, packet)
            return
        if first & START and third & PAYLOAD:
            self._starts += 1
            self._lost.discard(number)
        heads[packet] = payload - packet * self._form.stride
        self._odd.append(packet)
        for at, new in changes:
            if not block.data.startswith(new, at):
                self._slack += 1
                self._edits.replace(block.start + at, block.start + at + len(new), new)

    def _begin(self, block: Block, start: int, end: int, changes: list[tuple[int, bytes]]) -> int:
        """Return where the bytes of a PES packet begin; 0 when none begins."""
        new = pes_head(block.data[start:end])
        if new is None:
            return 0
        changes.append((start, new))
        return start + len(new)

    def _payload(
        self, block: Block, start: int, third: int, changes: list[tuple[int, bytes]]
    ) -> int:
        """Return where the payload of the packet at `start` begins; 0 when it is damaged."""
        at, end = start + HEAD, start + PACKET
        if not third & ADAPTATION:
            return at if third & PAYLOAD else 0
        behind = at + 1 + block.data[at]
        if behind > end:
            return 0
        field = block.data[at + 1 : behind]
        if third & PAYLOAD:
            changes.append((at + 1, neutral_adaptation(field)))
            return behind
        new = neutral_adaptation(field or b"\0").ljust(LONGEST_FIELD, b"\xff")
        changes.append((at, bytes((LONGEST_FIELD,)) + new))
        return end

    def _lose(self, block: Block, code: bytes, heads: bytearray, number: int, after: int) -> None:
        """Leave a stream's packets behind `after` out, up to one that begins a PES packet."""
        for packet in self._packets(code, number):
            if packet > after:
                start = packet * self._form.stride + self._form.lead
                if block.data[start + 1] & START:
                    return
                heads[packet] = self._form.stride
                self._lose_packet(block, packet)

    def _lose_packet(self, block: Block, packet: int) -> None:
        self._slack += 1
        self._edits.replace(self._place(block, packet), self._place(block, packet + 1))

    def _packets(self, code: bytes, number: int) -> Iterator[int]:
        """Yield which packets are those of a stream."""
        return compress(count(), code.translate(_MINE[number]))

    def _replace(self, block: Block, kind: int, packet: int) -> None:
        """Decide on a packet that is no stream's."""
        stride, lead = self._form
        record = block.data[packet * stride : (packet + 1) * stride]
        pid = (record[lead + 1] & 0x1F) << 8 | record[lead + 2]
        new = b""
        if kind == TABLE:
            new = self._tables.rewritten(pid, record)
        elif kind == NULL:
            new = record if record.endswith(EMPTY) else b""
        else:
            new = _clock(record, lead)
        if not new and kind != TABLE:
            self._gone.add(pid)
        if new != record:
            place = self._place(block, packet)
            self._edits.replace(place, place + stride, new)

    def _follow(self, block: Block, code: bytes, heads: bytearray) -> None:
        """Follow the units in the payloads of pictures."""
        stride = self._form.stride
        payloads = tails(block, self._form)
        for at in self._odd:
            payloads[at] = block.data[at * stride + heads[at] : (at + 1) * stride]
        kept = heads.translate(bytes(head < stride for head in range(256)))
        for number, units in self._units.items():
            mask = both(code.translate(_MINE[number]), kept)
            pieces = list(compress(payloads, mask))
            if pieces:
                last = mask.rfind(1)
                place = self._place(block, last) + heads[last]
                places = partial(self._places, block, heads, mask)
                units.follow(Pieces(pieces, places, place), self._edits)

    def _places(self, block: Block, heads: bytearray, mask: bytes) -> list[int]:
        """Return where the payloads of some packets begin."""
        stride = self._form.stride
        return [block.start + at * stride + heads[at] for at in compress(count(), mask)]

    def _name_remains(self, block: Block) -> None:
        """Name what stays in packets; whoever leaves it there does so from the start on."""
        if block.start - self._from > TRACES_WITHIN:
            return
        if Codec.MPEG in self._seen.streams.values() and USER_DATA in block.data:
            self._draft.tally.remains(Kind.TEXT)
        if any(trace in block.data for trace in ENCODER_TRACES):
            self._draft.tally.remains(Kind.ENCODER)


def _clock(record: bytes, lead: int) -> bytes:
    """Return a packet with nothing but a PCR; nothing where there is none."""
    size = record[lead + HEAD]
    field = neutral_adaptation(record[lead + HEAD + 1 :][:size])
    if not record[lead + 3] & ADAPTATION or size > LONGEST_FIELD or not field or not field[0] & PCR:
        return b""
    head = bytes((record[lead + 1] & 0x1F, record[lead + 2], ADAPTATION, LONGEST_FIELD))
    return record[: lead + 1] + head + field.ljust(LONGEST_FIELD, b"\xff")

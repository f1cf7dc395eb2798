"""MPEG-TS: what is kept are packets of sound and pictures, with nothing between their payloads."""

import re
import struct
from collections.abc import Callable, Iterable
from functools import cache, partial
from itertools import count, cycle
from zlib import crc32

import pytest
from recordings import SECRET, cleaned, encoded, filmed, heard, shown

from scrub import Findings, Kind, Malformed, TooComplex, Unsupported, Zygote
from scrub.codecs.nal import Codec
from scrub.containers.mpegts.edits import Edits
from scrub.containers.mpegts.tables import PAT, PMT, in_packets, written_section
from scrub.containers.mpegts.units import Pieces, Units
from scrub.plan import Draft

PACKET = 188
PMT_PID, SOUND, OTHER = 0x100, 0x101, 0x102
PTS = bytes.fromhex("2100010001")


def packet(pid: int, payload: bytes, *, start: bool = False, field: bytes = b"") -> bytes:
    """Return a packet of this payload; what is missing is stuffing."""
    room = 184 - len(payload)
    head = bytes((0x47, start << 6 | pid >> 8, pid & 0xFF, 0x30 if room or field else 0x10))
    if not room:
        return head + payload
    return (
        head + bytes((room - 1,)) + (field or b"\0"[: room - 1]).ljust(room - 1, b"\xff") + payload
    )


def stream(pid: int, pes: bytes) -> bytes:
    """Return a PES packet in packets."""
    pieces = [pes[at : at + 184] for at in range(0, len(pes), 184)]
    return b"".join(packet(pid, piece, start=not at) for at, piece in enumerate(pieces))


def pes(sound: bytes, flags: int = 0x80, inside: bytes = PTS, number: int = 0xC0) -> bytes:
    return b"\0\0\1" + struct.pack(">BHBBB", number, 0, 0x80, flags, len(inside)) + inside + sound


def table(kind: int, number: int, body: bytes, pid: int) -> bytes:
    return b"".join(in_packets(written_section(kind, number, 0, b"\0\0", body), pid, 0))


def entry(kind: int, pid: int, descriptors: bytes = b"") -> bytes:
    return struct.pack(">BHH", kind, 0xE000 | pid, 0xF000 | len(descriptors)) + descriptors


def tables(*entries: bytes, clock: int = SOUND, info: bytes = b"", number: int = 1) -> bytes:
    """Return a PAT and a PMT of these streams."""
    head = struct.pack(">HH", 0xE000 | clock, 0xF000 | len(info)) + info
    pat = struct.pack(">HH", number, 0xE000 | PMT_PID)
    return table(PAT, 1, pat, 0) + table(PMT, number, head + b"".join(entries), PMT_PID)


@cache
def mp2() -> bytes:
    return encoded("mp2", "-ar", "48000", "-b:a", "64k", seconds=0.5)


def sound(head: Callable[[bytes], bytes] = pes) -> list[bytes]:
    """Return MPEG audio in PES packets of one frame."""
    return [stream(SOUND, head(mp2()[at : at + 192])) for at in range(0, len(mp2()), 192)]


NAMED = tables(entry(0x03, SOUND))
BARE = NAMED + b"".join(sound())


def amid(*between: bytes, names: bytes = NAMED) -> bytes:
    """Return a recording with something in the middle."""
    return names + b"".join(sound()[:9]) + b"".join(between) + b"".join(sound()[9:])


def descriptor(tag: int, value: bytes) -> bytes:
    return bytes((tag, len(value))) + value


HIDE: dict[str, bytes] = {
    "null_packet": amid(b"\x47\x1f\xff\x10" + SECRET.ljust(184, b"\xff")),
    "names_of_services": amid(packet(0x11, SECRET, start=True)),
    "clock_on_the_wall": amid(packet(0x14, SECRET, start=True)),
    "unknown_packets": amid(packet(0x1ABC, SECRET, start=True)),
    "a_stream_of_data": amid(
        stream(OTHER, pes(SECRET, number=0xBD)),
        names=tables(entry(0x03, SOUND), entry(0x06, OTHER, descriptor(5, b"KLVA"))),
    ),
    "timed_tags": amid(
        stream(OTHER, pes(SECRET, number=0xBD)),
        names=tables(entry(0x03, SOUND), entry(0x15, OTHER, descriptor(0x26, SECRET))),
    ),
    "language": tables(entry(0x03, SOUND, descriptor(10, b"deu\0"))) + b"".join(sound()),
    "number_of_a_program": tables(entry(0x03, SOUND), number=4711) + b"".join(sound()),
    "of_a_program": tables(entry(0x03, SOUND), info=descriptor(0x48, SECRET)) + b"".join(sound()),
    "long_table": tables(
        entry(0x03, SOUND, descriptor(0xA0, SECRET * 6) + descriptor(0xA1, SECRET * 6))
    )
    + b"".join(sound()),
    "network": table(PAT, 4711, struct.pack(">4H", 0, 0xE010, 1, 0xE000 | PMT_PID), 0)
    + NAMED[PACKET:]
    + b"".join(sound()),
    "behind_a_table": NAMED[: PACKET - 40]
    + SECRET
    + NAMED[PACKET - 40 + len(SECRET) :]
    + b"".join(sound()),
    "another_table": amid(table(0xC0, 1, SECRET, PMT_PID)),
    "table_with_a_wrong_crc": amid(NAMED[:40] + SECRET + NAMED[40 + len(SECRET) : PACKET]),
    "private_data": amid(
        packet(SOUND, b"", field=b"\x02" + bytes((len(SECRET),)) + SECRET)
    ),
    "stuffing": amid(packet(SOUND, b"", field=b"\0" + SECRET)),
    "field_that_ends_early": amid(
        b"\x47\x01\x01\x20\x01\0" + SECRET.ljust(182, b"\xff")
    ),
    "pes_extension": NAMED
    + b"".join(sound(lambda each: pes(each, 0x81, PTS + b"\x8e" + SECRET[:16]))),
    "pes_stuffing": NAMED + b"".join(sound(lambda each: pes(each, 0x80, PTS + SECRET))),
    "padding_stream": amid(stream(SOUND, pes(SECRET, number=0xBE))),
    "no_pes_packet": amid(packet(SOUND, SECRET * 5, start=True), packet(SOUND, SECRET)),
    "beginning_that_is_damaged": amid(
        bytes.fromhex("474101 30 ff") + SECRET.ljust(183, b"\xff"), packet(SOUND, SECRET)
    ),
    "in_front_of_the_first": NAMED + packet(SOUND, SECRET) + b"".join(sound()),
    "junk_in_front": SECRET + BARE,
    "junk_amid": amid(SECRET),
    "junk_behind": BARE + SECRET,
    "half_a_packet": BARE + b"\x47\x01\x01\x10" + SECRET,
}  # fmt: skip


def looks(original: bytes, result: bytes) -> bool:
    """Say whether both are shown and heard alike, at the same times."""
    return shown(result) == shown(original)


class TestMpegTs:
    @pytest.mark.parametrize("codec", ["mp2", "libmp3lame", "aac", "ac3", "eac3", "libopus"])
    def test_sound_is_the_same(self, zygote: Zygote, codec: str) -> None:
        rate = ("-ar", "48000")
        original = encoded("ts", *rate, "-c:a", codec, "-metadata", "service_name=Maria Keller")

        kind, result, findings = cleaned(zygote, original)

        assert kind.extension == "ts"
        assert looks(original, result)
        assert b"Maria Keller" in original
        assert b"Maria Keller" not in result
        assert findings.removed[Kind.TITLE] == 1

    @pytest.mark.parametrize("codec", ["mpeg2video", "libx264", "libx265"])
    @pytest.mark.parametrize("m2ts", ["0", "1"], ids=["ts", "m2ts"])
    def test_pictures_are_the_same_at_the_same_times(
        self, zygote: Zygote, codec: str, m2ts: str
    ) -> None:
        made = ("-c:v", codec, "-c:a", "ac3", "-mpegts_m2ts_mode", m2ts)
        original = filmed("ts", *made)

        kind, result, _ = cleaned(zygote, original)

        assert kind.extension == ("m2ts" if m2ts == "1" else "ts")
        assert looks(original, result)

    @pytest.mark.parametrize(
        ("codec", "signature"), [("libx264", b"x264 - core"), ("libx265", b"x265 (build")]
    )
    def test_an_encoder_that_signs_is_not_named(
        self, zygote: Zygote, codec: str, signature: bytes
    ) -> None:
        original = filmed("ts", "-c:v", codec, "-c:a", "mp2")

        _, result, findings = cleaned(zygote, original)

        assert payloads(original).count(signature) == 1
        assert signature not in payloads(result)
        assert findings.removed[Kind.ENCODER] >= 1

    @pytest.mark.parametrize("planted", HIDE.values(), ids=HIDE)
    def test_what_hides_anywhere_is_gone_and_reported(self, zygote: Zygote, planted: bytes) -> None:
        _, result, findings = cleaned(zygote, planted)

        assert SECRET[:16] not in result
        assert heard(result) == heard(BARE)
        assert findings.removed
        assert cleaned(zygote, result)[1:] == (result, Findings())

    def test_what_hides_nothing_is_copied(self, zygote: Zygote) -> None:
        empty = b"\x47\x1f\xff\x10" + b"\xff" * 184

        assert cleaned(zygote, amid(empty))[1:] == (amid(empty), Findings())

    @pytest.mark.parametrize("m2ts", ["0", "1"], ids=["ts", "m2ts"])
    def test_a_camcorder_tells_no_time(self, zygote: Zygote, m2ts: str) -> None:
        mdpm = "17ee8c60f84d11d98cd60800200c9a66+MDPM\2\x18\2\x20\x26\x11\x19\x21\x12\x34\x56"
        units = f"filter_units=remove_types=6,h264_metadata=sei_user_data={mdpm}"
        made = ("-c:v", "libx264", "-bsf:v", units, "-c:a", "ac3", "-f", "mpegts")
        original = filmed("mts", *made, "-mpegts_m2ts_mode", m2ts)

        _, result, findings = cleaned(zygote, original)

        assert original.count(b"MDPM") == 1
        assert b"MDPM" not in result
        assert findings.removed[Kind.TIME] >= 1
        assert looks(original, result)

    @pytest.mark.parametrize("other", [OTHER, SOUND], ids=["alone", "with_the_sound"])
    def test_a_clock_ticks_on(self, zygote: Zygote, other: int) -> None:
        tick = packet(other, b"", field=b"\x10" + bytes(6))
        data = packet(other, SECRET, field=b"\x10" + bytes(6)) if other == OTHER else b""

        _, result, _ = cleaned(
            zygote, amid(tick, data, names=tables(entry(0x03, SOUND), clock=other))
        )

        assert result.count(bytes(6) + b"\xff" * 100) == (2 if data else 1)
        assert SECRET not in result

    @pytest.mark.parametrize("reserved", [0x00, 0x0E], ids=["zeros", "ones"])
    def test_the_number_of_a_sub_stream_stays(self, zygote: Zygote, reserved: int) -> None:
        last = bytes((reserved | 1,))
        extension = bytes((0x91 | reserved,)) + SECRET[:16] + b"\x60\x01" + b"\x81\x71"
        planted = NAMED + b"".join(
            sound(lambda each: pes(each, 0x81, PTS + extension, number=0xFD))
        )

        _, result, _ = cleaned(zygote, planted)

        assert SECRET[:16] not in result
        assert result.count(PTS + last + b"\x81\x71" + b"\xff" * 18) == len(sound())

    @pytest.mark.parametrize("kind", [0x06, 0x82, 0xC0])
    def test_sound_that_no_table_explains_is_kept(self, zygote: Zygote, kind: int) -> None:
        original = tables(entry(kind, SOUND)) + b"".join(sound())

        _, result, _ = cleaned(zygote, original)

        assert result == original

    def test_a_table_that_changes_gets_the_next_version(self, zygote: Zygote) -> None:
        more = tables(entry(0x03, SOUND), entry(0x03, OTHER))
        original = amid(more, stream(OTHER, pes(mp2()[:192])), NAMED)

        _, result, _ = cleaned(zygote, original)

        versions = [
            each[0] >> 1 & 31 for each in re.findall(b"\x41\0.\0\2\xb0.{3}(.)", result, re.DOTALL)
        ]
        assert versions == [0, 1, 2]
        assert cleaned(zygote, result)[1] == result

    def test_what_is_encrypted_is_refused(self, zygote: Zygote) -> None:
        scrambled = packet(SOUND, bytes(184))
        scrambled = scrambled[:3] + b"\x90" + scrambled[4:]

        with pytest.raises(Unsupported, match="encrypted"):
            cleaned(zygote, amid(scrambled))

    @pytest.mark.parametrize("kind", [0xEA, 0x21, 0x33, 0xD1])
    def test_pictures_of_an_unknown_codec_are_refused(self, zygote: Zygote, kind: int) -> None:
        with pytest.raises(Unsupported, match="codec"):
            cleaned(zygote, tables(entry(0x03, SOUND), entry(kind, OTHER)) + b"".join(sound()))

    def test_pictures_that_no_table_explains_are_refused(self, zygote: Zygote) -> None:
        private = filmed("ts", "-c:v", "mpeg4", "-c:a", "mp2", "-mpegts_m2ts_mode", "1")

        with pytest.raises(Unsupported, match="codec"):
            cleaned(zygote, private)

    def test_a_stream_that_becomes_another_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported, match="changes"):
            cleaned(zygote, amid(tables(entry(0x1B, SOUND))))

    @pytest.mark.parametrize(
        "damaged",
        [b"".join(sound()), tables(entry(0x03, OTHER)) + b"".join(sound()), NAMED * 4],
        ids=["no_tables", "another_stream", "no_sound"],
    )
    def test_where_nothing_plays_it_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)

    def test_packets_that_break_off_all_the_time_are_refused(self, zygote: Zygote) -> None:
        with pytest.raises(TooComplex):
            cleaned(zygote, NAMED + (sound()[0] * 3 + b"junk") * 4200)

    def test_a_program_stream_is_called_by_its_name(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported) as refusal:
            cleaned(zygote, encoded("mpg", "-c:a", "mp2"))

        assert refusal.value.format_name == "MPEG-PS"


def payloads(ts: bytes) -> bytes:
    """Return all payloads of packets in a row, as a player sees them."""
    packets = (ts[at : at + PACKET] for at in range(0, len(ts), PACKET))
    return b"".join(
        each[4 + (1 + each[4] if each[3] & 0x20 else 0) :] for each in packets if each[1] & 0x1F
    )


SEI = b"\6\5" + bytes((16 + len(SECRET),)) + bytes(range(1, 17)) + SECRET + b"\x80"
SLICE = b"\x65" + b"picture" * 20
UNITS = b"\0\0\0\1\x09\x10" + b"\0\0\0\1" + SEI + b"\0\0\1" + SLICE


def blanked(pieces: list[bytes]) -> bytes:
    """Follow units in pieces, between which other bytes lie; return the pieces as they become."""
    edits = Edits(Draft(lambda _: None), 0)
    found: dict[int, bytes] = {}
    edits.replace = lambda start, _, data=b"": found.update({start: data})  # type: ignore[method-assign]
    units = Units(Codec.AVC)
    place, places = 0, []
    for piece in pieces:
        units.follow(Pieces([piece], partial(list, (place,)), place), edits)
        places.append(place)
        place += len(piece) + 4
    units.finish(edits)
    whole = bytearray(place)
    for begin, piece in zip(places, pieces, strict=True):
        whole[begin : begin + len(piece)] = piece
    for begin, data in found.items():
        whole[begin : begin + len(data)] = data
    return b"".join(
        bytes(whole[begin : begin + len(piece)])
        for begin, piece in zip(places, pieces, strict=True)
    )


class TestArrivals:
    def recording(self, times: Iterable[int]) -> bytes:
        packets = (BARE[at : at + PACKET] for at in range(0, len(BARE), PACKET))
        return b"".join(
            time.to_bytes(4, "big") + each for time, each in zip(times, packets, strict=False)
        )

    def test_a_clock_that_goes_on_and_round_is_kept(self, zygote: Zygote) -> None:
        original = self.recording(each % (1 << 30) for each in count((1 << 30) - 99_999, 5000))

        assert cleaned(zygote, original)[1:] == (original, Findings())

    @pytest.mark.parametrize(
        "times",
        [(crc32(b"%d" % each) >> 2 for each in count()), cycle((0, 1 << 30))],
        ids=["no_order", "permissions"],
    )
    def test_what_is_no_clock_is_refused(self, zygote: Zygote, times: Iterable[int]) -> None:
        with pytest.raises(Malformed, match="arrival"):
            cleaned(zygote, self.recording(times))


class TestUnits:
    def test_a_message_is_blanked_wherever_packets_end(self) -> None:
        whole = blanked([UNITS + UNITS])

        assert SECRET not in whole
        assert whole.count(SLICE) == 2
        for at in range(1, len(UNITS)):
            assert blanked([UNITS[:at], UNITS[at:] + UNITS]) == whole
        assert blanked([bytes((each,)) for each in UNITS + UNITS]) == whole

    def test_blanking_twice_changes_nothing(self) -> None:
        once = blanked([UNITS])

        assert blanked([once]) == once

    def test_a_unit_of_one_byte_settles(self) -> None:
        once = blanked([UNITS + b"\0\0\1\x1f" + b"\0\0\1" + SLICE])

        assert once.endswith(b"\0\0\1\x0c" + b"\0\0\1" + SLICE)
        assert blanked([once]) == once

    def test_what_belongs_to_no_unit_becomes_zeros(self) -> None:
        result = blanked([SECRET[:11], SECRET[11:] + UNITS])

        assert result == bytes(len(SECRET)) + blanked([UNITS])

    def test_what_never_begins_a_unit_becomes_zeros(self) -> None:
        assert blanked([SECRET, SECRET]) == bytes(2 * len(SECRET))

    def test_a_message_at_the_very_end_is_blanked(self) -> None:
        assert SECRET not in blanked([UNITS + b"\0\0\1" + SEI])

    def test_a_unit_without_end_is_refused(self) -> None:
        with pytest.raises(TooComplex):
            blanked([b"\0\0\1\6" + b"\1" * (5 << 20)])

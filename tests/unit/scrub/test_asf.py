"""WMA and WMV: what is kept are sound and pictures, and what playing them needs of the header."""

import struct
from collections.abc import Callable

import pytest
from recordings import SECRET, cleaned, described, encoded, filmed, heard, packets, shown

from scrub import Findings, Kind, Malformed, Unsupported, Zygote
from scrub.containers.asf import guids
from scrub.containers.asf.objects import HEAD, written
from scrub.containers.asf.streams import read_stream

WIDE = SECRET.decode().encode("utf-16-le") + b"\0\0"
DATA = 50  # bytes in front of the first packet
PACKET = 3200
UNKNOWN = bytes(range(16))


def wma(*options: str) -> bytes:
    """Return a WMA as ffmpeg writes it."""
    return encoded("wma", "-c:a", "wmav2", *options)


def wmv(*options: str) -> bytes:
    """Return a WMV as ffmpeg writes it."""
    return filmed("wmv", "-c:v", "wmv2", "-c:a", "wmav2", *options)


def parts(asf: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the objects of the header, and what stands behind it."""
    end = HEAD.unpack_from(asf)[1]
    at, found = 30, []
    while at < end:
        guid, size = HEAD.unpack_from(asf, at)
        found.append((guid, asf[at + 24 : at + size]))
        at += size
    return found, asf[end:]


def joined(objects: list[tuple[bytes, bytes]], rest: bytes) -> bytes:
    """Return an ASF of these objects."""
    body = b"".join(written(guid, payload) for guid, payload in objects)
    return written(guids.HEADER, struct.pack("<IBB", len(objects), 1, 2) + body) + rest


def with_object(asf: bytes, guid: bytes, payload: bytes) -> bytes:
    objects, rest = parts(asf)
    return joined([*objects, (guid, payload)], rest)


def with_extension(asf: bytes, guid: bytes, payload: bytes) -> bytes:
    """Put an object into the header extension."""
    objects, rest = parts(asf)
    inside = written(guid, payload)
    head = struct.pack("<16sHI", guids.EXTENSION_CLOCK, 6, len(inside))
    kept = [each for each in objects if each[0] != guids.HEADER_EXTENSION]
    return joined([*kept, (guids.HEADER_EXTENSION, head + inside)], rest)


def with_file(asf: bytes, at: int, value: bytes) -> bytes:
    """Overwrite a field of File Properties."""
    start = asf.index(guids.FILE_PROPERTIES) + 24 + at
    return asf[:start] + value + asf[start + len(value) :]


def with_packet(asf: bytes, packet: bytes) -> bytes:
    """Put a packet in front of the others."""
    objects, rest = parts(asf)
    size = struct.pack("<Q", HEAD.unpack_from(rest)[1] + PACKET)
    return joined(objects, rest[:16] + size + rest[24:DATA] + packet + rest[DATA:])


def packet(*payloads: bytes, flags: int = 0x11, fields: bytes = b"", fill: bytes = b"\0") -> bytes:
    """Return a packet of several payloads, each a stream's number and bytes."""
    body = b"".join(
        bytes((each[0],))
        + bytes(5)
        + b"\x08"
        + bytes(8)
        + struct.pack("<H", len(each) - 1)
        + each[1:]
        for each in payloads
    )
    head = b"\x82\0\0" + bytes((flags, 0x5D)) + fields
    padding = PACKET - len(head) - 2 - 6 - 1 - len(body)
    head += struct.pack("<HIH", padding, 0, 0) + bytes((0x80 | len(payloads),))
    return head + body + (fill * PACKET)[:padding]


def with_padding(asf: bytes) -> bytes:
    """Fill the end of the last packet, which is padding."""
    end = asf.index(guids.DATA) + DATA + PACKET * (len(parts(asf)[1][DATA:]) // PACKET)
    assert not any(asf[end - 40 : end])
    return asf[: end - 40] + SECRET.ljust(40, b"\1") + asf[end:]


def tag(name: str, number: int = 0) -> bytes:
    wide = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<4HI", 0, number, len(wide), 0, len(WIDE)) + wide + WIDE


def text_stream(number: int) -> bytes:
    command = bytes.fromhex("c0cfda59e659d011a3ac00a0c90348f6")
    return command + guids.NO_CORRECTION + struct.pack("<QIIHI", 0, 0, 0, number, 0)


HIDE: dict[str, Callable[[bytes], bytes]] = {
    "file_id": lambda asf: with_file(asf, 0, SECRET[:16]),
    "description": lambda asf: with_object(
        asf, guids.CONTENT_DESCRIPTION, struct.pack("<5H", len(WIDE), 0, 0, 0, 0) + WIDE
    ),
    "padding_object": lambda asf: with_object(asf, guids.PADDING, SECRET),
    "unknown_object": lambda asf: with_object(asf, UNKNOWN, SECRET),
    "markers": lambda asf: with_object(asf, guids.MARKERS, WIDE),
    "metadata": lambda asf: with_extension(
        asf, guids.METADATA, struct.pack("<H", 1) + tag("DeviceName")
    ),
    "in_the_extension": lambda asf: with_extension(asf, UNKNOWN, SECRET),
    "between_header_and_data": lambda asf: joined(
        parts(asf)[0], written(UNKNOWN, SECRET) + parts(asf)[1]
    ),
    "object_behind": lambda asf: asf + written(UNKNOWN, SECRET),
    "behind": lambda asf: asf + SECRET,
    "data_id": lambda asf: asf.replace(
        parts(asf)[1][:24] + bytes(16), parts(asf)[1][:24] + SECRET[:16]
    ),
    "packet_padding": with_padding,
    "packet_of_no_stream": lambda asf: with_packet(asf, packet(b"\x63" + SECRET)),
    "packet_of_nothing": lambda asf: with_packet(asf, packet(fill=SECRET)),
    "text_stream": lambda asf: with_packet(
        with_object(asf, guids.STREAM_PROPERTIES, text_stream(5)), packet(b"\x05" + WIDE)
    ),
}


BROKEN = {
    "flags": b"\x82\0\0" + b"\xff" * (PACKET - 3),
    "correction": b"\x92\0\0" + packet(b"\x01" + SECRET)[3:],
    "payload": packet(b"\x01" + SECRET).replace(
        struct.pack("<H", len(SECRET)) + SECRET, b"\xff\xff" + SECRET
    ),
}


def second_stream(asf: bytes) -> bytes:
    """Return a stream like the first, of another rate."""
    first = next(body for guid, body in parts(asf)[0] if guid == guids.STREAM_PROPERTIES)
    return first.replace(struct.pack("<I", 44100), struct.pack("<I", 22050))


class TestAsf:
    @pytest.mark.parametrize(
        "options",
        [("wmav2",), ("wmav1",), ("libmp3lame",), ("aac",), ("pcm_s16le",), ("adpcm_ms",)],
        ids=lambda options: options[0],
    )
    def test_packets_and_sound_are_the_same(self, zygote: Zygote, options: tuple[str, ...]) -> None:
        original = encoded("wma", "-c:a", *options, "-metadata", f"artist={SECRET.decode()}")

        kind, result, findings = cleaned(zygote, original)

        assert kind.extension == "wma"
        assert packets(result) == packets(original)
        assert heard(result) == heard(original)
        assert findings.removed[Kind.PERSON] == 1

    @pytest.mark.parametrize("codec", ["wmv1", "wmv2", "msmpeg4"])
    def test_pictures_are_the_same_at_the_same_times(self, zygote: Zygote, codec: str) -> None:
        original = filmed("wmv", "-c:v", codec, "-c:a", "wmav2")

        kind, result, _ = cleaned(zygote, original)

        assert kind.extension == "wmv"
        assert shown(result) == shown(original)

    def test_the_shape_of_points_stays(self, zygote: Zygote) -> None:
        wide = b"".join(
            struct.pack("<4HI", 0, 1, len(name), 3, 4) + name + struct.pack("<I", value)
            for name, value in (
                ("AspectRatioX\0".encode("utf-16-le"), 16),
                ("AspectRatioY\0".encode("utf-16-le"), 11),
            )
        )
        original = with_extension(wmv(), guids.METADATA, struct.pack("<H", 2) + wide)

        _, result, _ = cleaned(zygote, original)

        assert shown(result) == shown(original)
        assert "16/11" in shown(result)

    @pytest.mark.parametrize("hide", HIDE.values(), ids=HIDE)
    def test_what_hides_anywhere_is_gone_and_reported(
        self, zygote: Zygote, hide: Callable[[bytes], bytes]
    ) -> None:
        clean = cleaned(zygote, wma("-bitexact"))[1]

        _, result, findings = cleaned(zygote, hide(clean))

        assert result == clean
        assert findings.removed

    def test_a_date_is_gone(self, zygote: Zygote) -> None:
        clean = cleaned(zygote, wma())[1]
        dated = with_file(clean, 24, struct.pack("<Q", 133_500_000_000_000_000))

        _, result, findings = cleaned(zygote, dated)

        assert result == clean
        assert findings.removed == {Kind.TIME: 1}

    def test_exiftool_sees_nothing_but_the_sound(self, zygote: Zygote) -> None:
        planted = HIDE["description"](wma())

        assert SECRET.decode() in described(planted)
        assert SECRET.decode() not in described(cleaned(zygote, planted)[1])

    def test_a_payload_among_others_makes_room_for_padding(self, zygote: Zygote) -> None:
        clean = cleaned(zygote, wma())[1]
        mixed = with_packet(clean, packet(b"\x63" + SECRET, b"\x01" + b"sound", b"\x07" + SECRET))

        _, result, findings = cleaned(zygote, mixed)

        assert SECRET not in result
        assert findings.removed[Kind.OTHER_STREAM] == 2
        at = result.index(b"sound")
        assert len(result) == len(mixed)
        assert not any(result[at + 5 : at + 3000])
        assert cleaned(zygote, result)[1:] == (result, Findings())

    def test_a_sequence_and_error_correction_carry_nothing(self, zygote: Zygote) -> None:
        planted = packet(b"\x01" + b"sound", flags=0x17, fields=b"SEQ!")
        planted = planted[:1] + b"EC" + planted[3:]

        _, result, _ = cleaned(zygote, with_packet(wma(), planted))

        assert b"SEQ!" not in result
        assert b"\x82\0\0\x17\x5d" + bytes(4) in result

    def test_a_stream_inside_what_extends_it_is_found(self, zygote: Zygote) -> None:
        objects, rest = parts(wma())
        stream = next(each for each in objects if each[0] == guids.STREAM_PROPERTIES)
        objects.remove(stream)
        name = struct.pack("<HH", 0, len(WIDE)) + WIDE
        rates = struct.pack("<QQ8I2HQ2H", 9, 9, *[1] * 8, 1, 7, 0, 1, 0)
        hidden = with_extension(
            joined(objects, rest), guids.EXTENDED_STREAM, rates + name + written(*stream)
        )

        _, result, _ = cleaned(zygote, hidden)

        assert WIDE not in result
        assert heard(result) == heard(wma())

    @pytest.mark.parametrize(
        ("system", "stays"),
        [(guids.SAMPLE_DURATION, True), (UNKNOWN, False)],
        ids=["a_duration_stays", "anything_else_goes"],
    )
    def test_of_what_extends_payloads(self, zygote: Zygote, system: bytes, stays: bool) -> None:
        rates = struct.pack("<QQ8I2HQ2H", 0, 0, *[1] * 8, 1, 0, 0, 0, 1)
        extended = rates + struct.pack("<16sHI", system, 2, len(SECRET)) + SECRET
        payload = struct.pack("<BBIB4x4x2s", 1, 0, 0, 10, b"EX") + struct.pack("<H", 5) + b"sound"
        head = b"\x82\0\0\x11\x5d" + struct.pack("<HIH", PACKET - 14 - len(payload), 0, 0) + b"\x81"
        original = with_extension(
            with_packet(wma(), (head + payload).ljust(PACKET, b"\0")),
            guids.EXTENDED_STREAM,
            extended,
        )

        _, result, _ = cleaned(zygote, original)

        assert SECRET not in result
        assert (b"EX\x05\0sound" in result) == stays
        assert (bytes(6) + b"\x05\0sound" in result) != stays

    @pytest.mark.parametrize("length", [b"", struct.pack("<H", PACKET - 100)], ids=["", "short"])
    def test_small_objects_in_one_payload_are_kept(self, zygote: Zygote, length: bytes) -> None:
        small = b"\x01\0" + struct.pack("<I", 0) + b"\x01\x14" + b"\5sound" * 3
        head = b"\x82\0\0" + bytes((0x10 | 0x40 * bool(length), 0x5D)) + length
        size = PACKET - 100 if length else PACKET
        padding = size - len(head) - 8 - len(small)
        single = head + struct.pack("<HIH", padding, 0, 0) + small
        clean = cleaned(zygote, with_packet(wma(), single.ljust(PACKET, b"\0")))[1]

        _, result, _ = cleaned(zygote, with_packet(wma(), single.ljust(PACKET, b"K")))

        assert single.ljust(PACKET, b"\0") in clean
        assert result == clean

    @pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
    def test_a_single_packet_that_is_damaged_goes(self, zygote: Zygote, broken: bytes) -> None:
        clean = cleaned(zygote, wma())[1]

        _, result, findings = cleaned(zygote, with_packet(clean, broken))

        assert result == clean
        assert findings.removed == {Kind.SLACK: 1}

    @pytest.mark.parametrize("first", [b"", b"\x25"], ids=["bare", "behind_a_byte"])
    def test_of_vc1_settings_user_data_goes(self, first: bytes) -> None:
        units = b"\0\0\1\x0f\xca\x8a", b"\0\0\1\x1f" + SECRET, b"\0\0\1\x0e\x5a\xc7"
        settings = first + b"".join(units)
        bitmap = struct.pack("<IiiHH4sIIIII", 40, 96, 64, 1, 24, b"WVC1", 9, 9, 9, 9, 9)
        picture = struct.pack("<IIBH", 96, 64, 2, 40 + len(settings)) + bitmap + settings
        head = struct.pack("<QIIHI", 0, len(picture), 0, 1, 0)

        stream = read_stream(guids.VIDEO + guids.NO_CORRECTION + head + picture, 0)

        assert stream is not None
        assert stream.payload.endswith(bytes(20) + first + units[0] + units[2])

    def test_what_was_cut_off_keeps_its_whole_packets(self, zygote: Zygote) -> None:
        short = wma()[: -PACKET - 100]

        _, result, _ = cleaned(zygote, short)

        assert heard(result)
        assert (len(result) - result.index(guids.DATA) - DATA) % PACKET == 0
        assert heard(wma()).startswith(heard(result)[:100_000])

    def test_pictures_whose_size_is_text_are_refused(self, zygote: Zygote) -> None:
        made = wmv()
        at = made.index(guids.VIDEO) + 54

        with pytest.raises(Malformed, match="large"):
            cleaned(zygote, made[:at] + SECRET[:8] + made[at + 8 :])

    def test_durations_that_are_text_are_gone(self, zygote: Zygote) -> None:
        _, result, _ = cleaned(zygote, with_file(wma(), 40, SECRET[:24]))

        assert SECRET[:4] not in result
        assert packets(result) == packets(wma())

    @pytest.mark.parametrize("size", [0, DATA])
    def test_a_live_one_whose_size_nobody_filled_in_is_read_to_its_end(
        self, zygote: Zygote, size: int
    ) -> None:
        objects, rest = parts(wma())
        live = joined(objects, rest[:16] + struct.pack("<Q", size) + rest[24:])

        assert packets(cleaned(zygote, live)[1]) == packets(wma())

    def test_what_is_encrypted_is_refused(self, zygote: Zygote) -> None:
        for guid in guids.ENCRYPTION:
            with pytest.raises(Unsupported, match="encrypted"):
                cleaned(zygote, with_object(wma(), guid, bytes(64)))

    def test_a_codec_we_do_not_know_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported, match="codec"):
            cleaned(zygote, filmed("wmv", "-c:v", "mjpeg", "-c:a", "wmav2"))

    @pytest.mark.parametrize(
        "damage",
        [
            lambda asf: asf[:200],
            lambda asf: asf[:16] + b"\xff" * 8 + asf[24:],
            lambda asf: with_file(asf, 72, struct.pack("<II", 1 << 31, 1 << 31)),
            lambda asf: with_file(asf, 72, struct.pack("<II", 0, 0)),
            lambda asf: with_packet(with_packet(asf, BROKEN["flags"]), BROKEN["payload"]),
            lambda asf: with_object(asf, guids.STREAM_PROPERTIES, b"short"),
            lambda asf: with_object(asf, guids.STREAM_PROPERTIES, second_stream(asf)),
        ],
        ids=["cut_off", "size", "huge_packets", "no_packets", "packets", "stream", "two_streams"],
    )
    def test_a_damaged_one_is_refused(
        self, zygote: Zygote, damage: Callable[[bytes], bytes]
    ) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damage(wma()))


class TestCutOff:
    def test_a_picture_whose_end_is_missing_goes_and_the_sound_beside_it_stays(
        self, zygote: Zygote
    ) -> None:
        made = wmv()
        first = made.index(guids.DATA) + 50
        packet = made[first : first + 3200]
        assert len(packet.rstrip(b"\0")) == 3200  # a picture of which it holds the beginning
        planted = made[:first] + packet[: -len(SECRET)] + SECRET

        _, result, findings = cleaned(zygote, planted)

        assert SECRET not in result
        assert findings.removed[Kind.SLACK]
        assert packet[40:200] in result  # sound
        assert cleaned(zygote, result)[1] == result

"""MP4 and its kin: what is kept are the sound tracks and the samples they refer to."""

import io
import struct

import pytest
from mutagen.mp4 import MP4
from recordings import RATE, SECRET, box, cleaned, cleaned_here, described, encoded, heard, packets

from scrub import Kind, Malformed, NotARecording, ScrubError, TooComplex, Unsupported, Zygote
from scrub.codecs.aac_settings import without_comment

AAC = ("-c:a", "aac", "-b:a", "64k")
M4A = encoded("m4a", *AAC, "-metadata", f"artist={SECRET.decode()}")
FRAGMENTS = ("-movflags", "+frag_keyframe+empty_moov")
TIMES = ("-metadata", "creation_time=2026-11-03T14:05:09Z")
PLAIN = cleaned_here(M4A)
CODECS = {
    "aac": ("m4a", *AAC),
    "alac": ("m4a", "-c:a", "alac"),
    "moov_first": ("m4a", *AAC, "-movflags", "+faststart"),
    "opus": ("mp4", "-c:a", "libopus"),
    "mp3": ("mp4", "-c:a", "libmp3lame"),
    "pcm_in_mov": ("mov", "-c:a", "pcm_s16le"),
    "microsoft_in_mov": ("mov", "-c:a", "adpcm_ima_wav"),
    "packed_in_mov": ("mov", "-c:a", "adpcm_ima_qt"),
    "gsm": ("mov", "-ar", "8000", "-c:a", "libgsm"),
    "dts": ("mov", "-ar", "48000", "-c:a", "dca", "-strict", "-2"),
    "dts_in_mp4": ("mp4", "-ar", "48000", "-c:a", "dca", "-strict", "-2"),
    "amr": ("3gp", "-ar", "8000", "-c:a", "libopencore_amrnb"),
}


def tops(mp4: bytes) -> list[tuple[bytes, bytes]]:
    """Return the boxes of a file, or of a box's payload."""
    at, found = 0, []
    while at < len(mp4):
        size = int.from_bytes(mp4[at : at + 4], "big")
        found.append((mp4[at + 4 : at + 8], mp4[at + 8 : at + size]))
        at += size
    return found


def inside(mp4: bytes, path: str) -> bytes:
    """Return the payload of the first box on a path like "moov/trak"."""
    for name in path.split("/"):
        mp4 = dict(reversed(tops(mp4)))[name.encode()]
    return mp4


def moved(moov: bytes, by: int) -> bytes:
    """Return a moov whose only chunk table points `by` bytes further."""
    at = moov.index(b"stco") + 8
    (count,) = struct.unpack_from(">I", moov, at)
    offsets = struct.unpack_from(f">{count}I", moov, at + 4)
    new = struct.pack(f">{count}I", *(offset + by for offset in offsets))
    return moov[: at + 4] + new + moov[at + 4 + len(new) :]


def with_slack(front: bytes, behind: bytes) -> bytes:
    """Return the plain file with bytes in mdat that no track refers to, moov last."""
    (_, ftyp), (_, moov), (_, mdat) = tops(PLAIN)
    by = len(front) - len(box(b"moov", moov))
    return box(b"ftyp", ftyp) + box(b"mdat", front, mdat, behind) + box(b"moov", moved(moov, by))


def with_in_moov(*extra: bytes) -> bytes:
    """Return the plain file with more boxes in moov."""
    (_, ftyp), (_, moov), (_, mdat) = tops(PLAIN)
    by = sum(map(len, extra))
    return box(b"ftyp", ftyp) + box(b"moov", moved(moov, by), *extra) + box(b"mdat", mdat)


def in_entry(mp4: bytes, extra: bytes) -> bytes:
    """Return the file with more boxes at the end of its sample description."""
    start = mp4.index(b"stsd") + 12
    (size,) = struct.unpack_from(">I", mp4, start)
    grown = mp4[: start + size] + extra + mp4[start + size :]
    for at in [start, *(grown.index(name) - 4 for name in CONTAINERS)]:
        (old,) = struct.unpack_from(">I", grown, at)
        grown = grown[:at] + struct.pack(">I", old + len(extra)) + grown[at + 4 :]
    return moved(grown, len(extra))


def grow(mp4: bytes, name: bytes, end: int, extra: bytes) -> bytes:
    """Return the file with more bytes at `end` of this box, all sizes and offsets right."""
    around = (b"edts", b"trak", b"moov") if name == b"elst" else CONTAINERS[1:]
    grown = mp4[:end] + extra + mp4[end:]
    for each in (name, *around):
        at = grown.index(each) - 4
        (old,) = struct.unpack_from(">I", grown, at)
        grown = grown[:at] + struct.pack(">I", old + len(extra)) + grown[at + 4 :]
    return moved(grown, len(extra))


def sized(mp4: bytes, by: int) -> bytes:
    """Return the file with boxes around stbl, and offsets, as a change of `by` bytes needs."""
    for each in CONTAINERS[1:]:
        at = mp4.index(each) - 4
        (old,) = struct.unpack_from(">I", mp4, at)
        mp4 = mp4[:at] + struct.pack(">I", old + by) + mp4[at + 4 :]
    return moved(mp4, by)


def of_samples(samples: list[bytes]) -> bytes:
    """Return a file of these samples in one chunk, said to be MP3."""
    entry = bytes(6) + struct.pack(">HHH4sHHHHI", 1, 0, 0, bytes(4), 1, 16, 0, 0, RATE << 16)
    esds = b"\x03\x15\0\0\0\x04\x0d\x6b" + bytes(12) + b"\x06\1\2"
    stsd = bytes(7) + b"\1" + box(b".mp3", entry, box(b"esds", bytes(4), esds))
    stts = struct.pack(">5I", 0, 1, len(samples), 1152, 0)[:16]
    stsz = struct.pack(">3I", 0, 0, len(samples))
    stsz += struct.pack(f">{len(samples)}I", *map(len, samples))
    stbl = box(b"stsd", stsd) + box(b"stts", stts)
    stbl += box(b"stsc", struct.pack(">5I", 0, 1, 1, len(samples), 1)) + box(b"stsz", stsz)
    ftyp = box(b"ftyp", b"isom\0\0\0\0")
    head = bytes(24)
    for _ in range(2):  # the offset is known when the size of moov is
        offset = struct.pack(">3I", 0, 1, len(ftyp) + len(head) + 8)
        minf = box(b"minf", box(b"stbl", stbl, box(b"stco", offset)))
        hdlr = box(b"hdlr", bytes(8) + b"soun" + bytes(13))
        mdia = box(b"mdia", box(b"mdhd", bytes(24)), hdlr, minf)
        head = box(b"moov", box(b"mvhd", bytes(100)), box(b"trak", box(b"tkhd", bytes(84)), mdia))
    return ftyp + head + box(b"mdat", *samples)


def recorded_twice(
    codec: bytes,
    groups: tuple[int, int],
    options: tuple[str, ...] = (),
    *,
    flags: tuple[int, int] = (3, 3),
) -> bytes:
    """Return a file of two tracks, the second of this codec, in these alternate groups."""
    split = ("-filter_complex", "[0:a]asplit[a][b]", "-map", "[a]", "-map", "[b]")
    mp4 = encoded("m4a", *AAC, *split, *options)
    at = -1
    for group, flag in zip(groups, flags, strict=True):
        at = mp4.index(b"tkhd", at + 1)
        mp4 = mp4[: at + 7] + bytes([flag]) + mp4[at + 8 :]
        mp4 = mp4[: at + 38] + struct.pack(">H", group) + mp4[at + 40 :]
    at = mp4.index(b"mp4a", at)
    return mp4[:at] + codec + mp4[at + 4 :]


def with_entry(mp4: bytes, name: bytes, entry: bytes) -> bytes:
    """Return the file with one more entry at the end of a table."""
    at = mp4.index(name)
    (size,) = struct.unpack_from(">I", mp4, at - 4)
    (count,) = struct.unpack_from(">I", mp4, at + 8)
    counted = mp4[: at + 8] + struct.pack(">I", count + 1) + mp4[at + 12 :]
    return grow(counted, name, at - 4 + size, entry)


CONTAINERS = (b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov")
GPS = b"\0\x17\x15\xc7+52.5163+013.3777/"
HIDDEN = {
    "slack_in_front": with_slack(SECRET, b""),
    "slack_behind": with_slack(b"", SECRET),
    "udta": with_in_moov(box(b"udta", box(b"\xa9xyz", GPS), box(b"auth", SECRET))),
    "uuid": with_in_moov(box(b"uuid", SECRET)),
    "free": with_in_moov(box(b"free", SECRET)),
    "unknown_box": with_in_moov(box(b"zzzz", SECRET)),
    "top_level_meta": PLAIN + box(b"meta", SECRET),
    "second_mdat": PLAIN + box(b"mdat", SECRET),
    "trailing": PLAIN + SECRET,
}


class TestMp4:
    @pytest.mark.parametrize("made", CODECS.values(), ids=CODECS)
    def test_packets_and_sound_are_the_same(self, zygote: Zygote, made: tuple[str, ...]) -> None:
        original = encoded(*made, "-metadata", f"title={SECRET.decode()}", *TIMES)

        kind, result, findings = cleaned(zygote, original)

        assert kind.extension == made[0]
        assert packets(result) == packets(original)
        assert heard(result) == heard(original)
        assert SECRET not in result
        assert findings.removed[Kind.TIME] >= 1

    @pytest.mark.parametrize("planted", HIDDEN.values(), ids=HIDDEN)
    def test_what_no_track_needs_is_gone(self, zygote: Zygote, planted: bytes) -> None:
        _, result, findings = cleaned(zygote, planted)

        assert result == PLAIN
        assert findings.removed

    @pytest.mark.parametrize("front", [box(b"free", SECRET), box(b"wide") + box(b"skip", SECRET)])
    def test_what_stands_before_the_brands_is_gone(self, front: bytes) -> None:
        (_, ftyp), (_, moov), (_, mdat) = tops(PLAIN)

        shifted = front + box(b"ftyp", ftyp) + box(b"moov", moved(moov, len(front)))

        assert cleaned_here(shifted + box(b"mdat", mdat)) == PLAIN

    def test_the_report_names_location_and_person(self, zygote: Zygote) -> None:
        findings = cleaned(zygote, HIDDEN["udta"])[2]

        assert findings.removed[Kind.LOCATION] == 1
        assert findings.removed[Kind.PERSON] == 1

    def test_times_languages_and_names_are_blank(self, zygote: Zygote) -> None:
        named = (
            "-metadata:s:a:0",
            "language=deu",
            "-metadata:s:a:0",
            "handler_name=Phone of Maria",
        )
        original = encoded("mp4", *AAC, *named, *TIMES)

        _, result, _ = cleaned(zygote, original)

        for header in ("moov/mvhd", "moov/trak/tkhd", "moov/trak/mdia/mdhd"):
            assert inside(original, header)[4:12] != bytes(8)
            assert inside(result, header)[4:12] == bytes(8)
        assert inside(result, "moov/trak/mdia/mdhd")[20:22] == struct.pack(">H", 0x55C4)
        assert b"Maria" not in result

    def test_every_sound_track_survives(self, zygote: Zygote) -> None:
        two = encoded(
            "m4a", *AAC, "-filter_complex", "[0:a]asplit[a][b]", "-map", "[a]", "-map", "[b]"
        )

        _, result, _ = cleaned(zygote, two)

        assert [name for name, _ in tops(inside(result, "moov"))] == [b"mvhd", b"trak", b"trak"]
        assert packets(result) == packets(two)

    @pytest.mark.parametrize(("codec", "groups"), [(b"apac", (0, 0)), (b"new!", (7, 7))])
    @pytest.mark.parametrize("fragments", [(), FRAGMENTS])
    def test_unknown_sound_goes_where_an_alternate_of_it_is_kept(
        self, zygote: Zygote, codec: bytes, groups: tuple[int, int], fragments: tuple[str, ...]
    ) -> None:
        alone = encoded("m4a", *AAC, *fragments)
        spatial = recorded_twice(codec, groups, fragments)

        _, result, findings = cleaned(zygote, spatial)

        assert [name for name, _ in tops(inside(result, "moov"))][:2] == [b"mvhd", b"trak"]
        assert result.count(b"trak") == 1
        assert codec not in result
        assert packets(result) == packets(alone)
        assert len(result) < len(alone) + 512  # its samples went, too
        assert findings.removed[Kind.OTHER_STREAM] >= 1

    def test_sound_that_stands_in_for_what_goes_is_played(self) -> None:
        spatial = recorded_twice(b"apac", (1, 1), flags=(2, 3))

        assert inside(cleaned_here(spatial), "moov/trak/tkhd")[3] == 3

    def test_sound_that_was_switched_off_stays_so_if_another_is_on(self) -> None:
        spatial = recorded_twice(b"apac", (1, 1), flags=(2, 2))

        assert inside(cleaned_here(spatial), "moov/trak/tkhd")[3] == 2

    @pytest.mark.parametrize(
        ("codec", "groups"), [(b"new!", (0, 0)), (b"new!", (1, 2)), (b"enca", (1, 1))]
    )
    def test_unknown_sound_is_refused_where_it_may_be_all_there_is(
        self, codec: bytes, groups: tuple[int, int]
    ) -> None:
        with pytest.raises(Unsupported):
            cleaned_here(recorded_twice(codec, groups))

    def test_unknown_sound_is_refused_where_its_alternate_goes_too(self) -> None:
        both = recorded_twice(b"apac", (1, 1)).replace(b"mp4a", b"new!")

        with pytest.raises(Unsupported):
            cleaned_here(both)

    def test_an_offset_table_of_64_bits_is_read(self, zygote: Zygote) -> None:
        (_, ftyp), (_, moov), (_, mdat) = tops(PLAIN)
        at = moov.index(b"stco") - 4
        (size,) = struct.unpack_from(">I", moov, at)
        (count,) = struct.unpack_from(">I", moov, at + 12)
        offsets = struct.unpack_from(f">{count}I", moov, at + 16)
        by = 4 * count
        wide = box(b"co64", bytes(4), struct.pack(f">I{count}Q", count, *(o + by for o in offsets)))
        grown = moov[:at] + wide + moov[at + size :]
        for name in (b"stbl", b"minf", b"mdia", b"trak"):  # the boxes around it grew as well
            start = grown.index(name) - 4
            (old,) = struct.unpack_from(">I", grown, start)
            grown = grown[:start] + struct.pack(">I", old + by) + grown[start + 4 :]

        _, result, _ = cleaned(
            zygote, box(b"ftyp", ftyp) + box(b"moov", grown) + box(b"mdat", mdat)
        )

        assert result == PLAIN

    def test_encoder_strings_inside_packets_are_named_as_remaining(self, zygote: Zygote) -> None:
        assert b"Lavc" in PLAIN

        assert cleaned(zygote, M4A)[2].remains == {Kind.ENCODER: 1}

    def test_an_encoder_is_named_in_whichever_track_it_signs(self, zygote: Zygote) -> None:
        two = encoded(
            "mov",
            "-filter_complex",
            "[0:a]asplit[a][b]",
            "-map",
            "[a]",
            "-map",
            "[b]",
            "-c:a:0",
            "pcm_s16le",
            "-c:a:1",
            "aac",
        )

        assert cleaned(zygote, two)[2].remains == {Kind.ENCODER: 1}

    @pytest.mark.parametrize("codec", ["aac", "opus", "pcm_in_mov", "amr"])
    def test_a_box_that_belongs_to_another_codec_is_gone(self, codec: str) -> None:
        original = cleaned_here(encoded(*CODECS[codec]))
        foreign = box(b"dec3", SECRET[:16]) + box(b"frma", SECRET[:4])

        assert cleaned_here(in_entry(original, foreign)) == original

    def test_numbers_of_a_description_that_are_text_are_gone(self) -> None:
        plain = cleaned_here(encoded("mov", *AAC))
        at = plain.index(b"mp4a", plain.index(b"stsd")) + 4 + 28
        hidden = plain[:at] + SECRET[:16] + plain[at + 16 :]

        result = cleaned_here(hidden)

        assert plain[at - 20 : at - 18] == b"\0\1"
        assert SECRET[:4] not in result
        assert heard(result) == heard(plain)

    def test_where_loudspeakers_stand_is_gone(self) -> None:
        original = encoded("mov", "-ac", "6", "-c:a", "pcm_s16le")
        plain = cleaned_here(original)
        at = plain.index(b"chan") + 4
        described = struct.pack(">III", 0, 0, 6)
        named = b"".join(struct.pack(">I", 1 + i) + SECRET[:16] for i in range(6))
        chan = box(b"chan", bytes(4), described, named)
        (old,) = struct.unpack_from(">I", plain, at - 8)
        hidden = sized(plain[: at - 8] + chan + plain[at - 8 + old :], len(chan) - old)
        for name in (b"sowt", b"stsd"):
            start = hidden.index(name) - 4
            (size,) = struct.unpack_from(">I", hidden, start)
            hidden = (
                hidden[:start] + struct.pack(">I", size + len(chan) - old) + hidden[start + 4 :]
            )
        result = cleaned_here(hidden)

        assert SECRET[:16] in hidden
        assert SECRET[:4] not in result
        assert heard(result) == heard(original)

    def test_a_layout_that_is_told_by_number_has_no_bitmap(self) -> None:
        plain = cleaned_here(encoded("mov", "-ac", "6", "-c:a", "pcm_s16le"))
        at = plain.index(b"chan") + 4
        hidden = plain[:at] + SECRET[:4] + plain[at + 4 : at + 8] + SECRET[4:8] + plain[at + 12 :]
        by_number = plain[:at] + struct.pack(">4xII", 0x790006, 0) + plain[at + 12 :]
        told = by_number[: at + 8] + SECRET[:4] + by_number[at + 12 :]

        assert SECRET[:4] not in cleaned_here(hidden)
        assert cleaned_here(told) == cleaned_here(by_number)

    def test_what_stands_behind_the_streams_of_eac3_is_gone(self) -> None:
        plain = cleaned_here(encoded("mp4", "-c:a", "eac3"))
        at = plain.index(b"dec3")
        longer = plain[: at - 4] + struct.pack(">I", 13 + 16) + plain[at : at + 9] + SECRET[:16]
        longer = sized(longer + plain[at + 9 :], 16)
        for name in (b"ec-3", b"stsd"):
            start = longer.index(name) - 4
            (size,) = struct.unpack_from(">I", longer, start)
            longer = longer[:start] + struct.pack(">I", size + 16) + longer[start + 4 :]

        assert cleaned_here(longer) == plain

    def test_bit_rates_that_are_text_are_gone(self) -> None:
        plain = cleaned_here(PLAIN)
        at = plain.index(b"\x40\x15", plain.index(b"esds")) + 2
        hidden = plain[:at] + SECRET[:11] + plain[at + 11 :]

        result = cleaned_here(hidden)

        assert SECRET[:4] not in result
        assert heard(result) == heard(plain)

    @pytest.mark.parametrize("name", ["mvhd", "mdhd"])
    def test_a_duration_that_is_text_is_gone(self, name: str) -> None:
        plain = cleaned_here(PLAIN)
        at = plain.index(name.encode()) + 4
        wide = b"\1\0\0\0" + bytes(16) + plain[at + 12 : at + 16] + SECRET[:8]
        around = {"mvhd": (b"mvhd", b"moov"), "mdhd": (b"mdhd", b"mdia", b"trak", b"moov")}
        hidden = plain[:at] + wide + plain[at + 20 :]
        for each in around[name]:
            start = hidden.index(each) - 4
            (size,) = struct.unpack_from(">I", hidden, start)
            hidden = hidden[:start] + struct.pack(">I", size + 12) + hidden[start + 4 :]

        result = cleaned_here(moved(hidden, 12))

        assert SECRET[:4] not in result
        assert heard(result) == heard(plain)

    def test_a_comment_in_the_settings_of_aac_is_gone(self) -> None:
        general = "00010 0100 0000 000"
        one_front_element = "0000 01 0100 0001 0000 0000 00 000 0000 0 0 0 10000 0"
        program = int((general + one_front_element).replace(" ", ""), 2).to_bytes(7, "big")

        assert without_comment(program + bytes([len(SECRET)]) + SECRET + b"\x56\xe5") == (
            program + b"\0\x56\xe5"
        )
        assert without_comment(bytes([0x12, 0x10]) + b"\x56\xe5\0") == b"\x12\x10\x56\xe5\0"
        assert without_comment(bytes([0x12, 0x10]) + SECRET) == bytes([0x12, 0x10])
        ps = bytes.fromhex("131056e59d4880")  # 22 and 44 kHz
        assert without_comment(ps + SECRET) == ps
        assert without_comment(program + b"\0\x56\xe5\0" + SECRET) == program + b"\0\x56\xe5\0"

    @pytest.mark.parametrize(
        ("name", "width"), [(b"stts", 8), (b"stsc", 12)], ids=["durations", "runs"]
    )
    def test_entries_beyond_the_samples_are_gone(self, name: bytes, width: int) -> None:
        hidden = b"\x7f" + SECRET[: width - 1]

        result = cleaned_here(with_entry(PLAIN, name, hidden))

        assert result == PLAIN

    def test_an_mdat_whose_size_is_too_small_is_read_on(self) -> None:
        (_, ftyp), (_, moov), (_, mdat) = tops(PLAIN)
        at = len(mdat) // 2
        hidden_size = struct.pack(">I", at + 8) + b"mdat" + mdat[:at]

        result = cleaned_here(box(b"ftyp", ftyp) + box(b"moov", moov) + hidden_size + mdat[at:])

        assert result == PLAIN

    def test_samples_that_lie_among_the_boxes_are_refused(self) -> None:
        at = M4A.index(b"stco") + 12
        away = struct.pack(">I", M4A.index(b"udta") - 4)

        with pytest.raises(Malformed):
            cleaned_here(M4A[:at] + away + M4A[at + 4 :])

    def test_a_track_without_samples_has_no_chunks(self) -> None:
        original = encoded(
            "m4a", *AAC, "-filter_complex", "[0:a]asplit[a][b]", "-map", "[a]", "-map", "[b]"
        )
        second = original.rindex(b"stsz")
        emptied = original[: second + 12] + bytes(4) + original[second + 16 :]
        runs = emptied.rindex(b"stsc")
        emptied = emptied[: runs + 8] + bytes(4) + emptied[runs + 12 :]

        result = cleaned_here(emptied)

        assert packets(result)
        assert inside(result, "moov/trak/mdia/minf/stbl/stco")[4:8] != bytes(4)
        assert result[result.rindex(b"stco") + 8 :][:4] == bytes(4)

    def test_an_edit_that_begins_behind_the_end_is_gone(self) -> None:
        hidden = SECRET[:4] + b"\x7f" + SECRET[:3] + b"\0\1\0\0"

        assert cleaned_here(with_entry(PLAIN, b"elst", hidden)) == PLAIN

    def test_an_edit_at_another_speed_is_refused(self) -> None:
        with pytest.raises(Unsupported):
            cleaned_here(with_entry(PLAIN, b"elst", SECRET[:12]))

    def test_a_distance_that_no_sample_needs_is_gone(self) -> None:
        at = PLAIN.index(b"sgpd") + 16
        grown = grow(PLAIN, b"sgpd", PLAIN.index(b"sgpd") - 4 + 26, SECRET[:2])
        grown = grown[:at] + struct.pack(">I", 2) + grown[at + 4 :]

        assert cleaned_here(grown) == PLAIN

    def test_a_photograph_is_no_recording(self) -> None:
        photograph = box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(20))

        with pytest.raises(NotARecording):
            cleaned_here(photograph + box(b"mdat", SECRET))

    @pytest.mark.parametrize("width", [4, 8, 16])
    def test_a_table_of_small_samples_is_written_as_an_ordinary_one(self, width: int) -> None:
        sizes = [1 + i % 15 for i in range(49)]
        mp4 = cleaned_here(of_samples([bytes([i]) * size for i, size in enumerate(sizes)]))
        at = mp4.index(b"stsz") - 4
        small = bytes(7) + bytes([width]) + struct.pack(">I", len(sizes))
        bits = "".join(f"{size:0{width}b}" for size in sizes)
        small += int(bits.ljust(-len(bits) % 8 + len(bits), "0"), 2).to_bytes(
            -(-len(bits) // 8), "big"
        )
        table = box(b"stz2", small)
        (old,) = struct.unpack_from(">I", mp4, at)
        shorter = mp4[:at] + table + mp4[at + old :]

        resized = sized(shorter, len(table) - old)

        assert cleaned_here(resized) == mp4

    def test_more_descriptions_than_anyone_needs_are_refused(self) -> None:
        start = PLAIN.index(b"stsd") + 12
        (size,) = struct.unpack_from(">I", PLAIN, start)
        entry = PLAIN[start : start + size]

        with pytest.raises(TooComplex):
            cleaned_here(grow(PLAIN, b"stsd", start + size, entry * 20))

    def test_mutagen_and_exiftool_see_nothing(self, zygote: Zygote) -> None:
        _, result, _ = cleaned(zygote, M4A)

        assert MP4(io.BytesIO(result)).tags is None
        assert SECRET.decode() in described(M4A)
        assert SECRET.decode() not in described(result)

    @pytest.mark.parametrize(
        "damaged",
        [
            M4A[: len(M4A) // 2],
            PLAIN[:-100],
            box(b"ftyp", b"M4A \0\0\0\0") + box(b"moov"),
            box(b"ftyp", b"M4A \0\0\0\0") + box(b"moov", box(b"mvhd", bytes(100))),
            PLAIN.replace(b"stsz", b"stzz"),
            PLAIN.replace(b"trak", b"moov"),
        ],
        ids=["no_moov", "samples_cut_off", "empty_moov", "no_track", "no_sizes", "nested_moov"],
    )
    def test_a_damaged_one_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(ScrubError) as refusal:
            cleaned(zygote, damaged)

        assert isinstance(refusal.value, Malformed)

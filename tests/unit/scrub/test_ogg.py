"""Ogg: what is kept are the sound's packets, on pages that name nobody."""

import struct
import time

import pytest
from recordings import SECRET, cleaned, cleaned_here, described, encoded, heard, packets, seen

from scrub import Kind, Malformed, ScrubError, TooComplex, Unsupported, Zygote
from scrub.codecs import theora
from scrub.containers.ogg import checksum

TAGGED = ("-metadata", f"artist={SECRET.decode()}", "-metadata", "location=+52.5163+013.3777/")
VORBIS = encoded("ogg", "-c:a", "libvorbis", *TAGGED)
OPUS = encoded("opus", "-c:a", "libopus", "-b:a", "24k", *TAGGED)
SPEEX = encoded("spx", "-ar", "16000", "-c:a", "libspeex", *TAGGED)
FLAC = encoded("oga", "-c:a", "flac", *TAGGED)
PICTURE = ("-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=10")
THEORA = encoded("ogv", *PICTURE, "-c:v", "libtheora", "-c:a", "libvorbis", *TAGGED)
VP8 = encoded("ogg", *PICTURE, "-c:v", "libvpx", "-c:a", "libopus", *TAGGED)
KINDS = {
    "Ogg Vorbis": VORBIS,
    "Ogg Opus": OPUS,
    "Ogg Speex": SPEEX,
    "Ogg FLAC": FLAC,
    "Ogg Theora": THEORA,
    "Ogg VP8": VP8,
}


def crc(page: bytes) -> bytes:
    """Return a page's CRC, computed bit by bit as RFC 3533 describes it."""
    remainder = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = remainder << 1 ^ (0x104C11DB7 if remainder >> 31 else 0)
    return struct.pack("<I", remainder)


def pages(ogg: bytes) -> list[bytes]:
    """Return the pages."""
    found, at = [], 0
    while at < len(ogg):
        assert ogg[at : at + 4] == b"OggS"
        body = at + 27 + ogg[at + 26]
        end = body + sum(ogg[at + 27 : body])
        found.append(ogg[at:end])
        at = end
    return found


def page(packet: bytes, *, flags: int, serial: bytes, number: int) -> bytes:
    """Return a page that holds one short packet."""
    head = b"OggS\0" + bytes([flags]) + bytes(8) + serial + struct.pack("<I", number) + bytes(4)
    made = head + b"\1" + bytes([len(packet)]) + packet
    return made[:22] + crc(made) + made[26:]


def headers(two: list[bytes], *, serial: bytes) -> bytes:
    """Return a page that holds these packets."""
    lacing = b"".join(b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in two)
    made = b"OggS" + bytes(10) + serial + b"\1\0\0\0" + bytes(4) + bytes([len(lacing)]) + lacing
    made += b"".join(two)
    return made[:22] + crc(made) + made[26:]


def with_serial(ogg: bytes, serial: bytes) -> bytes:
    """Return the same stream under another serial."""
    renamed = [each[:14] + serial + each[18:] for each in pages(ogg)]
    return b"".join(each[:22] + crc(each) + each[26:] for each in renamed)


def sound(ogg: bytes) -> int:
    """Return how many samples are heard."""
    return len(heard(ogg))


class TestOgg:
    @pytest.mark.parametrize(("name", "original"), KINDS.items(), ids=KINDS)
    def test_packets_and_sound_are_the_same_and_the_comments_gone(
        self, zygote: Zygote, name: str, original: bytes
    ) -> None:
        kind, result, findings = cleaned(zygote, original)

        assert kind.name == name
        assert packets(result) == packets(original)
        assert heard(result) == heard(original)
        assert SECRET in original
        assert SECRET not in result
        assert b"Lavf" not in result
        assert b"Lavc" not in result
        assert Kind.TAG_BLOCK in findings.removed
        assert described(result).count("Lav") == 0

    @pytest.mark.parametrize("original", [VORBIS, OPUS], ids=["vorbis", "opus"])
    def test_the_report_says_what_the_comments_were_about(
        self, zygote: Zygote, original: bytes
    ) -> None:
        removed = cleaned(zygote, original)[2].removed

        assert {Kind.PERSON, Kind.LOCATION, Kind.ENCODER} <= removed.keys()

    @pytest.mark.parametrize("original", [VORBIS, OPUS, SPEEX, FLAC])
    def test_serials_numbers_and_checksums_are_new_and_right(
        self, zygote: Zygote, original: bytes
    ) -> None:
        result = pages(cleaned(zygote, original)[1])

        assert {each[14:18] for each in result} == {bytes(4)}
        assert [struct.unpack("<I", each[18:22])[0] for each in result] == [*range(len(result))]
        assert all(crc(each) == each[22:26] for each in result)

    def test_each_link_of_a_chain_is_cleaned_and_stays(self, zygote: Zygote) -> None:
        chain = with_serial(VORBIS, b"abcd") + with_serial(VORBIS, b"efgh")

        _, result, _ = cleaned(zygote, chain)

        assert SECRET not in result
        assert b"abcd" not in result
        assert [each[14] for each in pages(result) if each[5] & 2] == [0, 1]
        assert sound(result) == sound(chain) > sound(VORBIS)

    def test_links_that_share_a_serial_sound_as_they_did(self, zygote: Zygote) -> None:
        _, result, _ = cleaned(zygote, OPUS + OPUS)

        assert {each[14] for each in pages(result)} == {0}
        assert heard(result) == heard(OPUS + OPUS)

    def test_streams_side_by_side_begin_together(self, zygote: Zygote) -> None:
        a, b = pages(with_serial(VORBIS, b"abcd")), pages(with_serial(OPUS, b"efgh"))
        mixed = b"".join([a[0], b[0], a[1], b[1], *a[2:], *b[2:]])

        _, result, _ = cleaned(zygote, mixed)

        assert [each[5] & 2 for each in pages(result)][:3] == [2, 2, 0]

    def test_a_stream_of_text_is_gone(self, zygote: Zygote) -> None:
        skeleton = page(b"fishead\0" + SECRET, flags=2, serial=b"text", number=0)
        more = page(SECRET, flags=4, serial=b"text", number=1)
        first, *rest = pages(VORBIS)

        mixed = first + skeleton + rest[0] + more + b"".join(rest[1:])
        _, result, findings = cleaned(zygote, mixed)

        assert result == cleaned_here(VORBIS)
        assert findings.removed[Kind.OTHER_STREAM] == 1

    @pytest.mark.parametrize("junk", [SECRET, b"OggS" + SECRET, b"OggS\0\0" + SECRET * 9])
    def test_what_stands_between_pages_is_gone(self, zygote: Zygote, junk: bytes) -> None:
        parts = pages(VORBIS)

        _, result, _ = cleaned(zygote, b"".join(parts[:3]) + junk + b"".join(parts[3:]) + junk)

        assert result == cleaned_here(VORBIS)

    def test_heads_without_end_are_refused_soon(self, zygote: Zygote) -> None:
        heads = b"OggS\0" * 20000 + b"\xff" * 100000

        with pytest.raises(TooComplex):
            cleaned_here(VORBIS + heads * 2)

    def test_a_false_first_page_behind_the_sound_is_no_page(self, zygote: Zygote) -> None:
        behind = b"OggS\0\2" + bytes(99) + SECRET * 9

        assert cleaned(zygote, VORBIS + behind)[1] == cleaned_here(VORBIS)

    def test_a_page_with_a_wrong_checksum_leaves_a_gap(self, zygote: Zygote) -> None:
        parts = pages(OPUS)
        broken = parts[2][:-1] + bytes([parts[2][-1] ^ 1])

        _, result, _ = cleaned(zygote, b"".join([*parts[:2], broken, *parts[3:]]))

        assert [each[18] for each in pages(result)][:3] == [0, 1, 3]

    def test_bytes_behind_the_headers_are_gone(self, zygote: Zygote) -> None:
        first, comments, *rest = pages(OPUS)
        head = page(first[28:] + SECRET, flags=2, serial=first[14:18], number=0)
        tags = b"OpusTags" + bytes(8) + SECRET
        planted = head + page(tags, flags=0, serial=first[14:18], number=1) + b"".join(rest)

        _, result, _ = cleaned(zygote, planted)

        assert comments not in planted
        assert result == cleaned_here(OPUS)

    def test_a_picture_that_fills_pages_of_comments_is_gone(self, zygote: Zygote) -> None:
        first, tags, *rest = pages(OPUS)
        serial, large = first[14:18], b"OpusTags" + SECRET * 9000
        parts = [large[at : at + 65025] for at in range(0, len(large), 65025)]
        lacings = [b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in parts]
        planted = first
        for number, (part, lacing) in enumerate(zip(parts, lacings, strict=True), 1):
            head = b"OggS\0" + bytes([number > 1]) + bytes(8) + serial + struct.pack("<I", number)
            made = head + bytes(4) + bytes([len(lacing[:255])]) + lacing[:255] + part
            planted += made[:22] + crc(made) + made[26:]
        late = [each[:18] + bytes([each[18] + len(parts) - 1]) + each[19:] for each in rest]

        _, result, _ = cleaned(zygote, planted + b"".join(x[:22] + crc(x) + x[26:] for x in late))

        assert tags not in planted
        assert result == cleaned_here(OPUS)

    def test_bytes_behind_the_vorbis_setup_are_gone(self, zygote: Zygote) -> None:
        first, second, *rest = pages(VORBIS)
        comments, _, setup = second[27 + second[26] :].partition(b"\x05vorbis")
        setup = b"\x05vorbis" + setup
        planted = first + headers([comments, setup + SECRET], serial=first[14:18]) + b"".join(rest)

        _, result, _ = cleaned(zygote, planted)

        assert SECRET not in result
        assert result == cleaned_here(VORBIS)

    @pytest.mark.parametrize("kind", [1, 3, 5, 77])
    def test_a_header_among_the_sound_of_vorbis_is_refused(self, zygote: Zygote, kind: int) -> None:
        *parts, last = pages(VORBIS)
        hidden = page(bytes([kind]) + SECRET, flags=0, serial=last[14:18], number=last[18])

        with pytest.raises(Malformed, match="among the sound"):
            cleaned(zygote, b"".join(parts) + hidden + last)

    @pytest.mark.parametrize("original", KINDS.values(), ids=KINDS)
    def test_headers_that_come_again_among_the_sound_are_refused(
        self, zygote: Zygote, original: bytes
    ) -> None:
        parts = pages(original)
        again = next(each for each in parts if SECRET in each)

        with pytest.raises(Malformed, match="among the sound"):
            cleaned(zygote, b"".join(parts[:-1]) + again + parts[-1])

    def test_exiftool_finds_no_person_left(self, zygote: Zygote) -> None:
        assert SECRET.decode() in described(VORBIS)
        assert SECRET.decode() not in described(cleaned(zygote, VORBIS)[1])

    def test_cut_short_what_was_heard_is_still_heard(self, zygote: Zygote) -> None:
        long = encoded("opus", "-c:a", "libopus", "-page_duration", "100000")
        short = b"".join(pages(long)[:-3]) + pages(long)[-3][:40]

        assert heard(cleaned(zygote, short)[1]) == heard(short) != b""

    @pytest.mark.parametrize(
        ("damaged", "error"),
        [
            (VORBIS[:2000], Malformed),
            (b"".join(pages(OPUS)[:2]), Malformed),
            (page(b"BBCD\0\0\0\0\x0d", flags=2, serial=b"beeb", number=0), Unsupported),
            (page(b"WHAT IS THIS?", flags=2, serial=b"what", number=0) + VORBIS, Unsupported),
        ],
        ids=["headers_cut_off", "no_sound", "dirac", "an_unknown_stream"],
    )
    def test_one_without_sound_that_we_know_is_refused(
        self, zygote: Zygote, damaged: bytes, error: type[ScrubError]
    ) -> None:
        with pytest.raises(error):
            cleaned(zygote, damaged)

    @pytest.mark.parametrize("original", [OPUS, SPEEX, VORBIS], ids=["opus", "speex", "vorbis"])
    def test_sound_on_the_page_of_the_last_header_gets_one_of_its_own(
        self, zygote: Zygote, original: bytes
    ) -> None:
        first, second, third, *rest = pages(cleaned_here(original))
        lacing = second[27 : 27 + second[26]] + third[27 : 27 + third[26]]
        body = second[27 + second[26] :] + third[27 + third[26] :]
        joined = third[:18] + second[18:26] + bytes([len(lacing)]) + lacing + body
        joined = joined[:22] + crc(joined) + joined[26:]
        late = [each[:18] + bytes([each[18] - 1]) + each[19:] for each in rest]
        late = [each[:22] + crc(each) + each[26:] for each in late]

        _, result, _ = cleaned(zygote, first + joined + b"".join(late))

        assert result == first + second + third + b"".join(rest)

    def test_a_link_without_sound_at_the_end_is_gone(self, zygote: Zygote) -> None:
        begun = b"".join(pages(with_serial(OPUS, b"next"))[:1])

        _, result, findings = cleaned(zygote, VORBIS + begun)

        assert result == cleaned_here(VORBIS)
        assert findings.removed[Kind.TRAILING] == 1

    def test_links_of_several_codecs_are_all_kept(self, zygote: Zygote) -> None:
        links = [VORBIS, OPUS, FLAC, SPEEX, THEORA]
        chain = [with_serial(link, bytes([65 + at] * 4)) for at, link in enumerate(links[:4])]

        _, result, _ = cleaned(zygote, b"".join(chain))

        assert SECRET not in result
        assert len(result) == sum(len(cleaned_here(link)) for link in links[:4])

    def test_a_stream_that_goes_on_behind_the_next_link_is_refused(self, zygote: Zygote) -> None:
        first, second = pages(with_serial(VORBIS, b"abcd")), with_serial(OPUS, b"efgh")

        with pytest.raises(Malformed, match="behind the beginning of the next"):
            cleaned(zygote, b"".join(first[:-1]) + second + first[-1])

    def test_a_companion_that_begins_late_ends_nothing(self, zygote: Zygote) -> None:
        parts = pages(VORBIS)
        late = page(b"\x80kate\0" + SECRET, flags=2, serial=b"kate", number=0)

        _, result, findings = cleaned(zygote, b"".join(parts[:3]) + late + b"".join(parts[3:]))

        assert result == cleaned_here(VORBIS)
        assert findings.removed[Kind.OTHER_STREAM] == 1

    def test_what_speex_says_of_its_version_is_gone(self, zygote: Zygote) -> None:
        _, result, findings = cleaned(zygote, SPEEX)

        assert pages(SPEEX)[0][36:].startswith(b"1.2")
        assert pages(result)[0][28:56] == b"Speex   " + bytes(20)
        assert findings.removed[Kind.ENCODER] >= 1

    def test_speex_is_heard_by_its_own_decoder_too(self) -> None:
        assert heard(cleaned_here(SPEEX), "-c:a", "libspeex") == heard(SPEEX, "-c:a", "libspeex")

    def test_blocks_of_flac_in_ogg_are_gone_and_so_is_the_digest(self, zygote: Zygote) -> None:
        first, comments, *rest = pages(FLAC)
        serial = first[14:18]
        digest = page(first[28:-16] + SECRET[:16], flags=2, serial=serial, number=0)
        blocks = headers(
            [b"\4" + comments[29:], b"\2\0\0\x1b" + SECRET, b"\x86\0\0\x1b" + SECRET], serial=serial
        )

        _, result, findings = cleaned(zygote, digest + blocks + b"".join(rest))

        assert result == cleaned_here(FLAC)
        assert findings.removed[Kind.CHECKSUM] == findings.removed[Kind.PICTURE] == 1

    def test_bytes_behind_the_theora_setup_are_gone(self, zygote: Zygote) -> None:
        first, vorbis, second, *rest = pages(THEORA)
        comments, _, setup = second[27 + second[26] :].partition(b"\x82theora")
        planted = headers([comments, b"\x82theora" + setup + SECRET], serial=first[14:18])

        _, result, _ = cleaned(zygote, first + vorbis + planted + b"".join(rest))

        assert result == cleaned_here(THEORA)

    @pytest.mark.parametrize("at", [7, 30, 1000, 2500])
    def test_a_damaged_theora_setup_is_refused(self, at: int) -> None:
        second = pages(THEORA)[2]
        setup = b"\x82theora" + second.partition(b"\x82theora")[2]

        with pytest.raises(Malformed):
            theora.whole_setup(setup[:at])

    def test_a_theora_setup_costs_no_more_for_what_stands_behind_it(self) -> None:
        setup = b"\x82theora" + pages(THEORA)[2].partition(b"\x82theora")[2]
        started = time.process_time()

        assert theora.whole_setup(setup + SECRET + bytes(1 << 20)) == setup
        assert time.process_time() - started < 0.5  # with all of it as one number: seconds

    def test_the_pictures_are_the_same(self, zygote: Zygote) -> None:
        assert seen(cleaned(zygote, THEORA)[1]) == seen(THEORA) != b""
        assert seen(cleaned(zygote, VP8)[1]) == seen(VP8) != b""


class TestOggChecksum:
    @pytest.mark.parametrize("length", [27, 28, 100, 256 + 22, 255 + 22, 5000, 65307])
    def test_carried_over_a_new_head_it_is_the_one_taken_anew(self, length: int) -> None:
        old = checksum.summed((b"OggS\0\1" + SECRET * 3000)[:length])
        new = old[:5] + b"\4" + old[6:14] + b"\0\0\0\0\7\0\0\0" + old[22:]
        changed = bytes(a ^ b for a, b in zip(old[5:22], new[5:22], strict=True))

        carried = checksum.carried(int.from_bytes(old[22:26], "little"), changed, length)

        assert carried.to_bytes(4, "little") == crc(new)

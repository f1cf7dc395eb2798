"""Ogg: what is kept are the sound's packets, on pages that name nobody."""

import struct

import pytest
from recordings import SECRET, cleaned, cleaned_here, described, encoded, heard, packets

from scrub import Kind, Malformed, ScrubError, Unsupported, Zygote

TAGGED = ("-metadata", f"artist={SECRET.decode()}", "-metadata", "location=+52.5163+013.3777/")
VORBIS = encoded("ogg", "-c:a", "libvorbis", *TAGGED)
OPUS = encoded("opus", "-c:a", "libopus", "-b:a", "24k", *TAGGED)
SPEEX = encoded("spx", "-ar", "16000", "-c:a", "libspeex")


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
    @pytest.mark.parametrize("original", [VORBIS, OPUS], ids=["vorbis", "opus"])
    def test_packets_and_sound_are_the_same_and_the_comments_gone(
        self, zygote: Zygote, original: bytes
    ) -> None:
        _, result, findings = cleaned(zygote, original)

        assert packets(result) == packets(original)
        assert heard(result) == heard(original)
        assert SECRET in original
        assert SECRET not in result
        assert b"Lavf" not in result
        assert b"Lavc" not in result
        assert {Kind.PERSON, Kind.LOCATION, Kind.ENCODER} <= findings.removed.keys()

    @pytest.mark.parametrize("original", [VORBIS, OPUS], ids=["vorbis", "opus"])
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
            (SPEEX, Unsupported),
        ],
        ids=["headers_cut_off", "no_sound", "another_codec"],
    )
    def test_one_without_sound_that_we_know_is_refused(
        self, zygote: Zygote, damaged: bytes, error: type[ScrubError]
    ) -> None:
        with pytest.raises(error):
            cleaned(zygote, damaged)

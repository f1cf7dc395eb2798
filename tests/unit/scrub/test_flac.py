"""FLAC: what is kept is STREAMINFO, true seek points and the frames."""

import struct

import pytest
from recordings import SECRET, cleaned, cleaned_here, described, encoded, heard, id3, id3v1

from scrub import Kind, Malformed, ScrubError, Zygote
from scrub.codecs.flac_frame import NotAFrame, frame_header, frame_length

STREAMINFO, PADDING, APPLICATION, SEEKTABLE, COMMENT, _, PICTURE = range(7)


def blocks(flac: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the metadata blocks, and the frames."""
    at, found = 4, []
    while True:
        kind, length = flac[at], int.from_bytes(flac[at + 1 : at + 4], "big")
        found.append((kind & 127, flac[at + 4 : at + 4 + length]))
        at += 4 + length
        if kind & 128:
            return found, flac[at:]


def joined(parts: list[tuple[int, bytes]], frames: bytes) -> bytes:
    """Return a FLAC of these blocks."""
    made = b"fLaC"
    for index, (kind, payload) in enumerate(parts):
        last = 128 if index == len(parts) - 1 else 0
        made += bytes([kind | last]) + len(payload).to_bytes(3, "big") + payload
    return made + frames


FLAC = encoded("flac", "-c:a", "flac", "-metadata", f"artist={SECRET.decode()}")
INFO = blocks(FLAC)[0][0]
FRAMES = blocks(FLAC)[1]
CLEAN = joined([(STREAMINFO, INFO[1][:-16] + bytes(16))], FRAMES)
HIDDEN = {
    "id3_in_front": id3((b"TPE1", b"\0" + SECRET)) + FLAC,
    "id3v1_behind": FLAC + id3v1(),
    "junk_behind": FLAC + SECRET,
    "junk_and_id3v1": FLAC + SECRET + id3v1(),
    "application": joined([INFO, (APPLICATION, b"riff" + SECRET)], FRAMES),
    "padding": joined([INFO, (PADDING, SECRET)], FRAMES),
    "picture": joined([INFO, (PICTURE, SECRET * 100)], FRAMES),
    "reserved_block": joined([INFO, (77, SECRET)], FRAMES),
    "false_seek_points": joined([INFO, (SEEKTABLE, (SECRET * 18)[: 18 * 20])], FRAMES),
    "placeholder": joined([INFO, (SEEKTABLE, b"\xff" * 8 + SECRET[:10])], FRAMES),
}


class TestFlac:
    @pytest.mark.parametrize("planted", HIDDEN.values(), ids=HIDDEN)
    def test_what_hides_around_the_frames_is_gone(self, zygote: Zygote, planted: bytes) -> None:
        kind, result, findings = cleaned(zygote, planted)

        assert kind.name == "FLAC"
        assert result == CLEAN
        assert findings.removed

    def test_sound_is_the_same_and_the_digest_of_the_original_is_not(self, zygote: Zygote) -> None:
        _, result, findings = cleaned(zygote, FLAC)

        assert heard(result) == heard(FLAC)
        assert INFO[1][-16:] not in result
        assert findings.removed[Kind.CHECKSUM] == 1

    def test_a_seek_point_at_a_true_frame_stays(self, zygote: Zygote) -> None:
        samples = int.from_bytes(INFO[1][:2], "big")
        second = frame_length(FRAMES, frame_header(FRAMES[:16], INFO[1]))
        table = struct.pack(">QQH", 0, 0, samples) + struct.pack(">QQH", samples, second, samples)

        _, result, _ = cleaned(zygote, joined([INFO, (SEEKTABLE, table)], FRAMES))

        assert blocks(result)[0][1] == (SEEKTABLE, table)

    @pytest.mark.parametrize("level", ["0", "5", "12"])
    @pytest.mark.parametrize(
        "options",
        [("-ac", "2"), ("-sample_fmt", "s32"), ("-af", "volume=0"), ("-af", "volume=60dB")],
    )
    def test_the_end_is_found_by_frames_however_they_are_coded(
        self, options: tuple[str, ...], level: str
    ) -> None:
        made = encoded("flac", "-c:a", "flac", "-compression_level", level, *options)

        assert cleaned_here(made + SECRET) == cleaned_here(made)
        assert heard(cleaned_here(made)) == heard(made)

    def test_a_frame_with_one_flipped_bit_is_no_frame(self) -> None:
        header = frame_header(FRAMES[:16], INFO[1])
        length = frame_length(FRAMES, header)
        flipped = bytearray(FRAMES[:length])
        flipped[length // 2] ^= 1

        with pytest.raises(NotAFrame):
            frame_length(bytes(flipped), header)

    def test_cut_in_the_middle_of_a_frame_the_whole_ones_stay(self, zygote: Zygote) -> None:
        _, result, findings = cleaned(zygote, FLAC[:-1000])

        assert CLEAN.startswith(result)
        assert findings.removed[Kind.TRAILING] == 1

    @pytest.mark.parametrize(
        "between",
        [FLAC[: -len(FRAMES)], id3((b"TPE1", b"\0" + SECRET)), SECRET, SECRET * 30000],
        ids=["a_second_recording", "a_tag", "junk", "much_junk"],
    )
    def test_what_stands_between_two_frames_is_refused(
        self, zygote: Zygote, between: bytes
    ) -> None:
        with pytest.raises(Malformed, match="between the frames"):
            cleaned(zygote, FLAC + between + FRAMES)

    def test_a_damaged_frame_in_the_middle_is_refused(self, zygote: Zygote) -> None:
        damaged = bytearray(FLAC)
        damaged[-len(FRAMES) // 2] ^= 1

        with pytest.raises(Malformed, match="damaged"):
            cleaned(zygote, bytes(damaged))

    def test_exiftool_finds_no_person_left(self, zygote: Zygote) -> None:
        assert SECRET.decode() in described(FLAC)
        assert SECRET.decode() not in described(cleaned(zygote, FLAC)[1])

    def test_cleaning_again_changes_nothing(self) -> None:
        assert cleaned_here(CLEAN) == CLEAN

    @pytest.mark.parametrize(
        "damaged",
        [FLAC[:100], joined([(COMMENT, SECRET), INFO], FRAMES), joined([INFO], SECRET * 50)],
        ids=["cut_in_metadata", "streaminfo_second", "no_frames"],
    )
    def test_a_damaged_one_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(ScrubError) as refusal:
            cleaned(zygote, damaged)

        assert isinstance(refusal.value, Malformed)

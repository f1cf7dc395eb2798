"""AAC in ADTS and LOAS, AC-3, E-AC-3, DTS: what is kept are frames that follow one another."""

from collections.abc import Callable

import pytest
from recordings import SECRET, cleaned, cleaned_here, encoded, heard, id3, id3v1, packets

from scrub import Kind, Malformed, ScrubError, Unsupported, Zygote
from scrub.containers.ac3 import AC3, DTS
from scrub.containers.adts import ADTS, LOAS
from scrub.containers.frames import Family

TAG = id3((b"TPE1", b"\0" + SECRET))
# Junk may hold what looks like a header, but not three in a row.
JUNK = SECRET + b"\xff\xf1\x50\x80" + SECRET + b"\x0b\x77" + SECRET + b"\x7f\xfe\x80\x01" + SECRET
KINDS: dict[str, tuple[Family, tuple[str, ...]]] = {
    "aac": (ADTS, ("-c:a", "aac", "-b:a", "64k")),
    "latm": (LOAS, ("-c:a", "aac", "-b:a", "64k")),
    "ac3": (AC3, ("-c:a", "ac3")),
    "eac3": (AC3, ("-c:a", "eac3")),
    "dts": (DTS, ("-c:a", "dca", "-strict", "-2", "-ac", "2", "-b:a", "256k")),
}


def made(kind: str) -> bytes:
    return encoded(kind, *KINDS[kind][1])


def cut(kind: str, count: int) -> int:
    """Return where a frame begins, by what its neighbours say."""
    family, whole, at = KINDS[kind][0], made(kind), 0
    for _ in range(count):
        stream = family.stream(whole[at : at + family.header])
        assert stream
        at += stream.length(whole[at : at + family.header])
    return at


HIDE: dict[str, Callable[[bytes, int], bytes]] = {
    "tag_in_front": lambda whole, at: TAG + whole,
    "tags_behind": lambda whole, at: whole + TAG + id3v1(),
    "tag_amid": lambda whole, at: whole[:at] + TAG + whole[at:],
    "junk_amid": lambda whole, at: whole[:at] + JUNK + whole[at:],
    "junk_behind": lambda whole, at: whole + SECRET,
}


class TestBareFrames:
    @pytest.mark.parametrize("kind", KINDS)
    def test_frames_and_sound_are_the_same(self, zygote: Zygote, kind: str) -> None:
        known, result, findings = cleaned(zygote, TAG + made(kind) + id3v1())

        assert known.extension == kind
        assert result == made(kind)
        assert heard(result) == heard(made(kind))
        assert packets(result) == packets(made(kind))
        assert findings.removed[Kind.PERSON] == 1

    @pytest.mark.parametrize("hide", HIDE.values(), ids=HIDE)
    @pytest.mark.parametrize("kind", KINDS)
    def test_what_stands_around_and_between_the_frames_is_gone(
        self, kind: str, hide: Callable[[bytes, int], bytes]
    ) -> None:
        assert cleaned_here(hide(made(kind), cut(kind, 9))) == made(kind)

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_last_frame_cut_short_stays_because_players_may_play_it(self, kind: str) -> None:
        assert cleaned_here(made(kind)[:-20]) == made(kind)[:-20]

    @pytest.mark.parametrize("kind", KINDS)
    def test_one_with_more_junk_than_frames_is_refused(self, kind: str) -> None:
        frames = made(kind)[: cut(kind, 8)]

        with pytest.raises(Malformed):
            cleaned_here(frames + b"\x55" * 9 * len(frames) + frames)

    @pytest.mark.parametrize(
        "head",
        [b"\xff\xf1\x50\x80\0\0\xfc", b"\x56\xe0\0", b"\x0b\x77" + bytes(5), b"\x7f\xfe\x80\1"],
    )
    def test_lengths_of_nothing_end_in_a_refusal(self, head: bytes) -> None:
        with pytest.raises(ScrubError):
            cleaned_here(head * 5000)


class TestAac:
    def test_a_data_stream_inside_the_frames_is_named_as_remaining(self, zygote: Zygote) -> None:
        frames = bytearray(made("aac"))
        at = cut("aac", 20)
        frames[at + 7] = 4 << 5  # an element of data, where one of sound was

        assert cleaned(zygote, bytes(frames))[2].remains[Kind.TEXT] == 1

    def test_a_comment_in_the_program_config_is_named_as_remaining(self, zygote: Zygote) -> None:
        config = bytes.fromhex("a0800400000000") + bytes([len(SECRET)]) + SECRET
        first = bytearray(b"\xff\xf1\x50\x00\x00\x1f\xfc" + config)
        first[3:6] = (len(first) << 5 | 0x1F).to_bytes(3, "big")

        assert cleaned(zygote, bytes(first) + made("aac"))[2].remains[Kind.COMMENT] == 1

    def test_a_change_of_sampling_rate_is_refused_not_lost(self) -> None:
        other = encoded("aac", "-c:a", "aac", "-ar", "22050")

        with pytest.raises(Unsupported) as refusal:
            cleaned_here(made("aac") + other)

        assert refusal.value.what == "a change of sampling rate"


class TestAc3:
    def test_a_time_code_inside_the_frames_is_named_as_remaining(self, zygote: Zygote) -> None:
        frames = bytearray(made("ac3"))
        assert not cleaned(zygote, bytes(frames))[2].remains
        # Mono: bsid 5, bsmod 3, acmod 3, lfe 1, dialnorm 5, three flags 3, copyright 1, original 1.
        bit = 5 * 8 + 22
        frames[bit // 8] |= 0x80 >> bit % 8

        assert cleaned(zygote, bytes(frames))[2].remains == {Kind.TIME: 1}

    def test_dts_extensions_stay_with_their_frames(self) -> None:
        extension = b"\x64\x58\x20\x25\0" + (0b000 << 37 | 9 << 29 | 59 << 13).to_bytes(5, "big")
        frames, at = made("dts"), cut("dts", 4)
        planted = frames[:at] + extension.ljust(60, b"\1") + frames[at:]

        assert cleaned_here(planted) == planted

    @pytest.mark.parametrize("head", [b"\xfe\x7f\x01\x80", b"w\x0b", b"ADIF", b"OFR "])
    def test_what_we_only_know_by_sight_is_called_by_its_name(self, head: bytes) -> None:
        with pytest.raises(Unsupported):
            cleaned_here(head + bytes(500))

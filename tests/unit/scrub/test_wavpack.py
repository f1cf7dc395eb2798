"""WavPack: what is kept are the blocks with samples, and in them what decoding needs."""

import struct

import pytest
from recordings import SECRET, cleaned, cleaned_here, encoded, heard, id3, id3v1

from scrub import Kind, Malformed, ScrubError, TooComplex, Unsupported, Zygote

BARE = ("-fflags", "+bitexact", "-flags", "+bitexact")  # else ffmpeg appends a tag
TAG = id3((b"TPE1", b"\0" + SECRET))
RIFF_HEADER, RIFF_TRAILER, CONFIG, MD5, CHECKSUM, DUMMY = 0x21, 0x22, 0x25, 0x26, 0x2F, 0x00
HAS_CHECKSUM = 1 << 28


def wavpack(*options: str) -> bytes:
    return encoded("wv", "-c:a", "wavpack", *BARE, *options, seconds=3)


def part(kind: int, payload: bytes, pad: bytes = b"\0") -> bytes:
    """Return a part of a block, with a long length."""
    words = (len(payload) + 1) // 2
    odd = 0x40 if len(payload) % 2 else 0
    head = bytes([kind | odd | 0x80]) + words.to_bytes(3, "little")
    return head + payload + pad[: len(payload) % 2]


def with_parts(recording: bytes, front: bytes = b"", back: bytes = b"", flags: int = 0) -> bytes:
    """Return the recording with parts added to its first block."""
    length = int.from_bytes(recording[4:8], "little") + len(front) + len(back)
    end = 8 + int.from_bytes(recording[4:8], "little")
    known = int.from_bytes(recording[24:28], "little") | flags
    head = b"wvpk" + struct.pack("<I", length) + recording[8:24] + struct.pack("<I", known)
    return head + recording[28:32] + front + recording[32:end] + back + recording[end:]


def block(*parts: bytes) -> bytes:
    """Return a block without samples."""
    body = b"".join(parts)
    return struct.pack("<4sIHBBIIIII", b"wvpk", 24 + len(body), 0x407, 0, 0, 0, 0, 0, 0, 0) + body


HIDDEN = {
    "tags_around": lambda wv: TAG + wv + id3v1(),
    "riff_header": lambda wv: with_parts(wv, front=part(RIFF_HEADER, SECRET)),
    "settings": lambda wv: with_parts(wv, front=part(CONFIG, SECRET[:3])),
    "dummy": lambda wv: with_parts(wv, back=part(DUMMY, SECRET)),
    "unknown_optional": lambda wv: with_parts(wv, back=part(0x3E, SECRET)),
    "checksum": lambda wv: with_parts(wv, back=part(CHECKSUM, SECRET[:4]), flags=HAS_CHECKSUM),
    "last_block": lambda wv: wv + block(part(RIFF_TRAILER, SECRET), part(MD5, SECRET[:16])),
    "behind": lambda wv: wv + SECRET,
    "in_front_of_a_block": lambda wv: (
        wv[: 8 + int.from_bytes(wv[4:8], "little")]
        + SECRET
        + wv[8 + int.from_bytes(wv[4:8], "little") :]
    ),
    "track_number": lambda wv: wv[:10] + SECRET[:2] + wv[12:],
}


class TestWavPack:
    @pytest.mark.parametrize("hidden", HIDDEN)
    def test_what_hides_anywhere_is_gone_and_the_samples_are_the_same(self, hidden: str) -> None:
        planted = HIDDEN[hidden](wavpack())

        assert cleaned_here(planted) == wavpack()

    @pytest.mark.parametrize("options", [(), ("-ac", "2"), ("-sample_fmt", "fltp")])
    def test_sound_of_every_form_is_the_same(
        self, zygote: Zygote, options: tuple[str, ...]
    ) -> None:
        original = wavpack(*options)
        planted = with_parts(original, front=part(RIFF_HEADER, SECRET))

        kind, result, findings = cleaned(zygote, planted)

        assert kind.extension == "wv"
        assert result == original
        assert heard(result) == heard(planted)
        assert findings.removed == {Kind.TAG_BLOCK: 1}

    def test_a_digest_of_the_samples_is_reported(self, zygote: Zygote) -> None:
        planted = wavpack() + block(part(MD5, SECRET[:16]))

        assert cleaned(zygote, planted)[2].removed == {Kind.CHECKSUM: 1}

    def test_a_padding_byte_cannot_carry_anything(self) -> None:
        rate = part(0x27, b"\x44\xac\0", pad=b"K")

        planted = with_parts(wavpack(), front=rate)

        assert cleaned_here(planted) == with_parts(wavpack(), front=rate[:-1] + b"\0")

    def test_a_block_into_which_a_tag_was_spliced_goes(self) -> None:
        first = 8 + int.from_bytes(wavpack()[4:8], "little")
        second = first + 8 + int.from_bytes(wavpack()[first + 4 : first + 8], "little")
        spliced = wavpack()[: first + 500] + TAG + wavpack()[first + 700 :]

        assert cleaned_here(spliced) == wavpack()[:first] + wavpack()[second:]

    def test_a_small_part_cannot_grow(self) -> None:
        with pytest.raises(Malformed):
            cleaned_here(with_parts(wavpack(), front=part(0x08, SECRET)))

    def test_a_correction_file_is_refused_by_name(self) -> None:
        length = int.from_bytes(wavpack()[4:8], "little")
        first = bytearray(wavpack()[: 8 + length])
        alone = bytes(first[:32]).replace(first[4:8], struct.pack("<I", 24 + 14), 1)

        with pytest.raises(Unsupported) as refusal:
            cleaned_here(alone + part(0x0B, bytes(10)))

        assert refusal.value.what == "a correction file"

    def test_a_part_that_decoders_may_not_skip_is_refused(self) -> None:
        with pytest.raises(Unsupported):
            cleaned_here(with_parts(wavpack(), front=part(0x0F, SECRET)))

    def test_endless_parts_are_refused(self) -> None:
        with pytest.raises(TooComplex):
            cleaned_here(with_parts(wavpack(), front=part(DUMMY, b"") * 1000))

    def test_blocks_that_all_claim_the_same_tag_are_not_looked_at_for_ever(self) -> None:
        heads = b"".join(
            struct.pack("<4sIHBBIIIII", b"wvpk", 32 * left, 0x407, *(0,) * 7)
            for left in range(5000, 1, -1)
        )

        with pytest.raises(TooComplex):
            cleaned_here(heads + TAG + SECRET)

    @pytest.mark.parametrize("size", [4, 32, 1000])
    def test_one_without_a_whole_block_is_refused(self, size: int) -> None:
        with pytest.raises(ScrubError):
            cleaned_here(wavpack()[:size])

    def test_a_part_longer_than_its_block_is_refused(self) -> None:
        with pytest.raises(Malformed):
            cleaned_here(wavpack()[:32] + b"\xa1\xff\xff\xff" + wavpack()[36:])

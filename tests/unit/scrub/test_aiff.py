"""AIFF and AIFC: what is kept is the common chunk and the samples."""

import struct

import pytest
from recordings import SECRET, cleaned, described, encoded, heard, id3, id3v1, samples

from scrub import Kind, Malformed, Unsupported, Zygote

RATE = bytes.fromhex("400eac44000000000000")
SOUND = samples(0.1)


def piece(name: bytes, payload: bytes, pad: bytes = b"\0") -> bytes:
    return name + struct.pack(">I", len(payload)) + payload + pad[: len(payload) % 2]


def form(*chunks: bytes, kind: bytes = b"AIFF") -> bytes:
    return piece(b"FORM", kind + b"".join(chunks))


def comm(channels: int = 1, bits: int = 16, frames: int = len(SOUND) // 2) -> bytes:
    return struct.pack(">HIH", channels, frames, bits) + RATE


def ssnd(slack: bytes = b"", sound: bytes = SOUND) -> bytes:
    return piece(b"SSND", struct.pack(">II", len(slack), 0) + slack + sound)


CLEAN = form(piece(b"COMM", comm()), ssnd())
COMM = piece(b"COMM", comm())
HIDDEN = {
    "name": form(piece(b"NAME", SECRET), COMM, ssnd()),
    "offset_bytes": form(COMM, ssnd(SECRET)),
    "long_comm": form(piece(b"COMM", comm() + SECRET), ssnd()),
    "id3_chunk": form(COMM, ssnd(), piece(b"ID3 ", id3((b"TIT2", b"\0" + SECRET)))),
    "odd_unknown": form(piece(b"zzzz", SECRET + b"!", pad=b"K"), COMM, ssnd()),
    "low_bits_of_rate": form(piece(b"COMM", comm()[:-4] + SECRET[:4]), ssnd()),
    "trailing": CLEAN + SECRET,
    "id3v1": CLEAN + id3v1(),
}
DAMAGED = {
    "no_sound": form(COMM),
    "no_comm": form(ssnd()),
    "short_comm": form(piece(b"COMM", comm()[:9]), ssnd()),
    "no_channels": form(piece(b"COMM", comm(channels=0)), ssnd()),
    "a_rate_of_no_device": form(piece(b"COMM", comm()[:8] + b"\xff" * 10), ssnd()),
    "offset_past_the_end": form(COMM, piece(b"SSND", struct.pack(">II", 1 << 31, 0) + SOUND)),
    "endless_chunk": form(b"ANNO\xff\xff\xff\xff", COMM, ssnd()),
}


class TestAiff:
    @pytest.mark.parametrize("planted", HIDDEN.values(), ids=HIDDEN)
    def test_what_hides_in_an_aiff_is_gone(self, zygote: Zygote, planted: bytes) -> None:
        kind, result, findings = cleaned(zygote, planted)

        assert kind.name == "AIFF"
        assert result == CLEAN
        assert findings.removed

    @pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
    def test_a_damaged_aiff_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)

    @pytest.mark.parametrize(
        "codec",
        ["pcm_s16be", "pcm_s8", "pcm_s24be", "pcm_s16le", "pcm_f32be", "pcm_mulaw", "pcm_alaw",
         "adpcm_ima_qt"],
    )  # fmt: skip
    def test_every_codec_of_an_aiff_sounds_the_same(self, zygote: Zygote, codec: str) -> None:
        made = encoded("aiff", "-c:a", codec, "-metadata", f"title={SECRET.decode()}")

        _, result, _ = cleaned(zygote, made)

        assert SECRET in made
        assert SECRET not in result
        assert heard(result) == heard(made)

    def test_the_name_of_a_compression_is_blank(self, zygote: Zygote) -> None:
        name = bytes([len(SECRET) + 1]) + SECRET + b"!"
        fver = piece(b"FVER", bytes.fromhex("a2805140"))
        named = form(fver, piece(b"COMM", comm() + b"NONE" + name), ssnd(), kind=b"AIFC")

        kind, result, findings = cleaned(zygote, named)

        assert kind.name == "AIFC"
        assert result == form(fver, piece(b"COMM", comm() + b"NONE\0\0"), ssnd(), kind=b"AIFC")
        assert findings.removed == {Kind.SLACK: 1}

    def test_a_codec_of_an_aifc_that_nobody_knows_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported):
            cleaned(zygote, form(piece(b"COMM", comm() + b"Mari\0\0"), ssnd(), kind=b"AIFC"))

    @pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
    def test_an_aiff_that_was_streamed_loses_no_sound(self, zygote: Zygote, length: int) -> None:
        unknown = struct.pack(">I", length)
        at = CLEAN.index(b"SSND") + 4
        streamed = CLEAN[:4] + unknown + CLEAN[8:at] + unknown + CLEAN[at + 4 :]

        assert cleaned(zygote, streamed + id3v1())[1] == CLEAN

    def test_exiftool_sees_no_names_in_an_aiff(self, zygote: Zygote) -> None:
        planted = HIDDEN["name"]

        assert SECRET.decode() in described(planted)
        assert SECRET.decode() not in described(cleaned(zygote, planted)[1])

"""DSF and DSDIFF: one-bit sound without what is said of it."""

import random
import struct

import pytest
from recordings import SECRET, cleaned, heard, id3

from scrub import Malformed, Unsupported, Zygote

RATE = 2822400
SOUND = random.Random(5).randbytes(2 * 4096)
TAG = id3((b"TIT2", b"\0" + SECRET))


def dsf(behind: bytes = b"", reserved: bytes = bytes(4), tag: int = 0, block: int = 4096) -> bytes:
    size = 28 + 52 + 12 + len(SOUND)
    fmt = struct.pack("<QIIIIIIQI", 52, 1, 0, 2, 2, RATE, 1, 8 * 4096, block) + reserved
    data = b"data" + struct.pack("<Q", 12 + len(SOUND)) + SOUND
    return (
        b"DSD " + struct.pack("<QQQ", 28, size + len(behind), tag) + b"fmt " + fmt + data + behind
    )


def piece(name: bytes, payload: bytes, pad: bytes = b"\0") -> bytes:
    return name + struct.pack(">Q", len(payload)) + payload + pad[: len(payload) % 2]


def dff(*chunks: bytes) -> bytes:
    return piece(b"FRM8", b"DSD " + b"".join(chunks))


FVER = piece(b"FVER", b"\1\5\0\0")
FS, CHNL = piece(b"FS  ", struct.pack(">I", RATE)), piece(b"CHNL", b"\0\2SLFTSRGT")


def prop(
    codec: bytes = b"DSD ", name: bytes = b"", more: bytes = b"", channels: bytes = CHNL
) -> bytes:
    named = (bytes([len(name)]) + name).ljust(len(name) + 2 & ~1, b"\0")
    return piece(b"PROP", b"SND " + FS + channels + piece(b"CMPR", codec + named) + more)


DSD = piece(b"DSD ", SOUND)
HIDDEN = {
    "diin": dff(FVER, prop(), piece(b"DIIN", piece(b"DITI", SECRET)), DSD),
    "comments": dff(FVER, prop(), DSD, piece(b"COMT", SECRET)),
    "id3": dff(FVER, prop(), DSD, piece(b"ID3 ", TAG)),
    "name_of_the_codec": dff(FVER, prop(name=SECRET[:15]), DSD),
    "in_the_properties": dff(FVER, prop(more=piece(b"ID3 ", TAG)), DSD),
    "behind_the_channels": dff(
        FVER, prop(channels=piece(b"CHNL", CHNL[12:] + SECRET)), DSD
    ),
    "trailing": dff(FVER, prop(), DSD) + SECRET,
}  # fmt: skip


class TestDsf:
    @pytest.mark.parametrize(
        "planted",
        [dsf(TAG, tag=28 + 52 + 12 + len(SOUND)), dsf(SECRET), dsf(reserved=SECRET[:4])],
        ids=["tag", "trailing", "reserved"],
    )
    def test_what_hides_in_a_dsf_is_gone(self, zygote: Zygote, planted: bytes) -> None:
        kind, result, findings = cleaned(zygote, planted)

        assert kind.name == "DSF"
        assert result == dsf()
        assert heard(result) == heard(dsf())
        assert findings.removed

    def test_what_fills_the_last_blocks_becomes_zeros(self, zygote: Zygote) -> None:
        whole = bytearray(dsf())
        struct.pack_into("<Q", whole, 64, 8 * 100)
        planted, clean = whole.copy(), whole.copy()
        for block in (92, 92 + 4096):
            planted[block + 100 : block + 100 + len(SECRET)] = SECRET
            clean[block + 100 : block + 4096] = bytes(3996)

        _, result, findings = cleaned(zygote, bytes(planted))

        assert result == clean
        assert heard(result) == heard(bytes(planted))
        assert findings.removed

    def test_blocks_without_a_sample_go(self, zygote: Zygote) -> None:
        one = 28 + 52 + 12 + 2 * 4096
        clean = bytearray(dsf())
        struct.pack_into("<Q", clean, 12, one + 8192)
        struct.pack_into("<Q", clean, 84, 12 + 2 * 8192)

        _, result, _ = cleaned(zygote, bytes(clean) + SECRET.ljust(8192, b"\0"))

        assert result == dsf()

    @pytest.mark.parametrize("damaged", [dsf()[:-1], dsf()[:90], dsf()[:50], dsf(block=9)])
    def test_a_damaged_dsf_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)


class TestDsdiff:
    @pytest.mark.parametrize("planted", HIDDEN.values(), ids=HIDDEN)
    def test_what_hides_in_a_dsdiff_is_gone(self, zygote: Zygote, planted: bytes) -> None:
        kind, result, findings = cleaned(zygote, planted)

        assert kind.name == "DSDIFF"
        assert result == dff(FVER, prop(), DSD)
        assert heard(result) == heard(dff(FVER, prop(), DSD))
        assert findings.removed

    def test_compressed_sound_keeps_its_frames_and_loses_their_checksums(
        self, zygote: Zygote
    ) -> None:
        rate, frames = piece(b"FRTE", b"\0\0\0\2\0\x4b"), piece(b"DSTF", b"odd") * 2
        planted = dff(FVER, prop(b"DST "), piece(b"DST ", rate + frames + piece(b"DSTC", SECRET)))

        _, result, _ = cleaned(zygote, planted)

        assert result == dff(FVER, prop(b"DST "), piece(b"DST ", rate + frames))

    def test_a_codec_of_a_dsdiff_that_nobody_knows_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported):
            cleaned(zygote, dff(FVER, prop(b"Mari"), DSD))

    @pytest.mark.parametrize(
        "damaged",
        [
            dff(FVER, prop(), DSD)[:-1], dff(FVER, prop()), dff(FVER, DSD),
            dff(FVER, prop(b"DST "), piece(b"DST ", b"")),
            dff(b"DIIN" + b"\xff" * 8, prop(), DSD), dff(FVER, piece(b"PROP", SECRET), DSD),
        ],
        ids=["cut_short", "no_sound", "no_properties", "no_frames", "endless", "other_properties"],
    )  # fmt: skip
    def test_a_damaged_dsdiff_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)

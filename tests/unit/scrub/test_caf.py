"""CAF: what is kept is what decoding needs, and the sound."""

import struct

import pytest
from recordings import RATE, SECRET, cleaned, encoded, heard, id3v1, samples

from scrub import Kind, Malformed, Unsupported, Zygote

SOUND = samples(0.1)


def piece(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack(">Q", len(payload)) + payload


def desc(codec: bytes = b"lpcm", packet: int = 2, frames: int = 1, bits: int = 16) -> bytes:
    return piece(
        b"desc", struct.pack(">d4s5I", RATE, codec, 2 * (codec == b"lpcm"), packet, frames, 1, bits)
    )


def caf(*chunks: bytes) -> bytes:
    return b"caff\0\1\0\0" + b"".join(chunks)


DATA = piece(b"data", bytes(4) + SOUND)
CLEAN = caf(desc(), DATA)
LAYOUT = struct.pack(">III", 0, 0, 1) + struct.pack(">II", 42, 0)
HIDDEN = {
    "info": caf(desc(), piece(b"info", b"\0\0\0\1artist\0" + SECRET + b"\0"), DATA),
    "unknown": caf(desc(), piece(b"zzzz", SECRET), DATA),
    "free": caf(desc(), piece(b"free", SECRET), DATA),
    "cookie": caf(desc(), piece(b"kuki", SECRET), DATA),
    "edit_count": caf(desc(), piece(b"data", SECRET[:4] + SOUND)),
    "behind_desc": caf(piece(b"desc", desc()[12:] + SECRET), DATA),
    "low_bits_of_rate": caf(desc()[:17] + SECRET[:3] + desc()[20:], DATA),
    "trailing": CLEAN + SECRET,
    "up_to_the_end": caf(desc(), b"data" + b"\xff" * 8 + bytes(4) + SOUND) + id3v1(),
}
DAMAGED = {
    "no_data": caf(desc()),
    "no_desc": caf(DATA),
    "no_channels": caf(desc()[:36] + bytes(8), DATA),
    "endless": caf(desc(), b"free" + b"\x7f" * 8, DATA),
    "no_table": caf(desc(b"alac", 0, 4096), DATA),
}


def table(*sizes: bytes, count: int, more: bytes = b"") -> bytes:
    return piece(b"pakt", struct.pack(">QQII", count, 3 * 960, 0, 0) + b"".join(sizes) + more)


class TestCaf:
    @pytest.mark.parametrize("planted", HIDDEN.values(), ids=HIDDEN)
    def test_what_hides_in_a_caf_is_gone(self, zygote: Zygote, planted: bytes) -> None:
        kind, result, findings = cleaned(zygote, planted)

        assert kind.name == "CAF"
        assert result == CLEAN
        assert findings.removed

    @pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
    def test_a_damaged_caf_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)

    @pytest.mark.parametrize(
        "codec",
        ["pcm_s16be", "pcm_f32le", "pcm_mulaw", "alac", "adpcm_ima_qt", "libopus", "ac3",
         "libmp3lame", "libopencore_amrnb"],
    )  # fmt: skip
    def test_every_codec_of_a_caf_sounds_the_same(self, zygote: Zygote, codec: str) -> None:
        rate = {"libopus": "48000", "libopencore_amrnb": "8000"}.get(codec, "44100")
        made = encoded("caf", "-ar", rate, "-c:a", codec, "-metadata", f"artist={SECRET.decode()}")

        _, result, findings = cleaned(zygote, made)

        assert SECRET in made
        assert SECRET not in result
        assert b"Lavf" not in result
        assert heard(result) == heard(made)
        assert findings.removed[Kind.PERSON] == 1

    def test_aac_keeps_its_settings_and_loses_its_ids(self, zygote: Zygote) -> None:
        adts = encoded("aac", "-c:a", "aac")
        packets = []
        while adts:
            length = (adts[3] & 3) << 11 | adts[4] << 3 | adts[5] >> 5
            packets.append(adts[7:length])
            adts = adts[length:]
        settings = bytes.fromhex("05808080021208")
        decoder = bytes.fromhex("0480808014") + b"\x40\x15" + bytes(11) + settings
        cookie = (
            bytes.fromhex("0380808022") + SECRET[:2] + b"\0" + decoder + b"\x06\x80\x80\x80\1\2"
        )
        sizes = [bytes([0x80 | len(each) >> 7, len(each) & 0x7F]) for each in packets]
        planted = caf(
            desc(b"aac ", 0, 1024, 0),
            piece(b"kuki", cookie + SECRET),
            table(*(size.lstrip(b"\x80") for size in sizes), count=len(sizes), more=SECRET),
            piece(b"data", bytes(4) + b"".join(packets) + SECRET),
        )

        _, result, findings = cleaned(zygote, planted)

        assert SECRET[:8] not in result
        assert piece(b"kuki", cookie.replace(SECRET[:2], b"\0\0")) in result
        assert len(heard(result)) == 4 * 1024 * len(packets)
        assert findings.removed == {Kind.SLACK: 3}
        assert findings.remains == {Kind.ENCODER: 1}

    def test_labels_of_channels_lose_their_places(self, zygote: Zygote) -> None:
        planted = caf(desc(), piece(b"chan", LAYOUT + SECRET[:12]), DATA)

        assert cleaned(zygote, planted)[1] == caf(desc(), piece(b"chan", LAYOUT + bytes(12)), DATA)

    @pytest.mark.parametrize(
        "bad",
        [
            table(b"\x02", count=1 << 62),
            table(b"\xff\xff\xff\xff\xff\x7f", count=1),
            table(b"\x8f\xff\x7f", count=1),
            table(b"\xff", count=1),
        ],
        ids=["endless", "huge", "more_than_there_is", "cut_short"],
    )
    def test_a_packet_table_that_lies_is_refused(self, zygote: Zygote, bad: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, caf(desc(b"opus", 0, 960), bad, DATA))

    def test_numbers_of_a_packet_table_are_no_more_than_there_can_be(self, zygote: Zygote) -> None:
        packets = len(SOUND) // 2
        planted = caf(desc(), piece(b"pakt", SECRET[:24]), DATA)
        counted = struct.pack(">QQII", packets, packets, 0, 0)

        assert cleaned(zygote, planted)[1] == caf(desc(), piece(b"pakt", counted), DATA)

    def test_a_codec_of_a_caf_that_nobody_knows_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported):
            cleaned(zygote, caf(desc(b"Mari"), DATA))

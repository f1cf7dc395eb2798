"""RF64, BW64, Wave64, for sound longer than 4 GB, and RIFX: WAV in other forms, cleaned alike."""

import struct

import pytest
from recordings import PCM, SECRET, chunk, cleaned, encoded, heard, id3v1, samples

from scrub import Kind, Malformed, Unsupported, Zygote
from scrub.containers.riff import plan_wav
from scrub.plan import Draft, Literal, decoded
from scrub.reading import Reader

SOUND = samples(0.1)
LONG = b"\xff\xff\xff\xff"
REST = bytes.fromhex("f3acd3118cd100c04f8edb8a")
RIFF64 = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")


def rf64(*chunks: bytes, form: bytes = b"RF64", more: bytes = b"", sound: bytes = SOUND) -> bytes:
    """Return a long RIFF; `more` stands behind what ds64 needs."""
    body = b"".join((chunk(b"fmt ", PCM), *chunks, b"data" + LONG + sound))
    size = 12 + 28 + len(more) + len(body)
    ds64 = struct.pack("<QQQI", size, len(sound), len(sound) // 2, 0) + more
    return form + LONG + b"WAVE" + chunk(b"ds64", ds64) + body


def guid(name: bytes, payload: bytes, pad: bytes = bytes(8)) -> bytes:
    """Return a chunk of Wave64."""
    return name + REST + struct.pack("<Q", 24 + len(payload)) + payload + pad[: -len(payload) % 8]


def w64(*chunks: bytes) -> bytes:
    """Return a Wave64 of these chunks."""
    body = b"wave" + REST + b"".join(chunks)
    return RIFF64 + struct.pack("<Q", 24 + len(body)) + body


class TestRf64:
    @pytest.mark.parametrize("form", [b"RF64", b"BW64"])
    def test_a_long_wav_keeps_its_form_and_its_samples(self, zygote: Zygote, form: bytes) -> None:
        planted = rf64(chunk(b"bext", SECRET.ljust(602)), form=form) + id3v1()

        kind, result, _ = cleaned(zygote, planted)

        assert kind.name == "WAV"
        assert result == rf64(form=form)
        assert heard(result) == SOUND_HEARD

    def test_bytes_behind_ds64_are_gone(self, zygote: Zygote) -> None:
        _, result, findings = cleaned(zygote, rf64(more=SECRET))

        assert result == rf64()
        assert findings.removed == {Kind.SLACK: 1}

    def test_a_table_in_ds64_names_the_length_of_a_long_chunk(self, zygote: Zygote) -> None:
        table = struct.pack("<4sQ", b"JUNK", len(SECRET))
        planted = rf64(b"JUNK" + LONG + SECRET, more=table)
        count = planted.index(table) - 4
        planted = planted[:count] + struct.pack("<I", 1) + planted[count + 4 :]

        assert cleaned(zygote, planted)[1] == rf64()

    def test_what_ffmpeg_writes_sounds_the_same(self, zygote: Zygote) -> None:
        made = encoded("wav", "-rf64", "always", "-metadata", f"artist={SECRET.decode()}")

        _, result, _ = cleaned(zygote, made)

        assert SECRET not in result
        assert result[:4] == b"RF64"
        assert heard(result) == heard(made)

    def test_a_count_that_no_codec_could_mean_is_counted_anew(self, zygote: Zygote) -> None:
        lying = rf64().replace(struct.pack("<Q", len(SOUND) // 2), SECRET[:8])

        assert cleaned(zygote, lying)[1] == rf64()

    @pytest.mark.parametrize("cut", [13, 20, 40, 60])
    def test_a_damaged_ds64_is_refused(self, zygote: Zygote, cut: int) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, rf64()[:cut])

    def test_without_ds64_it_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Malformed, match="ds64"):
            cleaned(zygote, rf64().replace(b"ds64", b"ds65"))

    def test_sound_too_long_for_a_riff_becomes_rf64(self) -> None:
        written: list[bytes] = []
        draft = Draft(written.append)

        plan_wav(_Endless(5 << 30), 0, draft)
        draft.close()

        head = next(decoded(b"".join(written)))
        assert isinstance(head, Literal)
        assert head.data[:4] == b"RF64"
        assert struct.unpack_from("<Q", head.data, 28) == ((5 << 30) - 44,)


def big(name: bytes, payload: bytes) -> bytes:
    """Return a chunk of RIFX."""
    return name + struct.pack(">I", len(payload)) + payload + bytes(len(payload) % 2)


def rifx(*chunks: bytes) -> bytes:
    """Return a WAV of big-endian numbers."""
    return big(b"RIFX", b"WAVE" + b"".join(chunks))


BIG_FMT = big(b"fmt ", struct.pack(">HHIIHH", *struct.unpack("<HHIIHH", PCM)))
BIG_DATA = big(b"data", SOUND)


class TestRifx:
    @pytest.mark.parametrize(
        "planted",
        [
            rifx(BIG_FMT, big(b"LIST", b"INFO" + big(b"IART", SECRET)), BIG_DATA),
            rifx(big(b"fmt ", BIG_FMT[8:] + b"\0\0" + SECRET), BIG_DATA),
            rifx(BIG_FMT, BIG_DATA) + id3v1(),
            rifx(BIG_FMT, b"data" + LONG + SOUND) + id3v1(),
        ],
        ids=["list", "long_fmt", "id3v1", "streamed"],
    )
    def test_what_hides_in_a_rifx_is_gone(self, zygote: Zygote, planted: bytes) -> None:
        kind, result, findings = cleaned(zygote, planted)

        assert kind.name == "WAV"
        assert result == rifx(BIG_FMT, BIG_DATA)
        assert findings.removed

    def test_what_says_more_than_six_numbers_is_refused(self, zygote: Zygote) -> None:
        adpcm = big(b"fmt ", b"\0\2" + BIG_FMT[10:] + b"\0\x20" + bytes(32))

        with pytest.raises(Unsupported):
            cleaned(zygote, rifx(adpcm, BIG_DATA))


class _Endless(Reader):
    """A WAV that was streamed, and of which only the head and zeros can be read."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._head = b"RIFF" + LONG + b"WAVE" + chunk(b"fmt ", PCM) + b"data" + LONG

    def upto(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        return self._head[offset : offset + length].ljust(length, b"\0")


FMT, DATA = guid(b"fmt ", PCM), guid(b"data", SOUND)
SOUND_HEARD = heard(rf64())
HIDDEN = {
    "bext": w64(FMT, guid(b"bext", SECRET), DATA),
    "list": w64(FMT, guid(b"list", b"INFO" + chunk(b"IART", SECRET)), DATA),
    "long_fmt": w64(guid(b"fmt ", PCM + SECRET), DATA),
    "unknown": w64(FMT, SECRET[:16] + struct.pack("<Q", 24 + 32) + SECRET.ljust(32), DATA),
    "pad": w64(FMT, guid(b"data", SOUND, pad=SECRET)),
    "trailing": w64(FMT, DATA) + SECRET,
    "a_size_never_filled_in": w64(FMT, DATA).replace(
        struct.pack("<Q", 24 + len(SOUND)), bytes(8)
    )[: -(-len(SOUND) % 8)] + id3v1(),
}  # fmt: skip
DAMAGED = {
    "no_data": w64(FMT),
    "no_fmt": w64(DATA),
    "a_chunk_of_no_size": w64(FMT, b"bext" + REST + bytes(8), DATA),
    "a_chunk_of_any_size": w64(FMT, b"bext" + REST + b"\xff" * 8, DATA),
}


class TestWave64:
    @pytest.mark.parametrize("planted", HIDDEN.values(), ids=HIDDEN)
    def test_what_hides_in_a_wave64_is_gone(self, zygote: Zygote, planted: bytes) -> None:
        kind, result, findings = cleaned(zygote, planted)

        assert kind.name == "Wave64"
        assert result == w64(FMT, DATA)
        assert findings.removed
        assert heard(result) == SOUND_HEARD

    @pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_f32le", "adpcm_ms"])
    def test_a_wave64_of_ffmpeg_sounds_the_same(self, zygote: Zygote, codec: str) -> None:
        made = encoded("w64", "-c:a", codec)

        assert heard(cleaned(zygote, made)[1]) == heard(made)

    def test_sound_in_several_chunks_of_a_wave64_is_refused(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported):
            cleaned(zygote, w64(FMT, DATA, DATA))

    @pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
    def test_a_damaged_wave64_is_refused(self, zygote: Zygote, damaged: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned(zygote, damaged)

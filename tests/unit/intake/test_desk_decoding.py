"""Decoding: samples come out of the sandbox, whatever goes in, or a sentence why not."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sounds import RATE, encoded, talk, wav

from intake.errors import NotDecodable
from intake.listen import decode
from intake.listen.decode import JOB, LIMITS, Decoder, Heard
from scrub import Handle, Zygote

SPOKEN = wav(talk(4, seed=1))
PLAIN = "scrub.worker:open_plain"


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One that reads plain files; working copies are read in test_desk_duplicates.py."""
    with one(JOB) as made:
        yield made


@pytest.fixture(scope="module")
def taken_over() -> Iterator[Decoder]:
    with one("decoding_badly:misbehave") as made:
        yield made


@contextmanager
def one(job: str) -> Iterator[Decoder]:
    with Decoder() as made:
        made._zygote = Zygote.start(PLAIN, limits=LIMITS, own_job=job)
        yield made


def listened(
    decoder: Decoder, recording: bytes, *, rate: int = RATE, channels: int = 1, most: int = 60
) -> tuple[bytes, Heard]:
    with tempfile.TemporaryFile() as file:
        file.write(recording)
        file.flush()
        with decoder.decoding(
            Handle(file.fileno()), len(recording), rate=rate, channels=channels,
            longest_seconds=most,
        ) as decoding:  # fmt: skip
            samples = b"".join(decoding)
            return samples, decoding.heard


class TestDecoding:
    def test_a_wav_s_samples_are_the_same(self, decoder: Decoder) -> None:
        samples, heard = listened(decoder, SPOKEN)

        assert samples == SPOKEN[44:]
        assert heard.samples == 4 * RATE
        assert not heard.cut_off

    @pytest.mark.parametrize(
        ("form", "how"),
        [
            ("mp3", ("-b:a", "64k")),
            ("opus", ("-b:a", "24k")),
            ("adts", ()),
            ("flac", ()),
            ("amr", ("-ar", "8000")),
            ("matroska", ("-c:a", "aac")),
            ("wav", ("-ac", "6")),
        ],
    )
    def test_other_codings_sound_like_it(
        self, decoder: Decoder, form: str, how: tuple[str, ...]
    ) -> None:
        samples, heard = listened(decoder, encoded(SPOKEN, form, *how), rate=8000)

        assert abs(heard.samples / 8000 - 4) < 0.15
        assert np.abs(np.frombuffer(samples, "<i2")).max() > 3000

    def test_two_channels_are_interleaved(self, decoder: Decoder) -> None:
        left = encoded(SPOKEN, "wav", "-af", "pan=stereo|c0=c0|c1=0*c0")

        samples, heard = listened(decoder, left, channels=2)

        assert heard.samples == 4 * RATE
        both = np.frombuffer(samples, "<i2").reshape(-1, 2)
        assert both[:, 0].any()
        assert not both[:, 1].any()

    def test_what_was_cut_off_is_heard_as_far_as_it_goes(self, decoder: Decoder) -> None:
        whole = encoded(SPOKEN, "mp3", "-b:a", "64k")

        _, heard = listened(decoder, whole[: len(whole) // 2])

        assert 1.5 < heard.samples / RATE < 2.5

    def test_no_more_is_told_than_was_asked_for(self, decoder: Decoder) -> None:
        samples, heard = listened(decoder, SPOKEN, most=2)

        assert len(samples) == 2 * 2 * RATE
        assert heard.cut_off
        assert heard.essence is None

    def test_the_coded_sound_is_the_same_whatever_is_around_it(self, decoder: Decoder) -> None:
        m4a = encoded(SPOKEN, "matroska", "-c:a", "aac")
        titled = encoded(m4a, "matroska", "-c", "copy", "-metadata", "title=Evidence")
        other = encoded(SPOKEN, "matroska", "-c:a", "aac", "-b:a", "48k")

        first, second, third = (listened(decoder, each)[1].essence for each in (m4a, titled, other))

        assert first == second != third

    @pytest.mark.parametrize(
        "recording",
        [
            b"",
            b"x" * 5000,
            b"#EXTM3U\nfile:///etc/passwd\n",
            b"ffconcat version 1.0\nfile /etc/passwd\n",
            SPOKEN[:44],
        ],
    )
    def test_what_is_none_is_refused_with_a_reason(
        self, decoder: Decoder, recording: bytes
    ) -> None:
        with pytest.raises(NotDecodable, match=r"nothing in it|no sound"):
            listened(decoder, recording)

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        form=st.sampled_from(["mp3", "opus", "amr", "matroska", "wav"]),
        places=st.lists(st.integers(0, 100_000), min_size=1, max_size=40),
        byte=st.integers(0, 255),
    )
    def test_any_bytes_become_samples_or_a_reason(
        self, decoder: Decoder, form: str, places: list[int], byte: int
    ) -> None:
        recording = bytearray(ENCODED[form])
        for place in places:
            recording[place % len(recording)] = byte

        try:
            samples, heard = listened(decoder, bytes(recording))
        except NotDecodable:
            return
        assert len(samples) == 2 * heard.samples


ENCODED = {
    "mp3": encoded(SPOKEN, "mp3", "-t", "1"),
    "opus": encoded(SPOKEN, "opus", "-t", "1"),
    "amr": encoded(SPOKEN, "amr", "-t", "1", "-ar", "8000"),
    "matroska": encoded(SPOKEN, "matroska", "-t", "1", "-c:a", "aac"),
    "wav": SPOKEN[: 44 + 2 * RATE],
}


class TestADecoderThatWasTakenOver:
    @pytest.mark.parametrize(
        ("deed", "why"),
        [
            ("crash", "gave up"),
            ("eat", "memory"),
            ("go on", "out of turn"),
            ("long", "out of turn"),
            ("odd", "out of turn"),
            ("miscount", "out of turn"),
            ("cut", "out of turn"),
            ("plan", "out of turn"),
        ],
    )
    def test_harms_nobody_and_is_not_believed(
        self, taken_over: Decoder, deed: str, why: str
    ) -> None:
        with pytest.raises(NotDecodable, match=why):
            listened(taken_over, deed.encode().ljust(16, b"\0"))

    def test_that_hangs_is_ended(
        self, taken_over: Decoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(decode, "_SILENT_SECONDS", 0.3)

        with pytest.raises(NotDecodable, match="took too long"):
            listened(taken_over, b"hang".ljust(16, b"\0"))

    def test_that_says_next_to_nothing_for_ever_is_ended(
        self, taken_over: Decoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(decode, "_PATIENCE", 0.002)

        with pytest.raises(NotDecodable, match="took too long"):
            listened(taken_over, b"drip".ljust(16, b"\0"))

    def test_reaches_no_file_no_network_and_no_process(self, taken_over: Decoder) -> None:
        with pytest.raises(NotDecodable, match="it could do nothing"):
            listened(taken_over, b"reach out".ljust(16, b"\0"))

    def test_is_gone_when_its_listener_is(self, taken_over: Decoder) -> None:
        recording = b"go on".ljust(16, b"\0")
        with (
            tempfile.TemporaryFile() as file,
        ):
            file.write(recording)
            file.flush()
            with taken_over.decoding(Handle(file.fileno()), len(recording), rate=8000) as decoding:
                next(iter(decoding))
            with pytest.raises(ValueError, match="not listened to the end"):
                _ = decoding.heard

"""What a recording's headers say of its sound, read in the sandbox and bounded on the way out."""

import io
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import SECRET, encoded, wav

from scrub import Handle, StreamFacts, WorkerFailed, Zygote
from scrub import facts as asked
from scrub.streams import LONGEST_CODEC
from scrub.tags import facts
from scrub.wire import FACTS, pack_facts, unpack_facts


def told(zygote: Zygote, recording: bytes) -> StreamFacts:
    with tempfile.TemporaryFile() as file:
        file.write(recording)
        file.flush()
        return asked(zygote, Handle(file.fileno()), len(recording))


class TestInTheSandbox:
    @pytest.mark.parametrize("extension", ["wav", "flac", "mp3", "m4a", "opus", "aiff"])
    def test_length_and_rate_are_those_of_the_sound(self, zygote: Zygote, extension: str) -> None:
        said = told(zygote, encoded(extension, seconds=2.0))

        assert 1900 < said.length_ms < 2300
        assert said.channels in {0, 1, 2}  # Opus and its like say neither
        assert said.sample_rate in {0, 8000, 16000, 22050, 44100, 48000}

    @pytest.mark.parametrize("recording", [b"", b"no recording", wav()[:30], SECRET * 100])
    def test_of_what_is_none_nothing_is_told(self, zygote: Zygote, recording: bytes) -> None:
        assert told(zygote, recording) == StreamFacts()

    def test_a_size_that_is_not_true_ends_it(self, zygote: Zygote) -> None:
        with tempfile.TemporaryFile() as file, pytest.raises(WorkerFailed):
            asked(zygote, Handle(file.fileno()), 5)


class TestAnyBytes:
    @given(st.binary(max_size=400), st.sampled_from([b"", b"RIFF", b"fLaC", b"OggS", b"ID3\4"]))
    def test_nothing_makes_the_reader_stumble(self, rest: bytes, begin: bytes) -> None:
        said = facts(io.BytesIO(begin + rest))

        assert 0 <= said.length_ms < 2**63
        assert unpack_facts(pack_facts(said)).length_ms == said.length_ms

    @given(st.binary(max_size=FACTS.size + LONGEST_CODEC + 10))
    def test_a_worker_that_lies_says_nothing_that_can_steer_a_terminal(self, lie: bytes) -> None:
        try:
            said = unpack_facts(lie)
        except WorkerFailed:
            assert not FACTS.size <= len(lie) <= FACTS.size + LONGEST_CODEC
        else:
            assert said.codec.isprintable()

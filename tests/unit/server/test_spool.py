"""The spool: held without a name, encrypted, gone when it is let go of."""

import os
import resource
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrub import CutList, Literal
from scrub.plan import LITERAL_MARK, RECORD
from server.errors import SpoolFailed, SpoolFull
from server.spool import Held, Notebook, Spool, open_spool

DESCRIPTORS = Path("/proc/self/fd")


class TestHolding:
    def test_what_was_written_reads_back_anywhere(self, tmp_path: Path) -> None:
        recording = os.urandom(700_001)
        with Spool(tmp_path).hold() as held:
            held.write(recording[:300_000])
            held.write(recording[300_000:])
            held.finish()
            reader = held.reader()

            assert held.size == len(recording)
            assert reader.read() == recording
            assert reader.seek(262_100) == 262_100
            assert reader.read(100) == recording[262_100:262_200]

    def test_the_folder_never_shows_a_name(self, tmp_path: Path) -> None:
        with Spool(tmp_path).hold() as held:
            held.write(bytes(1_000_000))
            held.finish()

            assert list(tmp_path.iterdir()) == []

    def test_the_file_holds_nothing_that_was_written(self, tmp_path: Path) -> None:
        with Spool(tmp_path).hold() as held:
            held.write(b"a sentence that was said" * 50_000)
            held.finish()
            on_disk = os.pread(held.descriptor(), 2_000_000, 0)

            assert b"sentence" not in on_disk
            assert len(on_disk) > 1_200_000

    def test_who_gets_the_descriptor_can_only_read(self, tmp_path: Path) -> None:
        with Spool(tmp_path).hold() as held:
            held.write(b"x")
            held.finish()

            with pytest.raises(OSError, match="Bad file descriptor"):
                os.write(held.descriptor(), b"y")

    def test_another_key_opens_nothing(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path)
        with spool.hold() as one, spool.hold() as other:
            one.write(b"x")
            one.finish()

            with pytest.raises(Exception, match="not what was written"):
                open_spool(one.descriptor(), other.key)

    def test_letting_go_closes_every_descriptor(self, tmp_path: Path) -> None:
        before = len(list(DESCRIPTORS.iterdir()))
        with Spool(tmp_path).hold() as held:
            held.write(b"x")
            held.finish()
            held.reader()

        assert len(list(DESCRIPTORS.iterdir())) == before

    def test_no_room_is_told_as_such(self, tmp_path: Path) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        held = Held(tmp_path)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            with pytest.raises(SpoolFull):
                held.write(bytes(600_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
            held.close()

    def test_a_folder_that_is_gone_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(SpoolFailed), Spool(tmp_path / "gone").hold():
            pass


class TestTheNotebook:
    @given(st.lists(st.binary(max_size=2_000_000), max_size=4), st.integers(0, 9_000_000))
    def test_reads_back_what_was_noted_in_memory_or_on_the_spool(
        self, tmp_path_factory: pytest.TempPathFactory, notes: list[bytes], start: int
    ) -> None:
        folder = tmp_path_factory.getbasetemp()
        whole = b"".join(notes) + bytes(4_200_000 if len(notes) > 2 else 0)
        with Notebook(folder) as notebook:
            for note in (*notes, bytes(len(whole) - sum(map(len, notes)))):
                notebook.write(note)
            notebook.seek(min(start, len(whole)))

            assert notebook.read() == whole[start:]

    def test_a_large_one_is_never_in_the_clear_on_disk(self, tmp_path: Path) -> None:
        with Notebook(tmp_path) as notebook:
            for _ in range(60):
                notebook.write(b"a literal" * 10_000)

            assert list(tmp_path.iterdir()) == []
            for target in DESCRIPTORS.iterdir():
                if str(tmp_path) in str(target.readlink() if target.exists() else ""):
                    assert b"a literal" not in target.read_bytes()

    def test_holds_a_long_cut_list_and_can_be_begun_anew(self, tmp_path: Path) -> None:
        with Notebook(tmp_path) as notebook:
            for literal in (b"first", b"again"):
                notebook.seek(0)
                notebook.truncate()
                cuts = CutList(notebook, within=0)
                record = RECORD.pack(LITERAL_MARK, 60_000) + literal * 12_000
                for _ in range(100):
                    cuts.extend(record)

                assert list(cuts) == [Literal(literal * 12_000)] * 100

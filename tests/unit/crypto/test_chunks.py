"""A container gives back what was written, or nothing."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from steady import examples

from crypto import chunks
from crypto.chunks import HEAD_SIZE, TAG_SIZE, ChunkReader, ChunkWriter, held, hold
from crypto.errors import Tampered

KEY = bytes(range(32))
SMALL = 64  # bytes a chunk, so that a test's containers have many
STRIDE = SMALL + TAG_SIZE
RECORDING = bytes(index % 251 for index in range(5 * SMALL + 7))


def written(*parts: bytes, key: bytes = KEY, purpose: str = "spool", name: str = "a") -> bytes:
    container = io.BytesIO()
    writer = ChunkWriter(container, key, purpose=purpose, name=name, chunk_size=SMALL)
    for part in parts:
        writer.write(part)
    writer.finish()
    assert writer.size == sum(len(part) for part in parts)
    return container.getvalue()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BinaryIO]:
    with (tmp_path_factory.mktemp("chunks") / "held").open("w+b", buffering=0) as file:
        yield file  # type: ignore[misc]


@pytest.fixture(scope="module")
def reader(scratch: BinaryIO) -> Callable[..., ChunkReader]:
    """Open a container that lies in a file, as all but the small ones do."""

    def opened(
        container: bytes, *, key: bytes = KEY, purpose: str = "spool", name: str = "a"
    ) -> ChunkReader:
        scratch.seek(0)
        scratch.truncate()
        scratch.write(container)
        return ChunkReader(scratch.fileno(), key, purpose=purpose, name=name, chunk_size=SMALL)

    return opened


def chunk(container: bytes, index: int) -> bytes:
    start = HEAD_SIZE + index * STRIDE
    return container[start : start + STRIDE]


class TestWriting:
    @examples(60)
    @given(st.lists(st.binary(max_size=3 * SMALL), max_size=8))
    @example([])
    @example([bytes(SMALL)])
    @example([bytes(SMALL), bytes(SMALL)])
    @example([bytes(SMALL - 1), b"x", b""])
    def test_any_pattern_of_writes_reads_back_the_same(
        self, reader: Callable[..., ChunkReader], parts: list[bytes]
    ) -> None:
        assert reader(written(*parts)).readall() == b"".join(parts)

    @examples(60)
    @given(st.integers(0, 4), st.binary(max_size=3 * SMALL))
    def test_whole_chunks_may_come_first_as_long_as_something_follows(
        self, reader: Callable[..., ChunkReader], many: int, rest: bytes
    ) -> None:
        container = io.BytesIO()
        writer = ChunkWriter(container, KEY, purpose="spool", name="a", chunk_size=SMALL)
        for _ in range(many):
            writer.write_chunk(RECORDING[:SMALL])
        writer.write(rest or b"x")
        writer.finish()

        assert reader(container.getvalue()).readall() == RECORDING[:SMALL] * many + (rest or b"x")

    def test_half_a_chunk_is_none_and_behind_one_none_begins(self) -> None:
        writer = ChunkWriter(io.BytesIO(), KEY, purpose="spool", chunk_size=SMALL)
        with pytest.raises(ValueError):
            writer.write_chunk(bytes(SMALL - 1))
        writer.write(b"x")
        with pytest.raises(ValueError):
            writer.write_chunk(bytes(SMALL))

    @pytest.mark.parametrize("size", [0, 1, SMALL - 1, SMALL, SMALL + 1, 2 * SMALL])
    def test_a_container_is_as_long_as_documented(self, size: int) -> None:
        many = max(1, -(-size // SMALL))
        assert len(written(bytes(size))) == HEAD_SIZE + size + many * TAG_SIZE

    def test_the_same_recording_is_never_held_as_the_same_bytes(self) -> None:
        one, other = written(RECORDING), written(RECORDING)
        assert one[:HEAD_SIZE] != other[:HEAD_SIZE]
        assert chunk(one, 0) != chunk(other, 0)

    def test_nothing_of_the_recording_can_be_seen(self) -> None:
        assert RECORDING[:16] not in written(RECORDING)

    def test_a_container_that_was_never_finished_does_not_open(
        self, reader: Callable[..., ChunkReader]
    ) -> None:
        container = io.BytesIO()
        writer = ChunkWriter(container, KEY, purpose="spool", name="a", chunk_size=SMALL)
        writer.write(RECORDING)
        with pytest.raises(Tampered):
            reader(container.getvalue())

    def test_nothing_can_be_added_to_a_finished_container(self) -> None:
        writer = ChunkWriter(io.BytesIO(), KEY, purpose="spool")
        writer.finish()
        with pytest.raises(ValueError):
            writer.write(b"more")
        with pytest.raises(ValueError):
            writer.finish()

    def test_a_disk_that_takes_a_byte_at_a_time_gets_them_all(
        self, reader: Callable[..., ChunkReader]
    ) -> None:
        class Slow(io.BytesIO):
            def write(self, block: memoryview, /) -> int:  # type: ignore[override]
                return super().write(bytes(block[:1]))

        container = Slow()
        writer = ChunkWriter(container, KEY, purpose="spool", name="a", chunk_size=SMALL)
        writer.write(RECORDING)
        writer.finish()
        assert reader(container.getvalue()).readall() == RECORDING

    def test_a_full_disk_is_told_as_it_is(self) -> None:
        with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError):
            ChunkWriter(full, KEY, purpose="spool")  # type: ignore[arg-type]


class TestReading:
    @examples(100)
    @given(
        st.binary(max_size=6 * SMALL),
        st.lists(st.tuples(st.integers(0, 7 * SMALL), st.integers(0, 4 * SMALL)), max_size=6),
    )
    def test_any_span_can_be_read_at_any_time(
        self,
        reader: Callable[..., ChunkReader],
        recording: bytes,
        spans: list[tuple[int, int]],
    ) -> None:
        container = reader(written(recording))
        assert container.size == len(recording)
        for offset, size in spans:
            container.seek(offset)
            assert container.read(size) == recording[offset : offset + size]
            assert container.tell() == offset + len(recording[offset : offset + size])

    def test_a_buffered_reader_can_stand_on_it(self, reader: Callable[..., ChunkReader]) -> None:
        buffered = io.BufferedReader(reader(written(RECORDING)))
        buffered.seek(-10, os.SEEK_END)
        assert buffered.read() == RECORDING[-10:]

    def test_the_files_own_position_is_left_alone(
        self, reader: Callable[..., ChunkReader], scratch: BinaryIO
    ) -> None:
        container = reader(written(RECORDING))
        scratch.seek(3)
        container.readall()
        assert scratch.tell() == 3

    @pytest.mark.parametrize(("offset", "whence"), [(-1, os.SEEK_SET), (0, 9)])
    def test_a_place_that_is_none_is_refused(
        self, reader: Callable[..., ChunkReader], offset: int, whence: int
    ) -> None:
        with pytest.raises(ValueError):
            reader(written(RECORDING)).seek(offset, whence)

    def test_one_bad_chunk_does_not_cost_the_ones_around_it(
        self, reader: Callable[..., ChunkReader]
    ) -> None:
        container = bytearray(written(RECORDING))
        container[HEAD_SIZE + 2 * STRIDE] ^= 1
        damaged = reader(bytes(container))
        assert damaged.read(2 * SMALL) == RECORDING[: 2 * SMALL]
        with pytest.raises(Tampered):
            damaged.read(1)
        damaged.seek(3 * SMALL)
        assert damaged.read() == RECORDING[3 * SMALL :]


class TestTampering:
    @examples(150)
    @given(st.data())
    def test_a_container_cut_short_anywhere_is_refused(
        self, reader: Callable[..., ChunkReader], data: st.DataObject
    ) -> None:
        container = written(RECORDING)
        size = data.draw(st.integers(0, len(container) - 1))
        with pytest.raises(Tampered):
            reader(container[:size])

    @pytest.mark.parametrize("kept", range(6))
    def test_a_container_cut_at_a_chunk_boundary_is_refused(
        self, reader: Callable[..., ChunkReader], kept: int
    ) -> None:
        with pytest.raises(Tampered):
            reader(written(RECORDING)[: HEAD_SIZE + kept * STRIDE])

    @examples(150)
    @given(st.integers(0, HEAD_SIZE + 5 * STRIDE + 7 + TAG_SIZE - 1), st.integers(0, 7))
    def test_a_single_flipped_bit_is_noticed(
        self, reader: Callable[..., ChunkReader], place: int, bit: int
    ) -> None:
        container = bytearray(written(RECORDING))
        container[place] ^= 1 << bit
        with pytest.raises(Tampered):
            reader(bytes(container)).readall()

    @examples(40)
    @given(st.permutations(range(5)).filter(lambda order: order != list(range(5))))
    def test_chunks_in_another_order_are_noticed(
        self, reader: Callable[..., ChunkReader], order: list[int]
    ) -> None:
        container = written(RECORDING)
        mixed = b"".join(chunk(container, index) for index in [*order, 5])
        with pytest.raises(Tampered):
            reader(container[:HEAD_SIZE] + mixed).readall()

    @pytest.mark.parametrize("index", range(6))
    def test_a_chunk_left_out_is_noticed(
        self, reader: Callable[..., ChunkReader], index: int
    ) -> None:
        container = written(RECORDING)
        start = HEAD_SIZE + index * STRIDE
        with pytest.raises(Tampered):
            reader(container[:start] + container[start + STRIDE :]).readall()

    @pytest.mark.parametrize("index", range(6))
    def test_a_chunk_said_twice_is_noticed(
        self, reader: Callable[..., ChunkReader], index: int
    ) -> None:
        container = written(RECORDING)
        start = HEAD_SIZE + index * STRIDE
        twice = container[: start + STRIDE] + container[start:]
        with pytest.raises(Tampered):
            reader(twice).readall()

    @examples(60)
    @given(st.binary(min_size=1, max_size=2 * STRIDE))
    def test_anything_added_at_the_end_is_noticed(
        self, reader: Callable[..., ChunkReader], more: bytes
    ) -> None:
        with pytest.raises(Tampered):
            reader(written(RECORDING) + more)

    def test_a_chunk_of_another_container_is_noticed(
        self, reader: Callable[..., ChunkReader]
    ) -> None:
        one, other = written(RECORDING), written(RECORDING)
        mixed = one[: HEAD_SIZE + STRIDE] + other[HEAD_SIZE + STRIDE :]
        with pytest.raises(Tampered):
            reader(mixed)

    @pytest.mark.parametrize(
        "opened_as", [{"key": bytes(32)}, {"purpose": "working copy"}, {"name": "b"}, {"name": ""}]
    )
    def test_a_container_moved_to_another_place_does_not_open(
        self, reader: Callable[..., ChunkReader], opened_as: dict[str, str | bytes]
    ) -> None:
        with pytest.raises(Tampered):
            reader(written(RECORDING), **opened_as)

    def test_a_file_that_shrinks_while_it_is_read_is_noticed(
        self, reader: Callable[..., ChunkReader], scratch: BinaryIO
    ) -> None:
        container = reader(written(RECORDING))
        scratch.truncate(HEAD_SIZE + STRIDE + 3)
        container.seek(SMALL)
        with pytest.raises(Tampered):
            container.read(1)


class TestSmallContainers:
    @examples(40)
    @given(st.binary(max_size=2000))
    def test_what_is_held_comes_back(self, small: bytes) -> None:
        container = hold(small, KEY, purpose="event", name="a")
        assert held(container, KEY, purpose="event", name="a") == small

    def test_sixty_four_kibibytes_are_small_and_one_byte_more_is_not(self) -> None:
        largest = bytes(chunks.DESK_CHUNK)
        assert held(hold(largest, KEY, purpose="event"), KEY, purpose="event") == largest
        with pytest.raises(ValueError):
            hold(largest + b"x", KEY, purpose="event")

    @examples(80)
    @given(st.binary(max_size=200))
    def test_bytes_that_were_never_held_are_refused(self, container: bytes) -> None:
        with pytest.raises(Tampered):
            held(container, KEY, purpose="event")

    @pytest.mark.parametrize(("purpose", "name"), [("event", "b"), ("key", "a")])
    def test_one_moved_to_another_place_does_not_open(self, purpose: str, name: str) -> None:
        container = hold(b"small", KEY, purpose="event", name="a")
        with pytest.raises(Tampered):
            held(container, KEY, purpose=purpose, name=name)

    def test_a_larger_container_is_refused_unread(self) -> None:
        with pytest.raises(Tampered):
            held(bytes(chunks.DESK_CHUNK + HEAD_SIZE + TAG_SIZE + 1), KEY, purpose="event")

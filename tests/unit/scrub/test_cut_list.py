"""Cut lists: written once, read as often as wanted, rendered, seen through a view."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scrub import CutList, Literal, Span, View, WorkerFailed, render
from scrub.plan import Draft

RECORDING = random.Random(1).randbytes(3000)
Drafted = list[bytes | tuple[int, int]]
some_cuts: some.SearchStrategy[Drafted] = some.lists(
    some.one_of(
        some.binary(min_size=1, max_size=40),
        some.tuples(some.integers(0, 2999), some.integers(1, 500)),
    ),
    max_size=40,
)


def drafted(cuts: Drafted) -> tuple[CutList, bytes]:
    """Return a cut list, and what it should render to."""
    made = CutList(io.BytesIO(), within=len(RECORDING))
    draft = Draft(made.extend)
    expected = b""
    for cut in cuts:
        if isinstance(cut, bytes):
            draft.write(cut)
            expected += cut
        else:
            start, end = cut[0], min(len(RECORDING), sum(cut))
            draft.copy(start, end)
            expected += RECORDING[start:end]
    draft.close()
    return made, expected


class TestCutList:
    @given(some_cuts)
    def test_it_renders_to_what_was_drafted_any_number_of_times(self, cuts: Drafted) -> None:
        made, expected = drafted(cuts)

        for _ in range(2):
            assert b"".join(render(made, io.BytesIO(RECORDING), block=64)) == expected
        assert made.size == len(expected)

    @given(some_cuts, some.integers(0, 4000), some.integers(0, 4000))
    def test_a_view_reads_the_same_anywhere(self, cuts: Drafted, offset: int, length: int) -> None:
        made, expected = drafted(cuts)
        view = View(made, io.BytesIO(RECORDING))

        view.seek(offset)

        assert view.read(length) == expected[offset : offset + length]
        assert view.seek(0, io.SEEK_END) == len(expected)

    def test_neighbouring_spans_become_one(self) -> None:
        made, _ = drafted([(0, 10), (10, 10), (20, 5), b"a", b"b", (100, 1)])

        assert [*made] == [Span(0, 25), Literal(b"ab"), Span(100, 101)]

    def test_long_literals_are_several(self) -> None:
        made, _ = drafted([bytes(200_000)])

        assert [len(cut.data) for cut in made if isinstance(cut, Literal)] == [65536] * 3 + [3392]

    def test_a_recording_that_became_shorter_is_found_out(self) -> None:
        with pytest.raises(WorkerFailed):
            b"".join(render([Span(0, 100)], io.BytesIO(b"short")))

    def test_a_view_does_not_go_before_its_start(self) -> None:
        with pytest.raises(OSError, match="before the start"):
            View([], io.BytesIO()).seek(-1)

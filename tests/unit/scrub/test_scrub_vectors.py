"""Recordings that once broke a parser: now each is refused by its type, or proved clean.

A vector (tests/vectors/scrub/) is header lines (`name: value`), a blank line, and the bytes.
`expect:` is "clean", the reason of a refusal, "refused" for any, or several with "or" between;
`why:` is a sentence. Those that `make fuzz` finds it writes itself, the others make.py.
"""

from pathlib import Path

import pytest
from fuzz.outcome import outcome

FOLDER = Path(__file__).parents[2] / "vectors" / "scrub"
CASES = sorted(path.name for path in FOLDER.iterdir() if not path.suffix)
REFUSED = {"malformed", "unsupported", "not_a_recording", "too_complex", "unproved", "empty"}


class TestVectors:
    @pytest.mark.parametrize("case", CASES)
    def test_ends_as_it_should(self, case: str) -> None:
        head, _, recording = (FOLDER / case).read_bytes().partition(b"\n\n")
        said = dict(line.split(": ", 1) for line in head.decode().splitlines())

        became = outcome(recording).split(",")[0]  # not what became of the text

        expected = said["expect"].split(" or ")
        assert became in expected or ("refused" in expected and became in REFUSED), said["why"]

"""One sandbox for all recordings of the corpus."""

from collections.abc import Iterator

import pytest

from scrub import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with Zygote.start() as running:
        yield running

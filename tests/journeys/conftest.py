"""What journeys across the air gap share: a desk that is paired with the drop."""

from pathlib import Path

import pytest
from desk import Desk, paired
from drops import Drop, Newsroom


@pytest.fixture
def desk(tmp_path: Path, drop: Drop, newsroom: Newsroom) -> Desk:
    return paired(drop, tmp_path / "desk", newsroom)

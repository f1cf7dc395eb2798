"""What journeys across the air gap share: a desk that is paired with the drop."""

import shutil
from pathlib import Path

import pytest
from desk import Desk, paired
from drops import Drop, Newsroom


@pytest.fixture(scope="session")
def pairing(
    tmp_path_factory: pytest.TempPathFactory, prepared: Drop, newsroom: Newsroom
) -> tuple[Path, Desk]:
    """The drop's folder of desks, and the desk in it: only ever copied."""
    folder = tmp_path_factory.mktemp("paired")
    drop = Drop.copied(prepared, folder / "drop")
    return drop.folder / "desks", paired(drop, folder / "desk", newsroom)


@pytest.fixture
def desk(tmp_path: Path, drop: Drop, pairing: tuple[Path, Desk]) -> Desk:
    desks, desk = pairing
    shutil.copytree(desks, drop.folder / "desks", dirs_exist_ok=True)
    return Desk.copied(desk, tmp_path / "desk")

"""What journeys across the air gap share: a desk that is paired with the drop."""

from pathlib import Path

import pytest
from desk import Desk
from drops import Drop, Newsroom, run_server


@pytest.fixture
def desk(tmp_path: Path, drop: Drop, newsroom: Newsroom) -> Desk:
    server_file = tmp_path / "server.json"
    assert run_server("pair", "--to", server_file, "--config", drop.config).returncode == 0
    made = Desk(tmp_path / "desk", newsroom, server_file)
    paired = run_server("pair", made.folder / "pairing.json", "--config", drop.config)
    assert paired.returncode == 0, paired.stderr
    return made

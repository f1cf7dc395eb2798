"""Where the kernel can't fence a worker in, no drop runs; unless it is told to, and then loudly."""

import subprocess
import sys
from pathlib import Path

from drops import SERVER, Drop, Newsroom

WITHOUT_LANDLOCK = [sys.executable, Path(__file__).parents[1] / "without_landlock.py"]


class TestWithoutASandbox:
    def test_the_drop_does_not_start(self, drop: Drop) -> None:
        command = [*WITHOUT_LANDLOCK, SERVER, "serve", "--config", drop.config]

        done = subprocess.run(command, capture_output=True, text=True)

        assert done.returncode == 5
        assert "Landlock is not enabled" in done.stderr

    def test_a_drop_that_is_told_to_start_says_how_dangerous_that_is(
        self, tmp_path: Path, newsroom: Newsroom, wav: Path
    ) -> None:
        settings = "[work]\nunfenced_scrubbing = true"
        drop = Drop(tmp_path / "drop", newsroom, settings=settings)

        with drop.running(before=WITHOUT_LANDLOCK) as serving:
            became = serving.send(wav).became
            log = serving.stop()

        assert became == ["cleaned"]
        assert "tapedrop-server: warning: recordings are read WITHOUT A SANDBOX" in log
        assert "scrubbing_unfenced" in log

    def test_any_other_drop_says_nothing_of_it(self, drop: Drop) -> None:
        with drop.running() as serving:
            assert "sandbox" not in serving.stop().lower()

"""After all that the other tests did: what tor wrote of it, and what it would have written."""

import re

from .world import World


class TestTheLogs:
    def test_hold_nothing_at_all_of_what_came(self, world: World) -> None:
        world.visit()

        written = world.installed.written.read_text().splitlines()
        # A file begins with that it was opened; the system's log doesn't.
        assert [line for line in written if not line.endswith("log file.")] == []

    def test_hold_no_onion_address_even_when_somebody_looks_for_a_fault(self, world: World) -> None:
        world.visit()
        log = world.installed.log

        assert "Rendezvous circuit" in log  # it does tell of visits
        assert re.findall(r"\b[a-z2-7]{56}\b", log) == []

    def test_what_is_said_before_the_settings_are_read_is_of_no_visit(self, world: World) -> None:
        said = (world.installed.folder / "said").read_text().splitlines()
        world.visit()

        assert (world.installed.folder / "said").read_text().splitlines() == said
        assert not [line for line in said if re.search(r"circuit|onion|rend", line, re.IGNORECASE)]

"""An onion that is reached again, whatever was started anew."""

from pathlib import Path

from drops import Result, write_wav

from .world import World


class TestStartedAnew:
    def test_the_drop_is_reached_as_before(self, world: World, tmp_path: Path) -> None:
        log = world.restart_drop()
        visit = world.visit()
        form = visit.get("/send")
        recording = write_wav(tmp_path / "a.wav")
        sent = Result(visit.post(form.form, form.fields | {"message": ""}, [recording]))

        assert sent.became == ["cleaned"]
        assert world.installed.host not in log

    def test_tor_is_reached_under_the_same_address(self, world: World) -> None:
        address = world.installed.address
        world.installed.tor.restart()
        world.visit()

        assert world.installed.address == address

    def test_tor_listens_at_its_one_port_on_loopback_and_nowhere_else(self, world: World) -> None:
        port = int(world.installed.socks.rpartition(":")[2])

        assert world.installed.tor.ports() == [f"0100007F:{port:04X}"]

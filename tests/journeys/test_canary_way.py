"""The canary's whole way: through the drop, the stick and the desk, and back as a day."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from desk import Desk, exported
from drops import Drop, Serving, run_server
from socks import socks

from crypto.codename import new_codename
from server.config import read_config
from server.errors import CantReach, TurnedAway
from server.staff.canary.flight import visit
from server.staff.canary.identity import canary_of
from server.staff.canary.reach import Place, place_of
from server.staff.days import last_arrived
from server.staff.sticks.receipts import last_canary

ONION = "a" * 56 + ".onion"


def test_it_arrives_like_a_sources_and_comes_back_as_a_day(
    drop: Drop, desk: Desk, tmp_path: Path
) -> None:
    with drop.running() as serving:
        sent = run_server("canary", "--url", serving.address, "--config", drop.config)
        assert sent.returncode == 0, sent.stderr
        assert "the canary arrived" in sent.stdout
        assert list((drop.folder / "store/mailboxes").iterdir()) == []
        assert last_arrived(drop.folder / "receipts") == datetime.now(UTC).date()
        assert serving.send(message="a source's").became == ["written"]
        log = serving.stop()
    assert [line.split()[0] for line in log.splitlines()] == ["event='started'", "event='stopped'"]

    manifests = {said["name"]: said for said in drop.manifests()}
    canary = canary_of(drop.folder, read_config(drop.config))
    assert manifests["recording.wav"]["source"]["pseudonym"] == canary.pseudonym
    # What a source's manifest says, member for member.
    assert manifests["recording.wav"].keys() == manifests["message.txt"].keys()

    desk.run("import", exported(drop, tmp_path / "stick"))
    desk.run("open", "--all")
    assert [row["kind"] for row in desk.json("list")] == ["message"]
    assert [row["status"] for row in desk.json("list", "--canaries")] == ["canary"]
    bag = desk.json("receipt", "--to", tmp_path / "back")["bag"]

    receipts = drop.folder / "receipts"
    assert last_canary(receipts) is None
    taken = run_server("receipts", "import", bag, "--config", drop.config)
    assert (taken.returncode, "1 canary" in taken.stdout) == (0, True)
    assert last_canary(receipts) == datetime.now(UTC).date()


class TestThroughTor:
    def test_it_goes_by_name_and_all_of_a_visit_by_one_circuit_of_its_own(
        self, shared: Serving, wav: Path
    ) -> None:
        with socks(shared.address) as tor:
            for _ in range(2):
                send(shared.drop, wav, url=f"http://{ONION}", socks=tor.address)
            users = [user for user, _ in tor.asked]
            assert {asked for _, asked in tor.asked} == {f"{ONION}:80"}
        assert len(set(users)) == 2

    def test_the_settings_say_which_way(self, shared: Serving, wav: Path, tmp_path: Path) -> None:
        with socks(shared.address) as tor:
            config = tmp_path / "tapedrop.toml"
            config.write_text(f'[tor]\nonion = "http://{ONION}"\nsocks = "{tor.address}"\n')
            go(place_of(tmp_path, read_config(config)), wav)
            assert tor.asked

    def test_what_tor_cannot_find_is_named(self, shared: Serving, wav: Path) -> None:
        with (
            socks(shared.address, refuses=True) as tor,
            pytest.raises(CantReach, match="tor finds no way"),
        ):
            send(shared.drop, wav, url=f"http://{ONION}", socks=tor.address)

    def test_a_tor_that_is_not_there_is_named(self, shared: Serving, wav: Path) -> None:
        with socks(shared.address) as tor:
            pass
        with pytest.raises(CantReach, match="nothing answers at tor's SOCKS port"):
            send(shared.drop, wav, url=f"http://{ONION}", socks=tor.address)


class TestWithoutTor:
    def test_it_goes_by_the_socket_that_tor_would_use_with_tors_line(
        self, drop: Drop, wav: Path
    ) -> None:
        drop.config.write_text('[listen]\ncircuits = "haproxy"\n')
        with drop.running() as serving:
            go(place_of(drop.folder, read_config(drop.config)), wav)
            assert serving.stop()
        assert len(drop.envelopes()) == 1

    def test_a_drop_that_cannot_clean_says_what_a_source_would_read(
        self, shared: Serving, tmp_path: Path
    ) -> None:
        (tmp_path / "note.wav").write_text("no recording")
        with pytest.raises(TurnedAway, match="not sound or video"):
            send(shared.drop, tmp_path / "note.wav", url=shared.address, socks="")


def send(drop: Drop, recording: Path, *, url: str, socks: str) -> None:
    go(place_of(drop.folder, read_config(drop.config), url=url, socks=socks), recording)


def go(place: Place, recording: Path) -> None:
    visit(place, new_codename(), recording.read_bytes(), told=lambda _passed, _total: None)

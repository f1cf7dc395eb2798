"""A drop's whole life as docs/operator.md has it: each verb that staff have, typed by its name."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, words
from drops import SERVER, Drop, Newsroom, Serving, write_wav
from form import Browser
from guide import undocumented
from replies import sent
from test_documented import EVERY_VERB

ADDRESS = "b" * 56
EIGHT_DAYS_SECONDS = 8 * 24 * 3600


class Staff:
    """Who types commands in a drop's folder, and which verbs they have used."""

    def __init__(self, folder: Path, key: Newsroom) -> None:
        self.folder = folder
        self.key = key
        self.used: set[str] = set()

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Type one command in the drop's folder; there is no terminal to be asked at."""
        typed = " ".join(map(str, words))
        self.used |= {verb for verb in EVERY_VERB if f"{typed} ".startswith(f"{verb} ")}
        return subprocess.run(
            [SERVER, *words],
            cwd=self.folder if self.folder.exists() else None,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def type(self, *words: str | Path) -> str:
        """Type one command that works; return what it says."""
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def json(self, *words: str | Path) -> Any:
        """Type one command that works; return its answer for programs."""
        return json.loads(self.type(*words, "--json"))

    def told(self, *words: str | Path) -> Any:
        """Type one command that may want somebody; return its answer for programs."""
        return json.loads(self.run(*words, "--json").stdout)


@pytest.fixture
def staff(tmp_path: Path) -> Iterator[Staff]:
    """Staff with a key of their own, and no drop yet."""
    key = Newsroom("Staff <staff@newsroom.example>")
    yield Staff(tmp_path / "drop", key)
    key.close()


def set_up(staff: Staff, newsroom: Newsroom, stick: Path) -> Desk:
    """Make the drop, and pair it with a first desk, both ways."""
    staff.type("init", staff.folder)
    own = stick / "staff.asc"
    own.write_bytes(staff.key.exported)
    staff.type("keys", "add", own, "--staff", "--fingerprint", staff.key.fingerprint)
    staff.type("pair", "--to", stick / "server.json")
    desk = Desk(stick.parent / "desk", newsroom, stick / "server.json")
    introduction = desk.folder / "pairing.json"
    staff.type("pair", introduction, *words(introduction))

    (key,) = staff.json("keys", "list")["keys"]
    assert (key["fingerprint"], key["problem"]) == (newsroom.fingerprint, "")
    assert staff.json("keys", "check")["keys"][0]["signed_for"] is True
    return desk


def listening(staff: Staff, newsroom: Newsroom) -> Drop:
    """Have the drop listen on loopback, as there is no tor here."""
    drop = Drop.at(staff.folder, newsroom)
    settings = drop.config.read_text()
    drop.config.write_text(settings.replace("[listen]", '[listen]\ntcp = "127.0.0.1:0"', 1))
    staff.used.add("serve")
    return drop


def export_day(staff: Staff, desk: Desk, stick: Path) -> None:
    """Carry everything out, have it opened and answered, carry that back."""
    assert staff.json("export", "--to", stick)["drops"] == 2
    assert desk.run("import", stick).returncode == 0
    desk.json("open", "--all")
    (of_the_source,) = desk.json("list")
    answer = stick.parent / "answer.txt"
    answer.write_text("Which door?")
    desk.json("reply", of_the_source["id"], "--text-from", answer)
    desk.json("receipt", "--to", stick)

    (receipts,) = staff.json("receipts", "import", stick)["bags"]
    assert receipts["envelopes"] == {"stored": 1, "canary": 1}
    assert "2 delivered" in staff.type("replies", "import", stick)


def look_after(staff: Staff, serving: Serving) -> None:
    """See that the drop works, and turn it off and on again for sources."""
    verdicts = {each["name"]: each["verdict"] for each in staff.told("check")["checks"]}
    assert {verdicts[name] for name in ("folders", "secrets", "newsroom_keys", "store")} == {"ok"}
    staff.type("lockdown", "--confirm", "lock down")
    assert staff.told("status")["locked_down"] is True
    staff.type("unlock", "--confirm", "unlock")


def be_told(staff: Staff, stick: Path) -> None:
    """Have the day's letter carried away, onto the stick."""
    carried = stick / "letter"
    carrying = stick.parent / "carry"
    carrying.write_text(f'#!/bin/sh\ncat > "{carried}"\n')
    carrying.chmod(0o755)
    config = staff.folder / "tapedrop.toml"
    command = f'[staff]\nalert_command = ["{carrying}"]'
    config.write_text(config.read_text().replace("[staff]", command, 1))
    staff.type("heartbeat")
    staff.type("mail")
    assert "heartbeat of" in staff.key.gpg("--decrypt", str(carried)).decode()


def be_known(staff: Staff, stick: Path) -> None:
    """Write the page for the website; let only one come for a while, and then everybody."""
    onion = stick.parent / "onion"
    (onion / "authorized_clients").mkdir(mode=0o700, parents=True)
    onion.chmod(0o700)
    (onion / "hostname").write_text(f"{ADDRESS}.onion\n")
    config = staff.folder / "tapedrop.toml"
    written = config.read_text().replace("[tor]", f'[tor]\nonion = "http://{ADDRESS}.onion"', 1)
    config.write_text(written)
    staff.type("landing", "--to", stick / "page")
    assert ADDRESS in (stick / "page/index.html").read_text()
    service = ["--onion", onion]
    key = stick / "alice.auth_private"
    staff.type("authorise", "alice", "--to", key, *service, "--confirm", "only those with a key")
    staff.type("authorise", "--remove", "alice", *service, "--confirm", "everybody")


def purge(staff: Staff) -> None:
    """Delete what a desk has opened, once it is old enough: here, the canary."""
    week_ago = time.time() - EIGHT_DAYS_SECONDS
    for envelope in (staff.folder / "store/drops").iterdir():
        os.utime(envelope, (week_ago, week_ago))
    assert staff.json("sweep", "--dry-run")["drops"] == 1
    assert staff.json("sweep")["drops"] == 1


def move(staff: Staff, stick: Path) -> None:
    """Back the drop up, and make it again elsewhere."""
    sealed, elsewhere = stick / "drop.gpg", stick.parent / "elsewhere"
    digest = staff.json("backup", "--to", sealed)["sha256"]
    card = ["--gnupg", staff.key.home, "--sha256", digest]
    staff.type("restore", sealed, "--to", elsewhere, *card)
    assert undocumented(elsewhere) == []


def end(staff: Staff) -> None:
    """Erase what makes the drop itself."""
    leaving = staff.key.fingerprint
    staff.type("keys", "retire", leaving, "--confirm", leaving, "--staff")
    staff.type("destroy", "--confirm", f"destroy {staff.folder.name}")
    assert list((staff.folder / "credentials").iterdir()) == []


class TestTheGuide:
    def test_leads_from_the_first_day_to_the_last_with_every_verb_there_is(
        self, staff: Staff, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        stick = tmp_path / "stick"
        stick.mkdir()

        desk = set_up(staff, newsroom, stick)
        with listening(staff, newsroom).running() as serving:
            codename = sent(serving, write_wav(tmp_path / "a.wav"))
            staff.type("canary", "--url", serving.address)
            export_day(staff, desk, stick)
            source = Browser(serving.address)
            source.enter(codename)
            assert source.get("/mailbox").texts("blockquote") == ["Which door?"]
            look_after(staff, serving)
        be_told(staff, stick)
        be_known(staff, stick)
        purge(staff)
        assert undocumented(staff.folder) == []
        move(staff, stick)
        end(staff)

        assert staff.used == set(EVERY_VERB)

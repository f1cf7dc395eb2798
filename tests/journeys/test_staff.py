"""A drop's whole life as docs/operator.md has it: each verb that staff have, typed by its name."""

import json
import subprocess
from pathlib import Path
from typing import Any

from desk import Desk, words
from drops import SERVER, Drop, Newsroom, Serving, write_wav
from form import Browser
from guide import undocumented
from test_documented import EVERY_VERB


class Staff:
    """Who types commands in a drop's folder, and which verbs they have used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.used: set[str] = set()

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Type one command in the drop's folder; there is no terminal to be asked at."""
        self.used |= {verb for verb in EVERY_VERB if " ".join(map(str, words)).startswith(verb)}
        command = [SERVER, *words]
        cwd = self.folder if self.folder.exists() else self.folder.parent
        return subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def type(self, *words: str | Path) -> str:
        """Type one command that works; return what it says."""
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def json(self, *words: str | Path) -> Any:
        """Type one command that works; return its answer for programs."""
        return json.loads(self.type(*words, "--json"))


class TestTheGuide:
    def test_leads_from_init_to_the_end_with_each_verb_once(
        self, tmp_path: Path, newsroom: Newsroom
    ) -> None:
        staff = Staff(tmp_path / "drop")
        stick = tmp_path / "stick"
        stick.mkdir()

        # Setting up, and pairing
        staff.type("init", staff.folder)
        (tmp_path / "newsroom.asc").write_bytes(newsroom.exported)
        given = ["--fingerprint", newsroom.fingerprint]
        staff.type("keys", "add", tmp_path / "newsroom.asc", *given)
        staff.type("keys", "check")
        staff.type("pair", "--to", stick / "server.json")
        desk = Desk(tmp_path / "desk", newsroom, stick / "server.json")
        staff.type("pair", desk.folder / "pairing.json", *words(desk.folder / "pairing.json"))
        assert staff.json("keys", "list")["keys"][0]["problem"] == ""

        # A source comes
        drop = Drop.at(staff.folder, newsroom)
        settings = drop.config.read_text()
        drop.config.write_text(settings.replace("[listen]", '[listen]\ntcp = "127.0.0.1:0"', 1))
        with drop.running() as serving:
            staff.used.add("serve")
            codename = sent(serving, write_wav(tmp_path / "a.wav"))

            # Export day, and back
            assert staff.json("export", "--to", stick)["drops"] == 2
            desk.run("import", stick)
            desk.json("open", "--all")
            (tmp_path / "reply.txt").write_text("Which door?")
            desk.json("reply", desk.json("list")[0]["id"], "--text-from", tmp_path / "reply.txt")
            desk.json("receipt", "--to", stick)
            staff.type("receipts", "import", stick)
            assert "2 delivered" in staff.type("replies", "import", stick)
            source = Browser(serving.address)
            source.enter(codename)
            assert source.get("/mailbox").texts("blockquote") == ["Which door?"]

        staff.type("sweep")
        assert undocumented(staff.folder) == []


def sent(serving: Serving, recording: Path) -> str:
    """Send a recording and a message as a source would; return the codename."""
    browser = serving.visit()
    codename = browser.get("/codename").texts("ol", "codename")[0]
    form = browser.get("/send")
    browser.post(form.form, form.fields | {"message": "More soon."}, [recording])
    return codename

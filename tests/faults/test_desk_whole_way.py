"""The whole way: from a source to two desks, and back, and what can be proved of it in the end.

Nothing fails here; it only takes too long to be tried each time.
"""

import json
import os
import subprocess
import time
from pathlib import Path

from desk import Desk, exported, paired
from drops import Drop, Newsroom, run_server
from form import Browser
from replies import sent

DAYS = 8
PAGE = Path(__file__).parents[2] / "docs/custody.md"


def told(drop: Drop, *verb: str | Path) -> None:
    done = run_server(*verb, "--config", drop.config)
    assert done.returncode == 0, done.stderr


def carried_back(drop: Drop, desk: Desk, stick: Path) -> None:
    bag = desk.json("receipt", "--to", stick)["bag"]
    for what in ("receipts", "replies"):
        told(drop, what, "import", bag)


def openssl_says(facts: Path, folder: Path) -> str:
    """Return what openssl says of a statement, asked as docs/custody.md does."""
    recipe = PAGE.read_text("utf-8").partition("```sh\n")[2].partition("```")[0]
    shell: list[str | Path] = ["sh", "-euc", recipe, "sh", facts]
    return subprocess.run(shell, cwd=folder, capture_output=True, text=True).stdout


def test_from_a_source_to_a_statement_that_anyone_can_check(
    drop: Drop, newsroom: Newsroom, wav: Path, tmp_path: Path
) -> None:
    desk, other = (paired(drop, tmp_path / name, newsroom) for name in ("desk", "other"))
    with drop.running() as serving:
        codename = sent(serving, wav, message="The heron counts by lantern.")
        bag = exported(drop, tmp_path / "stick")
        old = time.time() - DAYS * 86_400
        for envelope in drop.envelopes():
            os.utime(envelope, (old, old))

        for each in (desk, other):
            each.json("import", bag)
            assert {row["status"] for row in each.json("open", "--all")} == {"opened"}
        desk.json("case", "add", "The lantern")
        desk.json("case", "put", "The lantern", "1", "2")
        desk.json("note", "add", "1", "--at", "0:00.5", "a door, then a second voice")
        assert desk.json("search", "heron")["total"] == 1
        assert desk.json("search", '"second voice"')["found"][0]["id"] == "drop-0001"
        words = tmp_path / "reply.txt"
        words.write_text("Thank you. We have it twice.")
        desk.json("reply", "source-0001", "--text-from", words)
        for number, each in enumerate((desk, other)):
            (disk := tmp_path / f"disk{number}").mkdir()
            each.json("backup", "--to", disk)
            carried_back(drop, each, tmp_path / f"back{number}")
        told(drop, "sweep")
        assert drop.envelopes() == []
        mailbox = Browser(serving.address).enter(codename)
        assert "Thank you. We have it twice." in mailbox.html

    clip, account = tmp_path / "clip.wav", tmp_path / "account.txt"
    recording = next(row["id"] for row in desk.json("list") if row["format"] == "WAV")
    desk.json("export", recording, "--to", clip)
    assert clip.read_bytes() == wav.read_bytes()
    desk.json("statement", "case-0001", "--to", account)
    facts = tmp_path / "account.txt.json"
    assert "Signature Verified Successfully" in openssl_says(facts, tmp_path)
    said = json.loads(facts.read_bytes().partition(b"\n")[0])
    assert len(said["drops"]) == 2
    assert desk.json("log", "verify", "--against", facts)["held_against"] == 1
    assert desk.json("log", "verify", "--against", tmp_path / "back0")["held_against"] == 1
    assert "heron" not in account.read_text()

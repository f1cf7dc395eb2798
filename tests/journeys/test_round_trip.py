"""From the web form to the catalogue, and back to the source, with every command by its name."""

import json
import subprocess
from pathlib import Path

import pytest
from desk import Desk, exported
from drops import BIN, Drop, Newsroom, Serving, run_server, small_disk_at, write_wav
from form import Browser


class TestTheRoundTrip:
    def test_a_recording_reaches_the_catalogue_and_a_reply_the_source(
        self, serving: Serving, desk: Desk, tmp_path: Path
    ) -> None:
        recording = write_wav(tmp_path / "a.wav", secret=b"Maria")
        browser = serving.visit()
        codename = browser.get("/codename").texts("ol", "codename")[0]
        form = browser.get("/send")
        browser.post(form.form, form.fields | {"message": "More soon."}, [recording])

        bag = exported(serving.drop, tmp_path / "stick")
        desk.run("import", bag)
        desk.json("open", "--all")
        rows = desk.json("list")
        (row,) = [row for row in rows if row["kind"] == "recording"]
        desk.json("export", row["id"], "--to", tmp_path / "out.wav")
        words = tmp_path / "reply.txt"
        words.write_text("Which door?")
        desk.json("reply", row["id"], "--text-from", words)
        desk.json("receipt", "--to", tmp_path / "back")
        config = ["--config", serving.drop.config, "--json"]
        receipts = run_server("receipts", "import", tmp_path / "back", *config)
        replies = run_server("replies", "import", tmp_path / "back", *config)
        source = Browser(serving.address)
        source.enter(codename)

        assert (row["format"], row["condition"]) == ("WAV", "cleaned")
        assert len({row["pseudonym"] for row in rows}) == 1
        assert b"Maria" not in (tmp_path / "out.wav").read_bytes()
        (taken,) = json.loads(receipts.stdout)["bags"]
        assert taken["envelopes"] == {"stored": 2}
        (delivered,) = json.loads(replies.stdout)["bags"]
        # The reply, and a state: that both of what was sent were opened.
        assert (delivered["delivered"], delivered["already_there"]) == (2, 0)
        assert source.get("/mailbox").texts("blockquote") == ["Which door?"]

    def test_the_desk_raises_an_alarm_at_a_reader_it_does_not_know(
        self, drop: Drop, desk: Desk, wav: Path, tmp_path: Path
    ) -> None:
        stranger = Newsroom("Stranger <stranger@elsewhere.example>")
        try:
            # Whoever controls the machine can make it forget that it was ever paired.
            for file in (drop.folder / "desks").iterdir():
                file.unlink()
            assert drop.add_key(stranger).returncode == 0
        finally:
            stranger.close()
        with drop.running() as serving:
            serving.send(wav)
        desk.run("import", exported(drop, tmp_path / "stick"))

        opened = desk.run("open", "--all")

        assert opened.returncode == 1
        assert json.loads(desk.run("list", "--json").stdout)[0]["alarms"]


class TestTheBag:
    @pytest.mark.parametrize("harm", ["flipped", "missing", "extra", "signature"])
    def test_one_that_was_harmed_on_its_way_is_named(
        self, serving: Serving, desk: Desk, wav: Path, tmp_path: Path, harm: str
    ) -> None:
        serving.send(wav)
        bag = exported(serving.drop, tmp_path / "stick")
        (envelope,) = (bag / "data").iterdir()
        match harm:
            case "flipped":
                content = bytearray(envelope.read_bytes())
                content[40_000] ^= 1
                envelope.write_bytes(content)
            case "missing":
                envelope.unlink()
            case "extra":
                (bag / "data" / "autorun.inf").write_text("[autorun]")
            case "signature":
                signature = bag / "tagmanifest-sha256.txt.ed25519"
                signature.write_text("00" * 64 + "\n")

        imported = desk.run("import", bag)

        assert imported.returncode in {1, 3}
        assert imported.stderr.startswith("tapedrop-intake: ")
        assert "Traceback" not in imported.stderr
        assert list((desk.folder / "evidence").iterdir()) == []

    def test_a_stick_may_travel_both_ways(
        self, serving: Serving, desk: Desk, wav: Path, tmp_path: Path
    ) -> None:
        serving.send(wav)
        stick = tmp_path / "stick"
        exported(serving.drop, stick)
        (stick / "TAPEDROP" / "0.part").mkdir()
        desk.run("import", stick)
        desk.run("receipt", "--to", stick)

        for verb in ("receipts", "replies"):
            done = run_server(verb, "import", stick, "--config", serving.drop.config)
            assert done.returncode == 0, done.stderr

        assert desk.run("import", stick).returncode == 0

    def test_an_export_that_is_killed_leaves_nothing_that_looks_like_a_bag(
        self, serving: Serving, tmp_path: Path
    ) -> None:
        serving.send(write_wav(tmp_path / "large.wav", bytes(60_000_000)))
        stick = tmp_path / "stick"
        command = [BIN / "tapedrop-server", "export", "--to", stick]
        process = subprocess.Popen(
            [*command, "--config", serving.drop.config], stdout=subprocess.DEVNULL
        )
        while process.poll() is None and not list(stick.glob("TAPEDROP/*/data/*.gpg")):
            pass
        process.kill()
        process.wait()

        assert all(bag.suffix == ".part" for bag in stick.glob("TAPEDROP/*"))

    def test_exporting_nothing_says_so(self, drop: Drop, tmp_path: Path) -> None:
        done = run_server("export", "--to", tmp_path / "stick", "--config", drop.config)

        assert (done.returncode, done.stdout) == (0, "there is nothing to export\n")

    def test_a_store_that_is_missing_is_not_taken_for_an_empty_one(
        self, drop: Drop, tmp_path: Path
    ) -> None:
        drop.configure('[places]\nstore = "elsewhere"')

        for words in (["export", "--to", tmp_path / "stick"], ["sweep", "--dry-run"]):
            done = run_server(*words, "--config", drop.config)

            assert (done.returncode, done.stdout) == (5, "")
            assert f"the folder {drop.folder / 'elsewhere'} is missing" in done.stderr

    def test_a_stick_that_is_full_leaves_no_bag(
        self, serving: Serving, wav: Path, tmp_path: Path
    ) -> None:
        for _ in range(3):
            serving.send(write_wav(tmp_path / "x.wav", bytes(900_000)))
        stick = tmp_path / "stick"
        stick.mkdir()
        watched = ["sh", "-c", '"$@"; code=$?; ls -R "$0"; exit $code', stick]
        command = [BIN / "tapedrop-server", "export", "--to", stick]
        done = subprocess.run(
            [*small_disk_at(stick, "1m"), *watched, *command, "--config", serving.drop.config],
            capture_output=True,
            text=True,
        )

        assert done.returncode == 1
        assert "is full" in done.stderr
        assert ".gpg" not in done.stdout

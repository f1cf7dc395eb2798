"""Drop and desk learn each other's keys: by files or by a camera, and never by a swapped one."""

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import segno
from desk import Desk, exported, pair, words
from drops import BIN, SERVER, Drop, Newsroom, run_server

from crypto.comparing import canonical, read_object


@pytest.fixture
def bare(tmp_path: Path, newsroom: Newsroom) -> Drop:
    """A drop that nobody has given a key yet."""
    folder = tmp_path / "bare"
    assert run_server("init", folder).returncode == 0
    drop = Drop.at(folder, newsroom)
    drop.configure("")
    return drop


def introduced(drop: Drop, to: Path, *more: str) -> Any:
    """Write the drop's file; return what was said of it."""
    done = run_server("pair", "--to", to, "--config", drop.config, "--json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"drawn": done.stderr}


def typed(
    program: Path, *arguments: str | Path, given: bytes
) -> subprocess.CompletedProcess[bytes]:
    """Run a command with what a camera read on its standard input."""
    return subprocess.run([program, *arguments], input=given, capture_output=True)


def picture(content: bytes) -> str:
    """Return the QR code of this content as a terminal shows it."""
    drawn = io.StringIO()
    code = segno.make_qr(content.decode(), error="l", boost_error=False)
    code.terminal(drawn, compact=True, border=2)
    return drawn.getvalue()


class TestPairing:
    def test_needs_no_other_command_for_the_newsrooms_first_key(
        self, bare: Drop, newsroom: Newsroom, wav: Path, tmp_path: Path
    ) -> None:
        introduced(bare, tmp_path / "server.json")
        desk = Desk(tmp_path / "desk", newsroom, tmp_path / "server.json")
        pair(bare, desk)

        with bare.running() as serving:
            assert serving.send(wav).became == ["cleaned"]
        desk.run("import", exported(bare, tmp_path / "stick"))
        (row,) = desk.json("open", "--all")
        assert (row["status"], row["alarms"]) == ("opened", [])

    def test_goes_by_camera_as_well_as_by_stick(
        self, drop: Drop, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        said = introduced(drop, tmp_path / "server.json", "--qr")
        assert (tmp_path / "server.json").stat().st_mode & 0o777 == 0o644
        server_file = canonical(read_object((tmp_path / "server.json").read_bytes()))
        key = ["--key", newsroom.fingerprint, "--gnupg", newsroom.home]
        intake = BIN / "tapedrop-intake"
        made = typed(
            intake, "init", tmp_path / "desk", "--server", "-", *key, "--words", said["words"],
            given=server_file,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        shown = typed(intake, "--desk", tmp_path / "desk", "pair", "--qr", "--json", given=b"")
        desk_file = canonical(read_object((tmp_path / "desk/pairing.json").read_bytes()))
        compared = ["--words", json.loads(shown.stdout)["words"]]
        paired = typed(SERVER, "pair", "-", *compared, "--config", drop.config, given=desk_file)

        assert paired.returncode == 0, paired.stderr
        assert picture(server_file) in said["drawn"]
        canary = read_object(server_file)["canary"]
        assert canary["pseudonym"] in (tmp_path / "desk/desk.toml").read_text()
        assert shown.stdout.count(b"\n") == 5, "the picture is beside the result"

    def test_on_a_stick_that_is_not_there_says_how_to_mount_one(
        self, bare: Drop, tmp_path: Path
    ) -> None:
        nowhere = tmp_path / "stick/server.json"
        for typed_words in (("--to", nowhere), (nowhere,)):
            done = run_server("pair", *typed_words, "--config", bare.config)
            assert done.returncode == 2
            assert "how to mount a stick" in done.stderr

    def test_writes_over_no_file(self, bare: Drop, tmp_path: Path) -> None:
        introduced(bare, tmp_path / "server.json")
        done = run_server("pair", "--to", tmp_path / "server.json", "--config", bare.config)
        assert done.returncode == 2
        assert "name a new file" in done.stderr


class TestASwappedFile:
    def test_of_the_server_makes_no_desk(
        self, drop: Drop, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        shown = introduced(drop, tmp_path / "server.json")["words"]
        swapped = read_object((tmp_path / "server.json").read_bytes()) | {"export_key": "00" * 32}
        (tmp_path / "server.json").write_bytes(canonical(swapped))
        key = ["--key", newsroom.fingerprint, "--gnupg", newsroom.home, "--words", shown]
        made = typed(
            BIN / "tapedrop-intake", "init", tmp_path / "desk",
            "--server", tmp_path / "server.json", *key, given=b"",
        )  # fmt: skip

        assert made.returncode == 3
        assert b"something else" in made.stderr
        assert not (tmp_path / "desk").exists()

    def test_of_a_desk_is_not_paired_with(
        self, drop: Drop, pairing: tuple[Path, Desk], tmp_path: Path
    ) -> None:
        file = pairing[1].folder / "pairing.json"
        swapped = tmp_path / "pairing.json"
        swapped.write_bytes(canonical(read_object(file.read_bytes()) | {"desk": "other"}))

        refused = run_server("pair", swapped, *words(file), "--config", drop.config)
        unasked = run_server("pair", swapped, "--config", drop.config)

        assert refused.returncode == 3
        assert list((drop.folder / "desks").iterdir()) == []
        # Whoever is asked for words doesn't see them: nobody copies them from the same screen.
        assert unasked.returncode == 2
        assert words(swapped)[1] not in unasked.stderr + unasked.stdout


class TestASecondDesk:
    def test_answers_at_once_and_signs_lists_once_the_first_has_named_it(
        self, drop: Drop, desk: Desk, newsroom: Newsroom, tmp_path: Path
    ) -> None:
        introduced(drop, tmp_path / "server.json")
        second = Desk(tmp_path / "second", newsroom, tmp_path / "server.json")
        file = second.folder / "pairing.json"
        config = ["--config", drop.config]
        paired = run_server("pair", file, *words(file), *config)
        assert paired.returncode == 0
        assert "can't change the newsroom's keys" in paired.stderr
        assert second.run("keys", "sign", "--to", tmp_path / "early.json").returncode == 3

        desk.json("keys", "add", file, *words(file))
        desk.json("keys", "sign", "--to", tmp_path / "one.json")
        assert run_server("keys", "add", tmp_path / "one.json", *config).returncode == 0
        second.json("keys", "add", tmp_path / "one.json")
        second.json("keys", "sign", "--to", tmp_path / "two.json")
        assert run_server("keys", "add", tmp_path / "two.json", *config).returncode == 0

        signers = desk.json("keys", "list")["desks"]
        assert sorted(signers) == sorted(second.json("keys", "list")["desks"])
        assert len(signers) == 2

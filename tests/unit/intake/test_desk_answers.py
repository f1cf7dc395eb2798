"""What leaves the desk: exports, shown messages, states and receipts."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from desks import CANARY, SOURCE, DeskAt, Ready, Server, flipped, manifest

from crypto.bag import TAG_FILES, Kind, verified
from crypto.envelope import seal
from crypto.manifest import Condition, Source
from crypto.reply import Reply, Stage, State, open_answer
from intake.catalogue.backups import Backups

pytestmark = pytest.mark.usefixtures("opened_once")

# A joiner that Persian is written with, a terminal's clear-screen, and an override of direction.
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
MESSAGE = f"meet me\nat \x1b[2J{PERSIAN}\u202e"


def answer_in(sealed: Path) -> Reply | State | None:
    """Open what lies in the outbox, as only the source can."""
    return open_answer(
        sealed.read_bytes(),
        reply_seed=SOURCE.reply_seed,
        mailbox_id=SOURCE.mailbox_id,
        name=sealed.stem.partition("-")[2],
    )


def today() -> str:
    return datetime.now(UTC).date().isoformat()


@pytest.fixture
def opened(ready: Ready, server: Server, stick: Path) -> DeskAt:
    """A desk with one recording, and one message after it."""

    def prepare(desk: DeskAt) -> None:
        server.receive(CANARY)
        desk("import", server.export(stick))
        desk("list")
        server.message(MESSAGE)
        desk("import", server.export(stick))
        assert desk("open", "--all").code == 0

    return ready(prepare)


class TestExport:
    def test_the_recording_comes_out_as_it_was_sealed(self, opened: DeskAt, tmp_path: Path) -> None:
        out = tmp_path / "out.wav"
        exported = opened("export", "drop-0001", "--to", out)
        assert exported.code == 0
        assert out.read_bytes() == CANARY
        assert out.stat().st_mode & 0o777 == 0o600

    def test_nothing_is_ever_overwritten(self, opened: DeskAt, tmp_path: Path) -> None:
        out = tmp_path / "out.wav"
        out.write_bytes(b"something dear")
        exported = opened("export", "1", "--to", out)
        assert exported.code == 2
        assert "nothing is overwritten" in exported.err
        assert out.read_bytes() == b"something dear"

    def test_a_link_that_points_nowhere_is_not_followed(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        out = tmp_path / "out.wav"
        out.symlink_to(tmp_path / "elsewhere")
        assert opened("export", "1", "--to", out).code == 2
        assert not (tmp_path / "elsewhere").exists()

    def test_a_working_copy_that_was_altered_gives_no_file(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        for copy in opened.files("working"):
            copy.write_bytes(flipped(copy.read_bytes(), 40))
        exported = opened("export", "1", "--to", tmp_path / "out.wav")
        assert exported.code == 3
        assert not (tmp_path / "out.wav").exists()

    def test_a_drop_that_is_not_open_has_nothing_to_give(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        for copy in opened.files("working"):
            copy.unlink()
        exported = opened("export", "1", "--to", tmp_path / "out.wav")
        assert exported.code == 2
        assert "hint: tapedrop-intake open drop-0001" in exported.err

    def test_what_was_not_cleaned_is_said_to_be_so(
        self, opened: DeskAt, server: Server, stick: Path, tmp_path: Path
    ) -> None:
        envelope = bytearray()
        said = replace(manifest(3), condition=Condition.UNCLEANED, removed={})
        seal([b"raw"], said, newsroom=server.newsroom, gpg=server.gpg,
             day=datetime.now(UTC).date(), sink=envelope.extend, limit_seconds=60)  # fmt: skip
        server.hold(bytes(envelope))
        opened("import", server.export(stick))
        opened("open", "3")
        assert "NOT cleaned" in opened("list").out
        refused = opened("export", "3", "--to", tmp_path / "raw.wav")
        assert refused.code == 3
        assert "could not be cleaned here either" in refused.err
        assert not (tmp_path / "raw.wav").exists()
        exported = opened("export", "3", "--as-sent", "--to", tmp_path / "raw.wav")
        assert "warning: drop-0003 is not cleaned" in exported.err

    def test_a_stick_that_knows_no_nameless_files_gets_it_whole_too(
        self, opened: DeskAt, tmp_path: Path, without_nameless_files: None
    ) -> None:
        out = tmp_path / "out.wav"
        assert opened("export", "1", "--to", out).code == 0
        assert out.read_bytes() == CANARY
        assert not out.with_name("out.wav.part").exists()
        assert opened("export", "1", "--to", out).code == 2

    def test_nor_is_anything_left_there_when_it_fails(
        self, opened: DeskAt, tmp_path: Path, without_nameless_files: None
    ) -> None:
        for copy in opened.files("working"):
            copy.write_bytes(flipped(copy.read_bytes(), 40))
        folder = tmp_path / "usb"
        folder.mkdir()
        assert opened("export", "1", "--to", folder / "out.wav").code == 3
        assert list(folder.iterdir()) == []


@pytest.fixture
def without_nameless_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system such as FAT, on which O_TMPFILE is not supported."""
    real = os.open

    def fat(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(95, "Operation not supported")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", fat)


class TestShow:
    def test_a_message_is_shown_without_what_would_steer_the_terminal(self, opened: DeskAt) -> None:
        shown = opened("show", "drop-0002").out
        assert shown.endswith(f"\n\nmeet me\nat \ufffd[2J{PERSIAN}\ufffd\n")

    def test_another_program_gets_all_of_it(self, opened: DeskAt) -> None:
        said = opened("show", "2", "--json").json
        assert said["kind"] == "message"
        assert said["text"] == MESSAGE

    def test_it_tells_which_signed_bags_brought_the_drop(self, opened: DeskAt) -> None:
        said = opened("show", "1", "--json").json
        assert [bag["day"] for bag in said["bags"]] == ["2026-11-20"] * 2
        assert "signed on 2026-11-20" in opened("show", "1").out

    def test_of_a_recording_there_is_no_text(self, opened: DeskAt) -> None:
        assert opened("show", "1", "--json").json["text"] is None

    def test_a_message_whose_working_copy_was_dropped_can_be_opened_again(
        self, opened: DeskAt
    ) -> None:
        for copy in opened.files("working"):
            copy.unlink()
        shown = opened("show", "2")
        assert shown.code == 0
        assert "its working copy is gone: tapedrop-intake open drop-0002" in shown.out


class TestStates:
    def test_a_source_is_told_once_how_much_of_what_it_sent_was_opened(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        first = opened("receipt", "--to", tmp_path / "out", "--json")
        (sealed,) = opened.files("outbox")
        second = opened("receipt", "--to", tmp_path / "out", "--json")
        assert (first.json["sources_told"], second.json["sources_told"]) == (1, 0)
        assert answer_in(sealed) == State(Stage.OPENED, today(), 2)
        assert opened.files("outbox") == [sealed]

    def test_what_was_told_before_gives_way_to_what_is_told_now(
        self, opened: DeskAt, server: Server, stick: Path, tmp_path: Path
    ) -> None:
        opened("receipt", "--to", tmp_path / "out")
        before = opened.files("outbox")
        server.message("more")
        opened("import", server.export(stick))
        opened("open", "--all")
        opened("receipt", "--to", tmp_path / "out")
        (sealed,) = opened.files("outbox")
        assert [sealed] != before
        assert answer_in(sealed) == State(Stage.OPENED, today(), 3)

    def test_what_was_purged_since_had_been_opened_all_the_same(
        self, opened: DeskAt, server: Server, stick: Path, tmp_path: Path
    ) -> None:
        opened("receipt", "--to", tmp_path / "out")
        assert opened("purge", "1", "--confirm", "purge 1 drop").code == 0
        untold = opened("receipt", "--to", tmp_path / "out", "--json")
        server.message("more")
        opened("import", server.export(stick))
        opened("open", "--all")
        told = opened("receipt", "--to", tmp_path / "out", "--json")
        (sealed,) = opened.files("outbox")
        assert (untold.json["sources_told"], told.json["sources_told"]) == (0, 1)
        assert answer_in(sealed) == State(Stage.OPENED, today(), 3)

    def test_of_what_was_not_opened_nothing_is_told(
        self, desk: DeskAt, server: Server, stick: Path, tmp_path: Path
    ) -> None:
        server.receive(CANARY)
        desk("import", server.export(stick))
        written = desk("receipt", "--to", tmp_path / "out", "--json")
        assert (written.json["envelopes"], written.json["sources_told"]) == (1, 0)
        assert desk.files("outbox") == []

    @pytest.mark.parametrize("key", ["no", "00" * 1216])
    def test_a_source_that_can_not_be_told_stops_nothing(
        self, desk: DeskAt, server: Server, stick: Path, tmp_path: Path, key: str
    ) -> None:
        envelope = bytearray()
        said = replace(manifest(3), source=Source("ozone fiber", SOURCE.mailbox_id.hex(), key))
        seal([b"raw"], said, newsroom=server.newsroom, gpg=server.gpg,
             day=datetime.now(UTC).date(), sink=envelope.extend, limit_seconds=60)  # fmt: skip
        server.hold(bytes(envelope))
        desk("import", server.export(stick))
        desk("open", "--all")
        written = desk("receipt", "--to", tmp_path / "out", "--json")
        assert (written.code, written.json["sources_told"]) == (0, 0)


class TestReceipt:
    @pytest.fixture
    def bag(self, opened: DeskAt, tmp_path: Path) -> Path:
        (tmp_path / "text").write_bytes(b"hello")
        opened("reply", "1", "--text-from", tmp_path / "text")
        written = opened("receipt", "--to", tmp_path / "out", "--json")
        assert written.code == 0
        return Path(written.json["bag"])

    @pytest.mark.filterwarnings("ignore")
    def test_an_independent_judge_finds_it_a_valid_bag(self, bag: Path) -> None:
        check = "import bagit, sys; bagit.Bag(sys.argv[1]).validate()"
        judged = subprocess.run([sys.executable, "-c", check, str(bag)], capture_output=True)
        assert judged.returncode == 0, judged.stderr

    def test_it_is_signed_by_the_key_that_the_desk_was_paired_with(
        self, opened: DeskAt, bag: Path, server: Server
    ) -> None:
        pairing = json.loads((opened.folder / "pairing.json").read_text())
        signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(pairing["signing_key"]))
        said = verified({name: (bag / name).read_bytes() for name in TAG_FILES}, signer)
        assert said.kind is Kind.ANSWERS
        assert said.newsroom == server.newsroom.fingerprints
        listed = {path.relative_to(bag).as_posix() for path in (bag / "data").iterdir()}
        assert listed == said.digests.keys()

    def test_it_holds_the_answers_that_wait(self, opened: DeskAt, bag: Path) -> None:
        (state,) = opened.files("outbox")
        (reply,) = [path for path in (bag / "data").glob("*.reply") if path.name != state.name]
        assert (bag / "data" / state.name).read_bytes() == state.read_bytes()
        assert answer_in(reply) == Reply(today(), "hello")

    def test_it_says_stored_of_what_no_backup_holds(
        self, opened: DeskAt, bag: Path, tmp_path: Path
    ) -> None:
        said = json.loads((bag / "data" / "receipts.json").read_text())
        assert said["version"] == "tapedrop receipt 1"
        digests = [path.stem for path in opened.files("evidence")]
        assert said["envelopes"] == dict.fromkeys(digests, "stored")
        written = opened("receipt", "--to", tmp_path / "out")
        assert "opened: 2, of which in no verified backup yet: 2" in written.err

    def test_it_says_opened_of_what_a_verified_backup_holds_with_its_key(
        self, opened: DeskAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = sorted(path.stem for path in opened.files("evidence"))
        held = {bytes.fromhex(one)}
        monkeypatch.setattr(Backups, "holds", lambda _backups, digest: digest in held)
        written = opened("receipt", "--to", tmp_path / "out", "--json")
        said = json.loads((Path(written.json["bag"]) / "data/receipts.json").read_text())
        assert said["envelopes"] == {one: "opened", other: "stored"}
        assert (written.json["opened"], written.json["opened_without_backup"]) == (1, 1)

    def test_it_carries_out_how_far_the_custody_log_reaches(
        self, opened: DeskAt, bag: Path, tmp_path: Path
    ) -> None:
        (last,) = [row for row in opened("log", "--json").json if row["act"] == "told the server"]
        assert last["said"] == {"envelopes": 2, "opened": 0, "answers": 2}
        for stick in (bag, tmp_path / "out", bag / "data/custody.json"):
            held = opened("log", "verify", "--against", stick, "--json")
            assert held.json == {"entries": last["number"], "head": last["hash"], "held_against": 1}

    def test_it_says_what_was_set_aside_and_why(
        self, opened: DeskAt, server: Server, stick: Path, tmp_path: Path
    ) -> None:
        name = server.hold(b"no envelope at all")
        late = server.hold(b"one that does not arrive")
        bag = server.export(stick)
        (bag / "data" / late).write_bytes(b"damaged")
        opened("import", bag)
        opened("open", "--all")
        written = opened("receipt", "--to", tmp_path / "out", "--json")
        said = json.loads((Path(written.json["bag"]) / "data" / "receipts.json").read_text())
        states = sorted(said["envelopes"].values())
        assert states == [
            "set aside: did not arrive whole", "set aside: gpg does not vouch for it",
            "stored", "stored",
        ]  # fmt: skip
        assert name in server.sealed

    def test_a_stick_that_gives_back_something_else_holds_no_bag(
        self, opened: DeskAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def forgetful(path: Path, content: bytes) -> None:
            path.write_bytes(content[:-1])

        monkeypatch.setattr("intake.answering.carry.carry_out", forgetful)
        written = opened("receipt", "--to", tmp_path / "out")
        assert written.code == 5
        assert "does not give back what was written" in written.err
        assert list((tmp_path / "out" / "TAPEDROP").iterdir()) == []

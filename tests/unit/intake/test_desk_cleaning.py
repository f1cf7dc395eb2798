"""What came uncleaned, or encrypted by its source as well, is opened and cleaned at the desk."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from desks import Answer, DeskAt, Person, Server, manifest
from hypothesis import given
from hypothesis import strategies as st

from crypto.envelope import seal
from crypto.errors import GpgFailed
from crypto.manifest import Condition, Manifest
from crypto.packets import begins_message
from intake import cleaning
from intake.cli import open_
from intake.export import LONGEST_SHOWN_BYTES

pytestmark = pytest.mark.usefixtures("opened_once")

SAMPLE = (Path(__file__).parents[3] / "demo" / "sample.m4a").read_bytes()
SECRET = b"SECRET-OF-ITS-MAKER"


def tagged() -> bytes:
    """Return a WAV that says who made it."""
    samples = bytes(range(256)) * 400
    info = b"INFOIART" + (20).to_bytes(4, "little") + SECRET + b"\0"
    chunks = (
        b"fmt " + (16).to_bytes(4, "little") + bytes.fromhex("01000100401f0000803e000002001000")
    )
    chunks += b"LIST" + len(info).to_bytes(4, "little") + info
    chunks += b"data" + len(samples).to_bytes(4, "little") + samples
    return b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WAVE" + chunks


def uncleaned(size: int) -> Manifest:
    return replace(
        manifest(size), name="recording.bin", format="unknown", condition=Condition.UNCLEANED,
        removed={}, remains={}, values=(),
    )  # fmt: skip


def sent(server: Server, content: bytes, said: Manifest | None = None) -> None:
    envelope = bytearray()
    seal([content], said or uncleaned(len(content)), newsroom=server.newsroom, gpg=server.gpg,
         day=datetime.now(UTC).date(), sink=envelope.extend, limit_seconds=60)  # fmt: skip
    server.hold(bytes(envelope))


def encrypted(content: bytes, to: Person, *more: str) -> bytes:
    command = ["gpg", "--homedir", str(to.home), "--batch", "--quiet", "--trust-model", "always"]
    command += [*more, "--recipient", to.fingerprint, "--encrypt"]
    return subprocess.run(command, input=content, check=True, capture_output=True).stdout


@pytest.fixture
def came(desk: DeskAt, server: Server, stick: Path) -> Callable[..., Answer]:
    """Have the desk import and open what one source sent as it is."""

    def come(content: bytes, said: Manifest | None = None) -> Answer:
        sent(server, content, said)
        desk("import", server.export(stick))
        return desk("open", "--all")

    return come


class TestWhatCameUncleaned:
    def test_is_cleaned_here_and_leaves_the_desk_so(
        self, desk: DeskAt, came: Callable[..., Answer], tmp_path: Path
    ) -> None:
        assert SECRET in tagged()
        assert "drop-0001 came uncleaned: cleaned at this desk" in came(tagged()).err

        exported = desk("export", "1", "--to", tmp_path / "clean.wav", "--json")

        assert exported.code == 0
        assert exported.json["condition"] == "cleaned at this desk"
        clean = (tmp_path / "clean.wav").read_bytes()
        assert SECRET not in clean
        assert bytes(range(256)) * 400 in clean
        assert "cleaned here" in desk("list").out

    def test_is_cleaned_with_the_next_where_opening_was_stopped_just_before(
        self, desk: DeskAt, came: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stopped(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as then:
            then.setattr(open_, "look_into", stopped)
            assert came(tagged()).code == 1
        assert "NOT cleaned" in desk("list").out

        assert "drop-0001 came uncleaned: cleaned at this desk" in desk("open", "--all").err
        assert "nothing waits to be opened" in desk("open", "--all").err

    def test_can_be_had_as_it_was_sent_by_who_says_so(
        self, desk: DeskAt, came: Callable[..., Answer], tmp_path: Path
    ) -> None:
        came(tagged())

        exported = desk("export", "1", "--as-sent", "--to", tmp_path / "sent.wav")

        assert "warning: drop-0001 is not cleaned" in exported.err
        assert (tmp_path / "sent.wav").read_bytes() == tagged()

    def test_stays_inside_where_it_can_not_be_cleaned(
        self, desk: DeskAt, came: Callable[..., Answer], tmp_path: Path
    ) -> None:
        assert "could not be cleaned here either" in came(b"no recording at all" * 9).err

        refused = desk("export", "1", "--to", tmp_path / "out.bin")

        assert refused.code == 3
        assert list(tmp_path.glob("out*")) == []


class TestWhatItsSourceHadEncrypted:
    @pytest.mark.parametrize("how", [[], ["--armor"], ["--compress-algo", "zlib"]])
    def test_is_opened_with_a_key_of_this_desk_and_cleaned(
        self,
        desk: DeskAt,
        came: Callable[..., Answer],
        reporter: Person,
        tmp_path: Path,
        how: list[str],
    ) -> None:
        assert "cleaned at this desk" in came(encrypted(tagged(), reporter, *how)).err

        desk("export", "1", "--to", tmp_path / "clean.wav")

        clean = (tmp_path / "clean.wav").read_bytes()
        assert clean.startswith(b"RIFF")
        assert SECRET not in clean
        assert not desk.holds(SECRET)

    @pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"  ", b"\xef\xbb\xbf\r\n\t"])
    def test_is_opened_whatever_an_editor_put_before_its_armour(
        self, came: Callable[..., Answer], reporter: Person, before: bytes
    ) -> None:
        armoured = encrypted(tagged(), reporter, "--armor")
        assert "cleaned at this desk" in came(before + armoured).err

    def test_of_another_key_says_so_and_costs_no_drop(
        self, desk: DeskAt, came: Callable[..., Answer], stranger: Person
    ) -> None:
        answer = came(encrypted(tagged(), stranger))

        assert "encrypted by its source, and no key here opens it" in answer.err
        assert answer.code == 0
        assert desk("show", "1", "--json").json["status"] == "opened"

    def test_is_tried_again_once_there_is_a_key(
        self,
        desk: DeskAt,
        came: Callable[..., Answer],
        reporter: Person,
        stranger: Person,
        tmp_path: Path,
    ) -> None:
        came(encrypted(tagged(), stranger))
        export = ["gpg", "--homedir", str(stranger.home), "--batch", "--export-secret-keys"]
        secret = subprocess.run(export, check=True, capture_output=True).stdout
        home = Path(tempfile.mkdtemp(dir="/tmp")) / "g"
        shutil.copytree(reporter.home, home, ignore=shutil.ignore_patterns("S.*"))
        take = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--import"]
        subprocess.run(take, input=secret, check=True, capture_output=True)
        settings = desk.folder / "desk.toml"
        settings.write_text(settings.read_text().replace(str(reporter.home), str(home)))

        assert "cleaned at this desk" in desk("open", "1").err

        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
        shutil.rmtree(home.parent)

    def test_altered_on_its_way_is_not_believed(
        self, came: Callable[..., Answer], reporter: Person
    ) -> None:
        spoilt = bytearray(encrypted(tagged(), reporter))
        spoilt[-40] ^= 1

        assert "gpg does not vouch for it" in came(bytes(spoilt)).err

    @pytest.fixture
    def two(self, desk: DeskAt, server: Server, stick: Path, reporter: Person) -> DeskAt:
        """Two drops: one of them in armour at which gpg ends without a word."""
        sent(server, encrypted(b"no more", reporter, "--armor").replace(b"\n=", b"\n=A"))
        sent(server, tagged())
        desk("import", server.export(stick))
        return desk

    def test_in_armour_that_gpg_turns_away_costs_its_own_drop_and_no_other(
        self, two: DeskAt
    ) -> None:
        answer = two("open", "--all")

        assert "encrypted by its source, and gpg does not vouch for it" in answer.err
        assert "came uncleaned: cleaned at this desk" in answer.err
        assert answer.code == 0
        assert "nothing waits to be opened" in two("open", "--all").err

    def test_that_gpg_did_not_finish_with_keeps_no_other_drop_shut_and_is_tried_again(
        self, two: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: object, **__: object) -> None:
            raise GpgFailed("gpg did not finish decrypting (exit -9)")

        with monkeypatch.context() as then:
            then.setattr(cleaning, "_opened_inside", killed)
            answer = two("open", "--all", "--json")
        assert "is open, but what its source encrypted is not: gpg did not finish" in answer.err
        assert [row["status"] for row in answer.json] == ["opened", "opened"]
        assert answer.code == 0

        assert "gpg does not vouch for it" in two("open", "--all").err

    def test_a_bomb_is_left_when_it_has_grown_too_large(
        self, desk: DeskAt, came: Callable[..., Answer], reporter: Person
    ) -> None:
        bomb = encrypted(bytes(70 * 1024 * 1024), reporter, "--compress-algo", "zlib", "-z", "9")
        assert len(bomb) < 200_000

        assert "larger inside than it can be" in came(bomb).err
        assert sum(file.stat().st_size for file in desk.files("working")) < 1_000_000

    def test_a_bomb_of_session_keys_costs_its_own_drop_and_no_other(
        self, desk: DeskAt, came: Callable[..., Answer], reporter: Person, server: Server,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        # gpg tries every key it has on each; what doesn't fit costs the most.
        whole = encrypted(tagged(), reporter, "--throw-keyids")
        first = bytearray(whole[: 2 + whole[1]])
        first[-5] ^= 1
        server.receive()
        monkeypatch.setattr(cleaning, "_SECONDS", 0)

        answer = came(bytes(first) * 300 + whole[len(first) :])

        assert "encrypted by its source, and gpg took too long over it" in answer.err
        assert answer.code == 0
        assert [row["status"] for row in desk("list", "--json").json] == ["opened", "opened"]

    def test_a_text_is_shown_and_given_out_as_it_is_inside(
        self, desk: DeskAt, came: Callable[..., Answer], reporter: Person, tmp_path: Path
    ) -> None:
        text = encrypted(b"meet nobody", reporter, "--armor")
        said = replace(
            manifest(len(text)), name="message.txt", format="message", removed={}, values=(),
            condition=Condition.WRITTEN,
        )  # fmt: skip
        came(text, said)

        assert "meet nobody" in desk("show", "1").out
        assert desk("export", "1", "--to", tmp_path / "in.txt").code == 0
        assert (tmp_path / "in.txt").read_bytes() == b"meet nobody"
        assert desk("export", "1", "--as-sent", "--to", tmp_path / "sent.txt").code == 0
        assert (tmp_path / "sent.txt").read_bytes() == text
        stated = desk("statement", "1")
        assert "opened here       a text that its source had encrypted, 11 bytes" in stated.out
        assert "cleaned here" not in stated.out

    def test_a_text_that_was_blown_up_is_shown_in_part(
        self, desk: DeskAt, came: Callable[..., Answer], reporter: Person
    ) -> None:
        text = encrypted(b"a" * (LONGEST_SHOWN_BYTES + 5), reporter, "--armor")
        said = replace(
            manifest(len(text)), name="message.txt", format="message", removed={}, values=(),
            condition=Condition.WRITTEN,
        )  # fmt: skip
        came(text, said)

        self.shows_a_part(desk)

    def test_a_longer_text_than_a_server_takes_is_shown_in_part_too(
        self, desk: DeskAt, server: Server, stick: Path
    ) -> None:
        server.message("a" * (LONGEST_SHOWN_BYTES + 5))
        desk("import", server.export(stick))
        desk("open", "--all")
        self.shows_a_part(desk)

    def shows_a_part(self, desk: DeskAt) -> None:
        shown = desk("show", "1").out

        assert "[it goes on; `export` has all of it]" in shown
        assert shown.count("a" * 1000) <= LONGEST_SHOWN_BYTES // 1000


class TestWhatIsTold:
    def test_a_recording_s_length_and_coding_are_kept(
        self, desk: DeskAt, came: Callable[..., Answer]
    ) -> None:
        came(SAMPLE, replace(manifest(len(SAMPLE)), name="recording.m4a", format="MP4"))

        facts = desk("show", "1", "--json").json["facts"]

        assert facts["length_ms"] == 4564
        assert facts["sample_rate"] == 22050


class TestWhatLooksEncrypted:
    @pytest.mark.parametrize("how", [[], ["--armor"], ["--hidden-recipient", "reporter"]])
    def test_is_what_gpg_writes(self, reporter: Person, how: list[str]) -> None:
        assert begins_message(encrypted(b"x", reporter, *how)[:64])

    def test_is_not_a_recording(self) -> None:
        assert not begins_message(tagged()[:64])
        assert not begins_message(SAMPLE[:64])

    @given(st.binary(max_size=64))
    def test_any_bytes_are_one_or_the_other(self, head: bytes) -> None:
        assert begins_message(head) in {True, False}

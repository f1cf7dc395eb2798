"""Sealed letters that wait, and the one command that carries them away."""

import json
import os
import signal
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from drops import SERVER, Drop, run_server

from server.errors import NotALetter
from server.staff import outbox as keeping
from server.staff.outbox import MOST, Waiting, letters_in, put, read_letter, waiting_in

DAY_SECONDS = 24 * 3600


def letter(text: str) -> bytes:
    """Return what looks like a sealed letter; `text` is letters and digits."""
    return f"-----BEGIN PGP MESSAGE-----\n\n{text}\n=AbC9\n-----END PGP MESSAGE-----\n".encode()


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def put_in_order(outbox: Path, *texts: str) -> None:
    """Put letters there, each a second younger than the one before."""
    for second, text in enumerate(texts, start=1_700_000_000):
        known = set(letters_in(outbox))
        put(outbox, letter(text))
        (new,) = set(letters_in(outbox)) - known
        os.utime(new, (second, second))


class TestTheOutbox:
    def test_is_for_the_drop_s_user_alone(self, outbox: Path) -> None:
        put(outbox, letter("one"))

        modes = {stat.S_IMODE(path.stat().st_mode) for path in letters_in(outbox)}
        assert stat.S_IMODE(outbox.stat().st_mode) == 0o700
        assert modes == {0o600}

    def test_gives_the_oldest_first_and_its_names_tell_nothing(self, outbox: Path) -> None:
        put_in_order(outbox, "one", "two", "three")

        paths = letters_in(outbox)
        assert [read_letter(path) for path in paths] == [*map(letter, ("one", "two", "three"))]
        assert all(len(path.stem) == 32 and int(path.stem, 16) >= 0 for path in paths)

    def test_is_empty_where_there_is_none(self, outbox: Path) -> None:
        assert letters_in(outbox) == []
        assert waiting_in(outbox) == Waiting(0, None)

    def test_says_how_many_wait_and_since_which_day(self, outbox: Path) -> None:
        put_in_order(outbox, "one", "two")
        old = datetime(2020, 2, 29, 23, 59, 59, tzinfo=UTC).timestamp()
        os.utime(letters_in(outbox)[1], (old, old))

        assert waiting_in(outbox) == Waiting(2, date(2020, 2, 29))

    def test_holds_so_many_and_the_oldest_goes(self, outbox: Path) -> None:
        texts = [f"letter{number}" for number in range(MOST)]
        put_in_order(outbox, *texts)

        put(outbox, letter("new"))

        said = {read_letter(path) for path in letters_in(outbox)}
        assert said == {letter(text) for text in [*texts[1:], "new"]}

    def test_keeps_the_newest_whatever_the_clock_said_before(self, outbox: Path) -> None:
        put_in_order(outbox, *(f"letter{number}" for number in range(MOST)))
        for path in letters_in(outbox):
            os.utime(path, (4_000_000_000, 4_000_000_000))

        put(outbox, letter("new"))

        said = [read_letter(path) for path in letters_in(outbox)]
        assert letter("new") in said
        assert len(said) == MOST

    def test_took_a_letter_also_when_it_is_carried_away_at_once(
        self, outbox: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def carried_away(path: Path, _letter: bytes) -> None:
            outbox.rmdir()

        monkeypatch.setattr(keeping, "replace", carried_away)

        put(outbox, letter("one"))  # raises nothing, or it would be written anew

    def test_counts_no_letter_that_is_being_written_and_forgets_it_after_a_crash(
        self, outbox: Path
    ) -> None:
        outbox.mkdir()
        begun, left = outbox / ".a.asc.1", outbox / ".b.asc.2"
        for path in (begun, left):
            path.write_bytes(b"half")
        os.utime(left, (0, 0))

        assert waiting_in(outbox).number == 0
        put(outbox, letter("one"))

        assert begun.exists()
        assert not left.exists()
        assert len(letters_in(outbox)) == 1


class TestALetter:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"plain words",
            letter("one") + b"~! sh\n",
            b"From: x\n" + letter("one"),
            letter("one").replace(b"\n\n", b"\nComment: hello\n\n"),
            letter("a" * 77),
            letter("one\x00"),
            letter("one\n."),
            letter("A\n" * 40_000),
        ],
    )
    def test_is_nothing_but_armour(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "letter"
        path.write_bytes(content)

        with pytest.raises(NotALetter):
            read_letter(path)

    @pytest.mark.parametrize(
        "made",
        [
            lambda path: path.mkdir(),
            os.mkfifo,
            lambda path: path.symlink_to("/etc/hostname"),
        ],
    )
    def test_is_a_file(self, tmp_path: Path, made: Callable[[Path], object]) -> None:
        made(tmp_path / "letter")

        with pytest.raises(NotALetter):
            read_letter(tmp_path / "letter")


class Post:
    """A folder with nothing in it that `mail` may see, and a command that keeps what it gets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outbox = folder / "outbox"
        self.outbox.mkdir(mode=0o700, exist_ok=True)
        self.config = folder / "tapedrop.toml"
        self.carrying = folder / "carry"
        self.command("cat >> sent")
        self.config.write_text(f'[staff]\nalert_command = ["{self.carrying}"]\n')

    def command(self, script: str) -> None:
        self.carrying.write_text(f"#!/bin/sh\n{script}\n")
        self.carrying.chmod(0o700)

    def mail(self) -> CompletedProcess[str]:
        return run_server("mail", "--json", "--config", self.config)

    def sent(self) -> list[bytes]:
        """Return what went, in its order."""
        path = self.folder / "sent"
        content = path.read_bytes() if path.exists() else b""
        return [b"-----BEGIN" + each for each in content.split(b"-----BEGIN")[1:]]


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


class TestMail:
    def test_carries_all_letters_away_the_oldest_first(self, post: Post) -> None:
        put_in_order(post.outbox, "one", "two", "three")

        done = post.mail()

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"sent": 3, "waiting": 0, "why": None}
        assert post.sent() == [letter("one"), letter("two"), letter("three")]
        assert letters_in(post.outbox) == []

    def test_sees_nothing_of_the_drop_but_settings_and_outbox(self, post: Post) -> None:
        put(post.outbox, letter("one"))
        traced = post.folder / "trace"
        strace = ["strace", "-f", "-e", "trace=%file", "-o", traced]
        command = [*strace, SERVER, "mail", "--config", post.config]

        subprocess.run(command, check=True, capture_output=True)

        seen = {
            line.partition(f'"{post.folder}/')[2].partition('"')[0].partition("/")[0]
            for line in traced.read_text().splitlines()
            if f'"{post.folder}/' in line
        }
        assert seen <= {"tapedrop.toml", "outbox", "carry", "sent"}
        assert {"tapedrop.toml", "outbox"} <= seen

    def test_keeps_what_the_command_did_not_take(self, post: Post) -> None:
        put_in_order(post.outbox, "one", "two", "three")
        post.command("test -e sent && exit 1; cat > sent")

        done = post.mail()

        assert done.returncode == 1
        assert json.loads(done.stdout) == {"sent": 1, "waiting": 2, "why": "command_failed"}
        assert "event='alert_not_sent' why='command_failed'\n" in done.stderr
        assert "says that it failed" in done.stderr
        post.command("cat >> sent")
        assert post.mail().returncode == 0
        assert post.sent() == [letter("one"), letter("two"), letter("three")]

    def test_sends_twice_and_never_not_at_all_where_it_is_killed_after_the_command_s_success(
        self, post: Post
    ) -> None:
        put(post.outbox, letter("one"))
        post.command("cat >> sent; kill -9 $PPID")
        assert post.mail().returncode == -signal.SIGKILL
        assert len(letters_in(post.outbox)) == 1

        post.command("cat >> sent")
        assert post.mail().returncode == 0

        assert post.sent() == [letter("one")] * 2
        assert letters_in(post.outbox) == []

    def test_carries_what_comes_meanwhile(self, post: Post) -> None:
        put(post.outbox, letter("one"))
        other = post.outbox / f"{'0' * 32}.asc"
        post.command(f'cat >> sent; test -e came || cp sent "{other}"; touch came')

        assert json.loads(post.mail().stdout)["sent"] == 2
        assert letters_in(post.outbox) == []

    def test_waits_for_another_and_sends_nothing_twice(self, post: Post) -> None:
        put_in_order(post.outbox, "one", "two")
        os.mkfifo(post.folder / "begun")
        os.mkfifo(post.folder / "go_on")
        post.command("cat >> sent; echo > begun; cat go_on > /dev/null; exit 0")
        mailing = [SERVER, "mail", "--json", "--config", post.config]
        with subprocess.Popen(mailing, stdout=subprocess.PIPE) as first:
            assert (post.folder / "begun").read_text() == "\n"
            post.command("cat >> sent")  # for what comes next
            with subprocess.Popen(mailing, stdout=subprocess.PIPE) as second:
                (post.folder / "go_on").write_text("go on\n")
                said = [json.loads(each.communicate(timeout=60)[0]) for each in (first, second)]

        assert [each["sent"] for each in said] == [2, 0]
        assert post.sent() == [letter("one"), letter("two")]

    def test_leaves_what_is_no_letter_and_carries_the_rest(self, post: Post) -> None:
        put_in_order(post.outbox, "one")
        (post.outbox / "hello").write_bytes(b"~! sh\n")
        (post.outbox / "folder").mkdir()
        (post.outbox / ".begun").write_bytes(b"half")

        done = post.mail()

        assert done.returncode == 1
        assert json.loads(done.stdout) == {"sent": 1, "waiting": 2, "why": "not_a_letter"}
        assert "treat the machine as suspect" in done.stderr
        assert post.sent() == [letter("one")]
        assert (post.outbox / "hello").exists()

    def test_needs_somebody_where_letters_wait_and_no_command_is_set(self, post: Post) -> None:
        post.config.write_text("")
        assert post.mail().returncode == 0

        put(post.outbox, letter("one"))
        done = post.mail()

        assert done.returncode == 1
        assert "no command in staff.alert_command" in done.stderr
        assert len(letters_in(post.outbox)) == 1

    def test_has_nothing_to_do_in_a_drop_that_is_older_than_its_outbox(self, post: Post) -> None:
        post.outbox.rmdir()

        assert json.loads(post.mail().stdout) == {"sent": 0, "waiting": 0, "why": None}
        assert not post.outbox.exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
    def test_is_refused_to_anybody_but_the_drop_s_user(self, post: Post) -> None:
        put(post.outbox, letter("one"))
        os.chown(post.outbox, 65534, 65534)

        done = post.mail()

        assert done.returncode == 2
        assert "belongs to the user" in done.stderr


class TestTheVerbs:
    """`heartbeat`, `mail` and `check --send-alert` at a whole drop."""

    @pytest.fixture
    def post(self, drop: Drop) -> Post:
        drop.add_exported(drop.newsroom.exported, drop.newsroom.fingerprint, staff=True)
        post = Post(drop.folder)
        drop.configure(post.config.read_text())
        return post

    def said(self, drop: Drop, post: Post) -> list[str]:
        return [drop.newsroom.gpg("--decrypt", given=each).decode() for each in post.sent()]

    def test_write_a_heartbeat_once_a_day_and_carry_it_away(self, drop: Drop, post: Post) -> None:
        first, second, third = (
            run_server("heartbeat", "--json", *again, "--config", drop.config)
            for again in ([], [], ["--again"])
        )
        assert post.mail().returncode == 0

        assert [json.loads(each.stdout)["written"] for each in (first, second, third)] == [
            True,
            False,
            True,
        ]
        assert first.returncode == second.returncode == 0
        assert [": heartbeat of " in each for each in self.said(drop, post)] == [True, True]
        status = json.loads(run_server("status", "--json", "--config", drop.config).stdout)
        assert status["heartbeat"] == datetime.now(UTC).date().isoformat()
        assert status["letters"] == {"number": 0, "oldest": None}

    def test_need_somebody_where_no_command_is_set(self, drop: Drop, post: Post) -> None:
        drop.configure("")

        done = run_server("heartbeat", "--config", drop.config)

        assert done.returncode == 1
        assert "event='alert_not_sent' why='no_such_command'\n" in done.stderr
        assert letters_in(post.outbox) == []

    def test_send_a_trial_with_whatever_waits_before_it(self, drop: Drop, post: Post) -> None:
        run_server("heartbeat", "--config", drop.config)

        done = run_server("check", "--send-alert", "--config", drop.config)

        assert "did it arrive?" in done.stderr
        assert "to see that alerts arrive" in self.said(drop, post)[1]
        assert letters_in(post.outbox) == []

    def test_keep_a_trial_that_could_not_be_sent(self, drop: Drop, post: Post) -> None:
        post.command("exit 1")

        done = run_server("check", "--send-alert", "--config", drop.config)

        assert done.returncode == 1
        assert "says that it failed" in done.stderr
        assert len(letters_in(post.outbox)) == 1

    def test_keep_others_out_of_the_outbox(self, drop: Drop, post: Post) -> None:
        post.outbox.chmod(0o750)

        checked = run_server("check", "--json", "--config", drop.config)
        started = run_server("serve", "--config", drop.config)

        says = [each["says"] for each in json.loads(checked.stdout)["checks"]]
        assert f"others can enter {post.outbox}" in says
        assert started.returncode == 5
        assert f"others can enter {post.outbox}" in started.stderr

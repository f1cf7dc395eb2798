"""Letters to staff leave an installed machine: by units that see nothing of the drop but them."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from install.installed import DROP, Installed

PORT = 2525
CARRY = f"""#!/usr/bin/python3 -I
import socket, subprocess, sys
found = subprocess.run(["find", "{DROP}"], capture_output=True).stdout
with socket.create_connection(("127.0.0.1", {PORT})) as there:
    there.sendall(found + sys.stdin.buffer.read())
    there.shutdown(socket.SHUT_WR)
    sys.exit(there.recv(2) != b"ok")
"""
"""Staff's command: takes a letter, and what it sees of the drop, to a program on this machine."""

TAKE = f"""
import os, pathlib, socket, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
with socket.create_server(("127.0.0.1", {PORT})) as door:
    print("open", flush=True)
    while True:
        with door.accept()[0] as one:
            taken = b"".join(iter(lambda: one.recv(65536), b""))
            pathlib.Path("/root/letters").open("ab").write(taken)
            one.sendall(b"ok")
"""


class Post:
    """An installed drop whose letters go to a program on its own machine, while that listens."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        self.machine = installed.machine
        self.outbox = self.machine.at(f"{DROP}/outbox")
        self.letters = self.machine.at("/root/letters")

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have somebody take the letters."""
        command = self.machine.command("python3", "-c", TAKE)
        pipe = subprocess.PIPE
        # It ends when its standard input does, and so at the end of this block.
        with subprocess.Popen(command, stdin=pipe, stdout=pipe) as taking:
            assert taking.stdout is not None
            assert taking.stdout.readline() == b"open\n"
            yield

    def waits(self) -> bool:
        """Say whether anything is in the outbox."""
        return any(self.outbox.iterdir())

    def state(self, unit: str) -> str:
        return self.machine.unit(unit, "SubState")["SubState"]

    def arrive(self) -> list[tuple[list[str], str]]:
        """Return what the command saw of the drop, and what each letter says, once all went."""
        self.machine.wait_for(lambda: not self.waits(), "the letters go")
        *arrived, rest = self.letters.read_text().split("-----END PGP MESSAGE-----\n")
        assert rest == ""
        self.letters.unlink()
        return [self._opened(each) for each in arrived]

    def _opened(self, arrived: str) -> tuple[list[str], str]:
        found, begin, armour = arrived.partition("-----BEGIN PGP MESSAGE-----\n")
        sealed = f"{begin}{armour}-----END PGP MESSAGE-----\n".encode()
        said = self.installed.newsroom.gpg("--decrypt", given=sealed).decode()
        return found.splitlines(), said


@pytest.fixture(scope="module")
def post(installed: Installed) -> Iterator[Post]:
    machine, newsroom = installed.machine, installed.newsroom
    machine.put(newsroom.exported, "/staff.asc")
    words = ("--fingerprint", newsroom.fingerprint)
    installed.json("keys", "add", "/staff.asc", "--staff", *words)
    machine.put(CARRY, "/usr/local/bin/alert-staff", mode=0o755)
    settings = machine.at(f"{DROP}/tapedrop.toml")
    before = settings.read_text()
    command = 'alert_command = ["/usr/local/bin/alert-staff"]'
    # Into the same file: a new one would be root's. Without an address, `check` asks no tor for it,
    # which here leads nowhere.
    text = re.sub(r"^onion = .*$", 'onion = ""', before, flags=re.MULTILINE)
    settings.write_text(text.replace("[staff]\n", f"[staff]\n{command}\n"))
    yield Post(installed)
    settings.write_text(before)


def test_the_heartbeat_leaves_by_what_sees_settings_and_outbox_only(post: Post) -> None:
    with post.taken():
        post.machine.must("systemctl", "start", "tapedrop-heartbeat.service")
        ((seen, said),) = post.arrive()

    assert ": heartbeat of " in said
    assert "\nrunning\n" in said
    folder, *inside = sorted(seen)
    assert folder == DROP
    assert {f"{DROP}/tapedrop.toml", f"{DROP}/outbox"} <= set(inside)
    assert [each for each in inside if not each.startswith((f"{DROP}/tape", f"{DROP}/out"))] == []


def test_a_letter_that_nobody_takes_waits_for_the_next_hour_and_others_wait_with_it(
    post: Post,
) -> None:
    post.installed.json("heartbeat", "--again")
    resting = "auto-restart"
    post.machine.wait_for(lambda: post.state("tapedrop-mail.service") == resting, "it rests")
    post.installed.json("heartbeat", "--again")

    assert len(list(post.outbox.iterdir())) == 2
    assert post.machine.active("tapedrop-mail.path")
    assert "alert_not_sent" in post.machine.journal("--unit=tapedrop-mail.service")
    with post.taken():
        post.machine.must("systemctl", "restart", "tapedrop-mail.service")
        assert len(post.arrive()) == 2


def test_a_letter_that_is_being_written_wakes_nobody(post: Post) -> None:
    before = post.machine.unit("tapedrop-mail.service", "InvocationID")
    begun = f"{DROP}/outbox/.begun"
    post.machine.must("touch", begun, user="tapedrop")
    # systemd answers in order: once it has told this, it has seen the file.
    post.machine.must("systemctl", "daemon-reload")

    assert post.machine.unit("tapedrop-mail.service", "InvocationID") == before
    assert post.state("tapedrop-mail.path") == "waiting"
    post.machine.must("rm", begun)


def test_a_trial_leaves_when_somebody_asks_for_it(post: Post) -> None:
    with post.taken():
        done = post.installed.verb("check", "--send-alert")
        ((_, said),) = post.arrive()

    assert "did it arrive?" in done.stderr
    assert "to see that alerts arrive" in said

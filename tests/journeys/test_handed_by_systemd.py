"""A drop that is handed its socket and its secrets: it can end and begin, and nobody is lost."""

import asyncio
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from drops import Drop
from handed import Systemd, begun_at, ended, words_of
from holds import child_of

from server.config import Listen
from server.errors import NotFit
from server.listening import Protocol, listen


@pytest.fixture
def systemd(drop: Drop) -> Iterator[Systemd]:
    """What starts the drop; the drop isn't running yet."""
    made = Systemd(drop)
    yield made
    made.close()


def begun_anew(systemd: Systemd, drop: "subprocess.Popen[str]") -> None:
    """Wish that it begins anew, and wait until another sandbox has been started."""
    before = child_of(drop, "scrub.worker")
    drop.send_signal(signal.SIGHUP)
    while child_of(drop, "scrub.worker") in {before, None}:
        assert drop.poll() is None
        time.sleep(0.01)
    systemd.browser().get("/")


class TestTheSecrets:
    def test_are_read_from_where_they_were_put_and_from_nowhere_else(
        self, systemd: Systemd, wav: Path
    ) -> None:
        shutil.rmtree(systemd.drop.folder / "credentials")

        with systemd.running() as drop:
            assert systemd.send(wav) == ["cleaned"]
            code, said, _ = ended(drop)

        assert code == 0
        assert said == f"listening: fd:{systemd.socket.fileno()}\n"
        assert [each["condition"] for each in systemd.drop.manifests()] == ["cleaned"]


class TestTheSocket:
    def test_keeps_who_comes_while_the_drop_is_started_anew(self, systemd: Systemd) -> None:
        with systemd.running() as drop:
            words = systemd.visit()
            assert ended(drop)[0] == 0

        answered = []
        waiting = threading.Thread(
            target=lambda: answered.append(systemd.browser().get("/codename").html)
        )
        waiting.start()
        with systemd.running() as drop:
            waiting.join(60)
            assert len(answered) == 1
            assert "/codename" in words.get("/").html
            assert ended(drop)[0] == 0

    @pytest.mark.parametrize("kind", ["nothing", "file", "tcp", "datagram"])
    def test_is_refused_when_it_is_none_that_tor_can_reach(self, tmp_path: Path, kind: str) -> None:
        with (
            (tmp_path / "file").open("wb") as file,
            socket.socket() as tcp,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram,
        ):
            handed = {"file": file, "tcp": tcp, "datagram": datagram}.get(kind)
            number = handed.fileno() if handed else 9999

            with pytest.raises(NotFit, match=f"descriptor {number} is no (unix )?socket"):
                asyncio.run(listen(_nobody, tmp_path, Listen(), fd=number))


def _nobody(_circuit: int | None) -> Protocol:
    raise AssertionError


class TestBeginningAnew:
    def test_is_the_same_process_and_nothing_tells_of_it(self, systemd: Systemd, wav: Path) -> None:
        with systemd.running(at_once=True) as drop:
            assert systemd.send(wav) == ["cleaned"]
            began = begun_at(drop)
            begun_anew(systemd, drop)
            begun_anew(systemd, drop)

            assert begun_at(drop) == began
            assert words_of(drop).count("--counted") == 1
            assert systemd.send(wav) == ["cleaned"]
            code, said, logged = ended(drop)

        assert code == 0
        assert said.count("listening") == 1
        assert [line.split()[0] for line in logged.splitlines()] == [
            "event='started'",
            "event='stopped'",
        ]

    def test_forgets_every_visit_and_counts_on(self, systemd: Systemd, wav: Path) -> None:
        with systemd.running(at_once=True) as drop:
            for _ in range(2):
                assert systemd.send(wav) == ["cleaned"]
            before = systemd.visit()
            assert "/send/" in before.get("/send").form
            begun_anew(systemd, drop)
            begun_anew(systemd, drop)
            with pytest.raises(RuntimeError, match="too old"):
                before.get("/send")

            drop.send_signal(signal.SIGUSR1)
            systemd.browser().get("/")
            _, _, logged = ended(drop)

        assert "event='received' condition='cleaned' today='1-9'" in logged

    def test_is_not_for_a_drop_in_a_terminal_that_is_closed(self, drop: Drop) -> None:
        with drop.running() as serving:
            serving.process.send_signal(signal.SIGHUP)

            assert serving.process.wait(60) == -signal.SIGHUP

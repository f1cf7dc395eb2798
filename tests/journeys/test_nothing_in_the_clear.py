"""Every byte that the drop and its children write to any file, watched while recordings go through.

strace follows the whole process tree, so bytes count even when the file has no name and is gone
before anyone could look.
"""

import hashlib
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from drops import Drop, Newsroom, write_wav
from sample import SAMPLE

pytestmark = pytest.mark.xdist_group("watched")

CANARIES = [b"Maria Exampleson", b"canary-message-text", b"canary-file-name", b"Examplephone"]
_WRITE = re.compile(rb"^(?:\d+ +)?p?writev?2?(?:64)?\(\d+<((?:\\x..)*)>[^,]*, (.*)$", re.MULTILINE)
_QUOTED = re.compile(rb'"((?:\\x..)*)"')


class Watched:
    """One drop, what it wrote, and what it said, while good and bad recordings were sent."""

    def __init__(self, folder: Path, drop: Drop) -> None:
        self.drop = drop
        self.home = folder / "home"
        self.temporary = folder / "tmp"
        self.home.mkdir()
        self.temporary.mkdir()
        trace = folder / "trace"
        calls = "write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,splice"
        # Only root may see what the descriptors of a process that nobody may trace stand for.
        as_root = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]
        # -D leaves the drop our own child, so that it is the drop that is told to stop.
        strace = [
            *as_root,
            "strace",
            "-D",
            "-f",
            "-qq",
            "-y",
            "-xx",
            "-s",
            "2000000",
            "-e",
            f"trace={calls}",
        ]
        samples = random.Random(4).randbytes(300_000)
        self.sound = [samples[at : at + 48] for at in range(0, len(samples) - 48, 4800)]
        wav = write_wav(folder / "canary-file-name.wav", samples, secret=b"Maria Exampleson")
        broken = folder / "broken.wav"
        broken.write_bytes(wav.read_bytes()[:40])
        environment = {"HOME": str(self.home), "TMPDIR": str(self.temporary)}
        with drop.running(before=[*strace, "-o", trace], environment=environment) as serving:
            self.results = [
                serving.send(wav, broken, SAMPLE, message="canary-message-text"),
                serving.send(wav, uncleanable="send"),
                serving.send(broken, uncleanable="send"),
            ]
            browser = serving.visit()
            self.codename = browser.get("/codename").texts("ol", "codename")[0]
            self.log = serving.stop()
        self.trace = trace.read_bytes()

    def written(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield path and bytes of every write to a file."""
        for write in _WRITE.finditer(self.trace):
            path = _unescaped(write[1])
            if path.startswith(b"/") and not path.startswith((b"/dev/", b"/proc/")):
                for quoted in _QUOTED.findall(write[2]):
                    yield path, _unescaped(quoted)


def _unescaped(hexadecimal: bytes) -> bytes:
    return bytes.fromhex(hexadecimal.replace(rb"\x", b"").decode())


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, newsroom: Newsroom) -> Watched:
    folder = tmp_path_factory.mktemp("watched")
    return Watched(folder, Drop(folder / "drop", newsroom))


def test_the_watch_sees_what_is_written(watched: Watched) -> None:
    assert [result.became for result in watched.results] == [
        ["written", "cleaned", "malformed", "cleaned"],
        ["cleaned"],
        ["uncleaned"],
    ]
    written = sum(len(block) for path, block in watched.written() if b"/drop/" in path)
    assert written > 2 * 2 * 300_000, "spool and store, for each of two recordings"
    assert any(b"/spool/" in path for path, _ in watched.written())


def test_no_planted_string_is_ever_written(watched: Watched) -> None:
    for path, block in watched.written():
        for canary in CANARIES:
            assert canary not in block, path
            assert canary.decode().encode("utf-16-le") not in block, path


def test_no_piece_of_the_sound_is_ever_written(watched: Watched) -> None:
    for path, block in watched.written():
        for piece in watched.sound:
            assert piece not in block, path


def test_no_codename_is_ever_written(watched: Watched) -> None:
    for path, block in watched.written():
        assert watched.codename.encode() not in block, path


def test_no_file_is_copied_by_the_kernel(watched: Watched) -> None:
    for call in (b"sendfile(", b"copy_file_range(", b"splice("):
        assert call not in watched.trace


def test_home_and_temporary_folders_stay_empty(watched: Watched) -> None:
    assert list(watched.home.rglob("*")) == []
    assert list(watched.temporary.rglob("*")) == []


def test_nothing_on_disk_names_a_digest_of_the_original(watched: Watched) -> None:
    digest = hashlib.sha256(SAMPLE.read_bytes())
    for file in watched.drop.folder.rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            assert digest.digest() not in held
            assert digest.hexdigest().encode() not in held
            assert not any(canary in held for canary in CANARIES)


def test_the_log_is_the_vocabulary_and_says_nothing_while_sources_send(watched: Watched) -> None:
    assert watched.log.splitlines() == ["event='started' newsroom_keys=1", "event='stopped'"]

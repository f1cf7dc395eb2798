"""Real drops for tests: a newsroom's keys, a server process on loopback, what gpg opens."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from form import Browser, Page

BIN = Path(sys.executable).parent
SERVER = BIN / "tapedrop-server"


class Newsroom:
    """A throw-away GNUPGHOME with one key and no passphrase; short, for gpg-agent's sockets."""

    def __init__(
        self, name: str = "Desk <desk@newsroom.example>", *, made: str = "", ends: str = "1y"
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="td-"))
        clock = ["--faked-system-time", made] if made else []
        self.gpg(*clock, "--quick-generate-key", name, "default", "default", ends)
        listed = self.gpg("--with-colons", "--list-keys").decode()
        self.fingerprint = listed.partition("fpr:::::::::")[2].partition(":")[0]
        self.exported = self.gpg("--armor", "--export")

    def gpg(self, *words: str, given: bytes = b"") -> bytes:
        """Run gpg with this home."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--passphrase", ""]
        command += ["--pinentry-mode", "loopback", "--trust-model", "always"]
        done = subprocess.run([*command, *words], input=given, capture_output=True)
        if done.returncode not in (0, 2):
            raise AssertionError(done.stderr.decode())
        return done.stdout

    def opened(self, envelope: Path) -> dict[str, bytes]:
        """Return what is inside an envelope, with nothing but gpg and tar."""
        with tarfile.open(fileobj=io.BytesIO(self.gpg("--decrypt", str(envelope)))) as tar:
            files = {name: tar.extractfile(name) for name in tar.getnames()}
            return {name: file.read() for name, file in files.items() if file is not None}

    def close(self) -> None:
        """End the agent and forget the keys."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False)
        shutil.rmtree(self.home, ignore_errors=True)


def run_server(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one verb of tapedrop-server, to its end."""
    return subprocess.run([SERVER, *words], capture_output=True, text=True, timeout=300)


def by_night(config: Path) -> None:
    """Have a drop do far from now what it does once a day, unless its settings say when."""
    settings = config.read_text()
    hour = (datetime.now(UTC).hour + 12) % 24
    for table, setting in (("keeping", "sweep_at_hour_utc"), ("logs", "tell_at_hour_utc")):
        if not re.search(rf"^{setting}", settings, re.MULTILINE):
            head = f"\n[{table}]\n"
            settings = settings if head in f"\n{settings}" else f"{settings}{head}"
            before, _, after = f"\n{settings}".partition(head)
            settings = f"{before}{head}{setting} = {hour}\n{after}".removeprefix("\n")
    config.write_text(settings)


class Drop:
    """One drop in a folder; `running` serves it in a process of its own."""

    def __init__(self, folder: Path, newsroom: Newsroom, *, settings: str = "") -> None:
        self.folder = folder
        self.newsroom = newsroom
        self.config = folder / "tapedrop.toml"
        assert run_server("init", folder).returncode == 0
        self.configure(settings)
        assert self.add_key(newsroom).returncode == 0

    @classmethod
    def copied(cls, other: "Drop", folder: Path) -> "Drop":
        """Return another drop's twin, with its secrets: quicker made than one of its own."""
        shutil.copytree(other.folder, folder)
        return cls.at(folder, other.newsroom)

    @classmethod
    def at(cls, folder: Path, newsroom: Newsroom) -> "Drop":
        """Return the drop that is in `folder` already."""
        drop = cls.__new__(cls)
        drop.folder, drop.newsroom, drop.config = folder, newsroom, folder / "tapedrop.toml"
        return drop

    def configure(self, settings: str) -> None:
        """Write the configuration anew: loopback, and these settings."""
        self.config.write_text(f'{settings}\n[listen]\ntcp = "127.0.0.1:0"\n')

    def add_key(self, *keys: Newsroom) -> subprocess.CompletedProcess[str]:
        """Add newsroom keys, all in one file, by the command."""
        return self.add_exported(
            b"".join(key.exported for key in keys), *(key.fingerprint for key in keys)
        )

    def add_exported(
        self, exported: bytes, *fingerprints: str, staff: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Add what somebody exported, saying these fingerprints."""
        file = self.folder.parent / f"{self.folder.name}.asc"
        file.write_bytes(exported)
        said = [word for each in fingerprints for word in ("--fingerprint", each)]
        where = ["--staff"] if staff else []
        return run_server("keys", "add", file, *said, *where, "--config", self.config)

    @contextmanager
    def running(
        self, *, before: Sequence[str | Path] = (), environment: dict[str, str] | None = None
    ) -> Iterator["Serving"]:
        """Serve; SIGTERM ends it. `before` are words in front of the command (strace, unshare)."""
        by_night(self.config)
        command = [*before, SERVER, "serve", "--config", self.config, "--json"]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | (environment or {}),
        ) as process:
            serving = Serving(self, process)
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                if not line:
                    raise AssertionError(serving.stop())
                serving.address = json.loads(line)["listening"]
                yield serving
            finally:
                serving.stop()

    def envelopes(self) -> list[Path]:
        """Return the sealed drops in the store."""
        store = self.folder / "store"
        return sorted([*store.glob("drops/*"), *store.glob("rested/*")])

    def manifests(self, envelopes: Iterable[Path] | None = None) -> list[dict[str, Any]]:
        """Return the manifest in each envelope, opened with gpg and tar; of all, unless told."""
        listed = self.envelopes() if envelopes is None else envelopes
        opened = (self.newsroom.opened(envelope) for envelope in listed)
        return [json.loads(inside["manifest.json"]) for inside in opened]


class Serving:
    """A running drop."""

    def __init__(self, drop: Drop, process: subprocess.Popen[str]) -> None:
        self.drop = drop
        self.process = process
        self.address = ""
        self.log: str | None = None

    def visit(self) -> Browser:
        """Begin a visit, as far as the codename."""
        browser = Browser(self.address)
        browser.get("/")
        browser.get("/codename")
        return browser

    def send(self, *recordings: Path, message: str = "", uncleanable: str = "refuse") -> "Result":
        """Send a form in a visit of its own."""
        browser = self.visit()
        form = browser.get("/send")
        fields = {"uncleanable": uncleanable, "message": message}
        return Result(browser.post(form.form, form.fields | fields, list(recordings)))

    def wait_for(self, seen: Callable[[], object]) -> None:
        """Ask for pages until `seen` says that what is waited for has happened."""
        deadline = time.monotonic() + 60
        while not seen():
            assert time.monotonic() < deadline, "it never happened"
            Browser(self.address).get("/")

    def stop(self) -> str:
        """End it with SIGTERM; return everything that it logged."""
        if self.log is None:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            try:
                self.log = self.process.communicate(timeout=60)[1]
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        return self.log

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.log = self.process.communicate()[1]


class Result:
    """The page that says what became of each thing."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.became = [word.partition('"')[0] for word in page.html.split('data-became="')[1:]]


def small_disk_at(folder: Path, size: str) -> list[str | Path]:
    """Return words that give a command a disk of its own at `folder`, as small as `size`."""
    script = f'mount -t tmpfs -o size={size},mode=700 tmpfs "$0" && exec "$@"'
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *as_root, "--mount", "sh", "-c", script, folder]


def write_wav(path: Path, samples: bytes = b"", *, secret: bytes = b"") -> Path:
    """Write a small mono WAV; `secret` goes into an INFO chunk."""
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, 16_000, 0, "NONE", ""))
        wav.writeframes(samples or bytes(range(256)) * 64)
    if secret:
        item = b"IART" + len(secret).to_bytes(4, "little") + secret + bytes(len(secret) % 2)
        info = b"LIST" + (len(item) + 4).to_bytes(4, "little") + b"INFO" + item
        wav_bytes = path.read_bytes() + info
        path.write_bytes(wav_bytes[:4] + (len(wav_bytes) - 8).to_bytes(4, "little") + wav_bytes[8:])
    return path

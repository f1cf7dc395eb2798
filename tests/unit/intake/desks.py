"""People with real gpg keys, as much of a server as a desk ever sees, and a desk to talk to."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.bag import Bag, Kind, tag_files
from crypto.codename import SourceKeys
from crypto.envelope import seal
from crypto.gpg import Gpg
from crypto.manifest import Condition, Manifest, RemovedValue, Source
from crypto.newsroom import Newsroom, add_keys, read_newsroom
from crypto.reply import public_key_of

CANARY = b"CANARY-of-the-recording-" * 40
SOURCE = SourceKeys(bytes(range(16)), bytes(32), bytes(range(32)), "ozone fiber")


SEALED: dict[Hashable, bytes] = {}


@dataclass(frozen=True)
class Person:
    """Someone with a GNUPGHOME of their own and one key without a passphrase."""

    home: Path
    fingerprint: str


@dataclass
class Server:
    """As much of the drop as the desk ever sees: it seals, and it signs bags.

    Sealing takes longest: what was sealed for an earlier test, as the same of as many by the same
    server, is brought again.
    """

    home: Path
    key: Ed25519PrivateKey
    sealed: dict[str, bytes] = field(default_factory=dict)
    times: int = 0
    """How often it sealed, so that nothing is ever the same envelope as another of its own."""

    @property
    def gpg(self) -> Gpg:
        return self._read()[0]

    @property
    def newsroom(self) -> Newsroom:
        return self._read()[1]

    def _read(self) -> tuple[Gpg, Newsroom]:
        (ring,) = self.home.glob("pubring.???")
        return read_once(self.home, ring.stat().st_mtime_ns)

    def receive(self, content: bytes = CANARY, newsroom: Newsroom | None = None) -> str:
        """Seal a recording as the drop does; return the envelope's name."""
        return self.hold(self.seal(content, manifest(len(content)), newsroom))

    def message(self, text: str) -> str:
        """Seal a message as the drop does; return the envelope's name."""
        content = text.encode()
        said = replace(
            manifest(len(content)),
            name="message.txt",
            format="text",
            condition=Condition.WRITTEN,
            removed={},
            values=(),
        )
        return self.hold(self.seal(content, said))

    def seal(self, content: bytes, said: Manifest, newsroom: Newsroom | None = None) -> bytes:
        """Return an envelope with this content and manifest."""
        self.times += 1
        newsroom = newsroom or self.newsroom
        by = self.key.public_key().public_bytes_raw()
        day = datetime.now(UTC).date()
        at = (self.home, by, self.times, newsroom, sha256(content).digest(), repr(said), day)
        if at in SEALED:
            return SEALED[at]
        envelope = bytearray()
        seal([content], said, newsroom=newsroom, gpg=self.gpg, day=day,
             sink=envelope.extend, limit_seconds=60)  # fmt: skip
        if len(envelope) < 1 << 20:
            SEALED[at] = bytes(envelope)
        return bytes(envelope)

    def hold(self, envelope: bytes) -> str:
        name = f"{len(self.sealed):032x}.gpg"
        self.sealed[name] = envelope
        return name

    def export(
        self, stick: Path, *, key: Ed25519PrivateKey | None = None, kind: Kind = Kind.DROPS
    ) -> Path:
        """Write all that is held as a signed bag on the stick; return the bag's folder."""
        digests = {f"data/{name}": sha256(held).digest() for name, held in self.sealed.items()}
        bag = Bag(kind, date(2026, 11, 20), self.newsroom.fingerprints, digests)
        return self.write(stick, tag_files(bag, key or self.key))

    def write(self, stick: Path, lists: Mapping[str, bytes]) -> Path:
        bags = stick / "TAPEDROP"
        bags.mkdir(parents=True, exist_ok=True)
        folder = bags / f"{len(list(bags.iterdir())):032x}"
        (folder / "data").mkdir(parents=True)
        for name, content in lists.items():
            (folder / name).write_bytes(content)
        for name, held in self.sealed.items():
            (folder / "data" / name).write_bytes(held)
        return folder

    def pairing(self, path: Path) -> Path:
        said = {
            "version": 1,
            "kind": "tapedrop server 1",
            "export_key": self.key.public_key().public_bytes_raw().hex(),
            "newsroom": list(self.newsroom.fingerprints),
        }
        path.write_text(json.dumps(said))
        return path


@dataclass(frozen=True)
class Answer:
    """What a verb printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class DeskAt:
    """A desk in a folder, and the way to tell it something."""

    folder: Path
    tell: Callable[..., Answer]

    def __call__(self, *arguments: object) -> Answer:
        return self.tell("--desk", self.folder, *arguments)

    def files(self, subfolder: str) -> list[Path]:
        return sorted((self.folder / subfolder).iterdir())

    def holds(self, needle: bytes) -> bool:
        """Say whether any file below the desk holds these bytes in the clear."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return any(needle in path.read_bytes() for path in files)


Ready = Callable[[Callable[[DeskAt], None]], DeskAt]
"""Prepare a desk, or have it as it was prepared for an earlier test."""


def manifest(size: int) -> Manifest:
    return Manifest(
        name="recording.wav",
        size=size,
        condition=Condition.CLEANED,
        format="WAV",
        day="",
        source=Source(
            SOURCE.pseudonym, SOURCE.mailbox_id.hex(), public_key_of(SOURCE.reply_seed).hex()
        ),
        newsroom_digest="",
        recipients=0,
        removed={"location": 1, "device": 2},
        remains={"codec_data": 1},
        values=(
            RemovedValue("location", "TXXX:GPS", "52.5 N"),
            RemovedValue("device", "TXXX:model", "Dicta\u200bphone"),
        ),
    )


def new_person(name: str, passphrase: str = "") -> Iterator[Person]:
    """Give a person with a new key; what they leave is tidied away afterwards."""
    # A socket's path is at most 108 bytes, so not below pytest's own folders.
    home = Path(tempfile.mkdtemp(prefix="td-", dir="/tmp"))
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    make = ["--pinentry-mode", "loopback", "--passphrase", passphrase]
    make += ["--quick-generate-key", name, "future-default", "default", "never"]
    subprocess.run([*gpg, *make], check=True, capture_output=True)
    listed = subprocess.run(
        [*gpg, "-K", "--with-colons"], check=True, capture_output=True, text=True
    )
    line = next(line for line in listed.stdout.splitlines() if line.startswith("fpr"))
    try:
        yield Person(home, line.split(":")[9])
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
        shutil.rmtree(home, ignore_errors=True)


@cache
def read_once(home: Path, changed_ns: int) -> tuple[Gpg, Newsroom]:
    """Return gpg for a home and its newsroom, as they are until its keyring has changed."""
    gpg = Gpg(home)
    return gpg, read_newsroom(gpg, now=datetime.now(UTC))


def public_home(path: Path, people: Sequence[Person]) -> Path:
    """Make a GNUPGHOME with these people's public keys."""
    path.mkdir(mode=0o700)
    for person in people:
        command = ["gpg", "--homedir", str(person.home), "--export", person.fingerprint]
        exported = subprocess.run(command, check=True, capture_output=True).stdout
        add_keys(Gpg(path), exported, now=datetime.now(UTC))
    return path


def listing(lists: Mapping[str, bytes], key: Ed25519PrivateKey, line: str) -> dict[str, bytes]:
    """Return lists whose manifest says `line` too, and that are signed all the same."""
    altered = dict(lists)
    altered["manifest-sha256.txt"] += line.encode() + b"\n"
    names = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")
    lines = [f"{sha256(altered[name]).hexdigest()}  {name}\n" for name in names]
    altered["tagmanifest-sha256.txt"] = "".join(lines).encode()
    signed = key.sign(b"tapedrop bag 1\x00" + altered["tagmanifest-sha256.txt"])
    altered["tagmanifest-sha256.txt.ed25519"] = signed.hex().encode() + b"\n"
    return altered


def flipped(content: bytes, place: int) -> bytes:
    """Return `content` with one bit of one byte changed."""
    altered = bytearray(content)
    altered[place] ^= 1
    return bytes(altered)


def snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return what would tell that a file below `folder` was written: inode, size, time."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_size,
                                        path.stat().st_mtime_ns)
        for path in folder.rglob("*")
    }  # fmt: skip

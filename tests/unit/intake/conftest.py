"""A newsroom of two reporters, a server that exports to them, and desks made by `init`."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from desks import Answer, DeskAt, Person, Ready, Server, new_person, public_home

from crypto.gpg import Gpg
from intake.cli import desk as cli_desk
from intake.cli import run
from intake.errors import KeyringRefused
from intake.layout import Layout
from intake.scrubbing import OPENER, Scrubber
from intake.unlocking import lock
from intake.vault import Vault
from scrub import Zygote

WITH_IT: dict[Path, Server] = {}
"""What the server was when a desk on the shelf had been prepared."""


@pytest.fixture(scope="session")
def reporter() -> Iterator[Person]:
    yield from new_person("reporter")


@pytest.fixture(scope="session")
def colleague() -> Iterator[Person]:
    yield from new_person("colleague")


@pytest.fixture(scope="session")
def stranger() -> Iterator[Person]:
    yield from new_person("stranger")


@pytest.fixture(scope="session")
def newsroom_home(reporter: Person, colleague: Person) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="td-", dir="/tmp"))
    yield public_home(folder / "n", [reporter, colleague])
    shutil.rmtree(folder)


@pytest.fixture(scope="session", autouse=True)
def one_sandbox() -> Iterator[None]:
    """Have every verb of these tests share one sandbox: it takes longest to start."""
    with Zygote.start(OPENER) as zygote, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scrubber, "_started", lambda _self: zygote)
        yield


@pytest.fixture(scope="session")
def export_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def server(newsroom_home: Path, export_key: Ed25519PrivateKey) -> Server:
    return Server(newsroom_home, export_key)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Callable[..., Answer]]:
    """Run a verb as the command line would."""

    def told(*arguments: object) -> Answer:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Answer(code, *capsys.readouterr())

    yield told
    # Desks that are copies have one key: none finds it remembered from another's test.
    with suppress(KeyringRefused):
        for key in tmp_path.glob("*/desk.key"):
            lock(Layout(key.parent))


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where desks lie that are ready to be copied, because making one takes a while."""
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture
def make_desk(
    tell: Callable[..., Answer], server: Server, shelf: Path, tmp_path: Path
) -> Callable[..., DeskAt]:
    """Make desks by `init`; one that was made for an earlier test comes as a copy."""

    def make(person: Person, name: str = "desk", *more: str) -> DeskAt:
        pairing = server.pairing(tmp_path / f"{name}-server.json")
        known = repr((pairing.read_bytes(), person, name, more)).encode()
        before = shelf / sha256(known).hexdigest()
        if before.exists():
            shutil.copytree(before, tmp_path / name)
            return DeskAt(tmp_path / name, tell)
        made = tell(
            "init", tmp_path / name, "--server", pairing, "--key", person.fingerprint,
            "--gnupg", person.home, *words(pairing), *more,
        )  # fmt: skip
        assert made.code == 0, made.err
        shutil.copytree(tmp_path / name, before)
        return DeskAt(tmp_path / name, tell)

    return make


@pytest.fixture
def ready(
    shelf: Path, make_desk: Callable[..., DeskAt], reporter: Person, server: Server, tmp_path: Path
) -> Ready:
    """Prepare a desk by what is given; for a later test, copy all that then lay around it.

    The server then has sealed what it had sealed.
    """

    def once(prepare: Callable[[DeskAt], None]) -> DeskAt:
        desk = make_desk(reporter)
        before = shelf / f"{prepare.__module__}.{prepare.__qualname__}"
        if before.exists():
            shutil.rmtree(desk.folder)
            shutil.copytree(before, tmp_path, symlinks=True, dirs_exist_ok=True)
            then = WITH_IT[before]
            server.sealed, server.times = dict(then.sealed), then.times
            return desk
        prepare(desk)
        shutil.copytree(tmp_path, before, symlinks=True)
        WITH_IT[before] = replace(server, sealed=dict(server.sealed))
        return desk

    return once


@pytest.fixture
def desk(make_desk: Callable[..., DeskAt], reporter: Person) -> DeskAt:
    return make_desk(reporter)


@pytest.fixture(scope="session")
def vaults() -> dict[tuple[bytes, Path], Vault]:
    """Every vault that was opened, by its sealed key and the home of the key that opens it."""
    return {}


@pytest.fixture
def opened_once(vaults: dict[tuple[bytes, Path], Vault], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have gpg open each vault once, and not for each of the many verbs of a test."""
    by_gpg = cli_desk.unlock

    def unlock(sealed: bytes, *, gpg: Gpg, fingerprint: str) -> Vault:
        if (sealed, gpg.home) not in vaults:
            vaults[sealed, gpg.home] = by_gpg(sealed, gpg=gpg, fingerprint=fingerprint)
        return vaults[sealed, gpg.home]

    monkeypatch.setattr(cli_desk, "unlock", unlock)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return tmp_path / "stick"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk for backups."""
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


@pytest.fixture
def busy(ready: Ready, server: Server, stick: Path) -> DeskAt:
    """A desk with a recording that was opened, and a message that wasn't; they lie on `stick`."""

    def prepare(desk: DeskAt) -> None:
        server.receive()
        assert desk("import", server.export(stick)).code == 0
        assert desk("open", "drop-0001").code == 0
        server.message("a phrase that nobody else has written")
        assert desk("import", server.export(stick)).code == 0
        assert [row["status"] for row in desk("list", "--json").json] == ["opened", "stored"]

    return ready(prepare)

"""A newsroom of two reporters, a server that exports to them, and desks made by `init`."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from desk import words
from desks import Answer, DeskAt, Person, Server, new_person, public_home

from intake.cli import run


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


@pytest.fixture
def server(newsroom_home: Path) -> Server:
    return Server(newsroom_home, Ed25519PrivateKey.generate())


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a verb as the command line would."""

    def told(*arguments: object) -> Answer:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Answer(code, *capsys.readouterr())

    return told


@pytest.fixture
def make_desk(tell: Callable[..., Answer], server: Server, tmp_path: Path) -> Callable[..., DeskAt]:
    def make(person: Person, name: str = "desk", *more: str) -> DeskAt:
        pairing = server.pairing(tmp_path / f"{name}-server.json")
        made = tell(
            "init", tmp_path / name, "--server", pairing, "--key", person.fingerprint,
            "--gnupg", person.home, *words(pairing), *more,
        )  # fmt: skip
        assert made.code == 0, made.err
        return DeskAt(tmp_path / name, tell)

    return make


@pytest.fixture
def desk(make_desk: Callable[..., DeskAt], reporter: Person) -> DeskAt:
    return make_desk(reporter)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return tmp_path / "stick"

"""What tests of every layer share: a newsroom's keys, a drop, a recording."""

import compileall
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.nodeid import NodeId
from drops import Drop, Newsroom, Serving, write_wav
from engines import Engine, Swift
from engines.ceph import Ceph
from hypothesis import settings
from hypothesis.internal.conjecture import providers

# The same examples each time, and no deadline: these machines are shared. Without this, Hypothesis
# would try the constants in whatever modules of ours happen to be loaded, and draw anew with each.
setattr(providers, "is_local_module_file", lambda _path: False)  # noqa: B010  no part of its API
settings.register_profile("tapedrop", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("tapedrop")


def pytest_configure(config: pytest.Config) -> None:
    """Have signals end what we start, and our code compiled before hundreds of processes do so.

    Sandboxes never keep what they compiled, nor does Python where PYTHONDONTWRITEBYTECODE is set.
    """
    if not hasattr(config, "workerinput"):  # xdist's workers come later
        # A shell has what runs out of the way ignore Ctrl-C, nohup has it ignore a terminal that is
        # closed; and what is started inherits that. It doesn't inherit handlers.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            signal.signal(signal.SIGHUP, lambda _number, _frame: None)
        for package in ("crypto", "scrub", "server", "intake"):
            compileall.compile_dir(Path(__file__).parents[1] / package, quiet=2)


def pytest_runtest_setup() -> None:
    """Begin no test in the last minute of a day: it would end on another."""
    left = 86_400 - time.time() % 86_400
    if left < 60:
        time.sleep(left)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name each test's group in its id: by that xdist keeps a group in one process.

    xdist 3.8 does so itself, but in a place where pytest 9.2 looks no more.
    """
    for item in items if config.getoption("loadgroup", False) else ():
        if mark := item.get_closest_marker("xdist_group"):
            item._id = NodeId.parse(f"{item.nodeid}@{mark.args[0]}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests over S3 run against another engine, and journeys in other browsers."""
    which = "swift, ceph, or PORT,ACCESS_KEY,SECRET_KEY of one on 127.0.0.1 that takes small parts"
    parser.addoption("--engine", default="swift", help=which)
    parser.addoption("--browsers", default="firefox", help="firefox, chromium, or both")


@pytest.fixture(scope="session")
def newsroom() -> Iterator[Newsroom]:
    """One key, made once for each test process."""
    made = Newsroom()
    yield made
    made.close()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, newsroom: Newsroom) -> Drop:
    """A drop that seals to the newsroom, and is only ever copied."""
    return Drop(tmp_path_factory.mktemp("prepared") / "drop", newsroom)


@pytest.fixture
def drop(tmp_path: Path, prepared: Drop) -> Drop:
    """A drop that seals to the newsroom; not running yet."""
    return Drop.copied(prepared, tmp_path / "drop")


@pytest.fixture
def serving(drop: Drop) -> Iterator[Serving]:
    """The same, running."""
    with drop.running() as running:
        yield running


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, prepared: Drop) -> Iterator[Serving]:
    """A running drop for tests that don't mind what others have sent, and stop nothing."""
    with Drop.copied(prepared, tmp_path_factory.mktemp("shared") / "drop").running() as running:
        yield running


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A real S3-compatible engine, for tests in the group `engine`: one process runs them all."""
    asked_for = request.config.getoption("engine")
    if "," in asked_for:
        port, access_key, secret_key = asked_for.split(",")
        yield Engine(int(port), access_key, secret_key)
        return
    running = Ceph() if asked_for == "ceph" else Swift()
    yield running.engine
    running.close()


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """A small clean recording."""
    return write_wav(tmp_path / "recording.wav")

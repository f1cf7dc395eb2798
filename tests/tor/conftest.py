"""One network for all tests, a drop as it is installed, and a source's tor."""

from collections.abc import Iterator
from socket import AF_UNIX, socket

import pytest
from browsers.outside import Outside
from drops import Drop
from tornet import Tor, TorNet

from .crowd import Crowd
from .installed import Installed
from .world import World


@pytest.fixture(scope="session")
def net() -> Iterator[TorNet]:
    """The network: ten processes in all, on loopback."""
    with TorNet() as net:
        yield net


@pytest.fixture(scope="session")
def source(net: TorNet) -> Tor:
    """The tor of somebody who comes to onions."""
    return net.client("source")


@pytest.fixture(scope="session")
def installed(net: TorNet) -> Installed:
    """tor, as it is installed; it runs."""
    installed = Installed(net, "installed")
    installed.start()
    return installed


@pytest.fixture(scope="session")
def crowded(net: TorNet, installed: Installed) -> Iterator[Installed]:
    """The same again, but that it lets one in a second; whoever comes is never answered."""
    queue = "HiddenServicePoWQueue"
    changes = ((f"{queue}Rate 250", f"{queue}Rate 1"), (f"{queue}Burst 2500", f"{queue}Burst 1"))
    crowded = Installed(net, "crowded", changes=changes)
    with socket(AF_UNIX) as silent:
        silent.bind(str(crowded.socket))
        silent.listen(1000)
        crowded.start()
        yield crowded


@pytest.fixture(scope="session", autouse=True)
def crowd(net: TorNet, crowded: Installed) -> Iterator[Crowd]:
    """It comes five minutes after the first test began, whichever runs then."""
    crowd = Crowd(crowded, net.client("crowd"))
    yield crowd
    crowd.close()


@pytest.fixture(scope="session")
def behind(installed: Installed, prepared: Drop, tmp_path_factory: pytest.TempPathFactory) -> Drop:
    """The drop to which that tor leads; not running yet."""
    drop = Drop.copied(prepared, tmp_path_factory.mktemp("behind") / "drop")
    installed.configure(drop)
    return drop


@pytest.fixture(scope="session")
def world(installed: Installed, behind: Drop, source: Tor) -> Iterator[World]:
    """The drop serves, and its front page has come through tor once."""
    with World(installed, behind, source) as world:
        world.visit()
        yield world


@pytest.fixture
def outside() -> Iterator[Outside]:
    """Where everything ends that a browser asks of another machine than an onion."""
    outside = Outside()
    yield outside
    outside.close()

"""Journeys in a browser, which is started once and forgets everything between.

`--browsers` says in which: Firefox, which Tor Browser is made of, unless told.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsers.chromium import Chromium
from browsers.firefox import Firefox
from browsers.outside import Outside
from browsers.tab import Browser, Tab
from drops import Serving, write_wav
from gate import Gate

_BROWSERS: dict[str, Callable[[Outside], Browser]] = {"chromium": Chromium, "firefox": Firefox}


@pytest.fixture(scope="session")
def outsides() -> Iterator[dict[str, Outside]]:
    """Where everything ends that a browser asks of another machine; one for each browser."""
    outsides = {name: Outside() for name in _BROWSERS}
    yield outsides
    for outside in outsides.values():
        outside.close()


@pytest.fixture(scope="session")
def started() -> Iterator[dict[str, Browser]]:
    """The browsers that run by now in this test process."""
    started: dict[str, Browser] = {}
    yield started
    for browser in started.values():
        browser.close()


@pytest.fixture(scope="session")
def running(started: dict[str, Browser], outsides: dict[str, Outside]) -> Callable[[str], Browser]:
    """Return the browser of a name, started when it is first asked for."""

    def running(name: str) -> Browser:
        if name not in started:
            started[name] = _BROWSERS[name](outsides[name])
        return started[name]

    return running


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make each journey in every browser that was asked for."""
    if "browser" in metafunc.fixturenames:
        names = metafunc.config.getoption("browsers").split()
        metafunc.parametrize("browser", names, indirect=True)


@pytest.fixture
def browser(request: pytest.FixtureRequest, running: Callable[[str], Browser]) -> Browser:
    """A browser; `fresh` makes it a new one."""
    return running(request.param)


@pytest.fixture
def chromium(running: Callable[[str], Browser]) -> Browser:
    """Chromium, for what only it can do: let axe look at a page."""
    return running("chromium")


@pytest.fixture
def outside(browser: Browser, outsides: dict[str, Outside]) -> Outside:
    """What this browser asks of other machines in one test."""
    outside = outsides[browser.name]
    outside.forget()
    return outside


@pytest.fixture
def tab(browser: Browser, serving: Serving) -> Tab:
    """A tab at the drop's address, with nothing opened yet."""
    return browser.fresh(serving.address)


@pytest.fixture
def gate(shared: Serving) -> Iterator[Gate]:
    """A gate in front of the shared drop; shut."""
    with Gate(shared.address) as gate:
        yield gate


@pytest.fixture
def far(browser: Browser, gate: Gate) -> Tab:
    """A tab that reaches the shared drop through the gate, with nothing opened yet."""
    return browser.fresh(gate.address)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of 6 MB: larger than anything that browser and drop hold back on the way."""
    return write_wav(tmp_path_factory.mktemp("large") / "large.wav", bytes(range(256)) * 24_000)

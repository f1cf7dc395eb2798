"""What the fault tests share: stores of either kind, and figures that are printed at the end."""

from collections.abc import Callable

import pytest
from _pytest.terminal import TerminalReporter
from drops import Drop
from engines import Engine, as_toml

Note = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take how often each drop is killed."""
    parser.addoption("--kills", type=int, default=50)


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How often each drop is killed; there are six for each kind of store."""
    return int(request.config.getoption("--kills"))


@pytest.fixture(params=["folder", "s3"])
def stored(request: pytest.FixtureRequest, drop: Drop) -> str:
    """A drop that keeps its objects in one of the stores; yields the settings that say so."""
    settings = ""
    if request.param == "s3":
        engine: Engine = request.getfixturevalue("engine")
        settings = as_toml(engine.bucket(drop.folder))
    drop.configure(settings)
    return settings


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Take figures, by name, for the end."""

    def take(**figures: object) -> None:
        for name, value in figures.items():
            record_property(name, str(value))  # it may have to leave the process

    return take


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print each test's figures."""
    terminalreporter.section("figures")
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if report.user_properties:
            figures = (
                f"{name.replace('_', ' ')} {value}" for name, value in report.user_properties
            )
            terminalreporter.write_line(f"{report.nodeid.partition('::')[2]}: {', '.join(figures)}")

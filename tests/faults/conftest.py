"""What the fault tests share: engines to store with, and figures that are printed at the end."""

from collections.abc import Callable, Iterator

import pytest
from _pytest.terminal import TerminalReporter

Note = Callable[..., None]


@pytest.fixture(params=["local"])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Settings that make a drop use one of the engines."""
    if request.param == "local":
        yield ""


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Take figures, by name, for the end."""

    def take(**figures: object) -> None:
        for name, value in figures.items():
            record_property(name, value)

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

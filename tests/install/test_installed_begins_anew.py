"""An installed drop is wished to begin anew: systemd sees nothing of it, nor does any journal."""

import json
import re
from collections.abc import Iterator

import pytest

from install.installed import CURRENT, DROP, Installed

HURRIED = "QUIET_SECONDS, WITHIN_SECONDS = 0.0, 0.5\n"


@pytest.fixture
def hurried(installed: Installed) -> Iterator[Installed]:
    """The same drop, for which an hour is over at once."""
    machine = installed.machine
    found = machine.must("find", "-L", f"{CURRENT}/lib", "-name", "anew.py", "-path", "*server*")
    code = {path: machine.at(path).read_text() for path in found.split()}
    for path, text in code.items():
        assert "_MOMENTS: Final" in text
        machine.at(path).write_text(re.sub(r"(?m)^(?=_MOMENTS: Final)", HURRIED, text, count=1))
    machine.must("systemctl", "restart", "tapedrop.service")
    installed.wait_until_served()
    yield installed
    for path, text in code.items():
        machine.at(path).write_text(text)
    machine.must("systemctl", "restart", "tapedrop.service")
    installed.wait_until_served()


def checked(installed: Installed) -> dict[str, dict[str, str]]:
    """Return each check's last line, but that through tor: there is no network here to ask by."""
    machine, settings = installed.machine, f"{DROP}/without-onion.toml"
    machine.must("cp", "--preserve", f"{DROP}/tapedrop.toml", settings)
    machine.must("sed", "--in-place", 's/^onion = .*/onion = ""/', settings, user="tapedrop")
    done = installed.verb("check", "--json", "--config", settings)
    machine.must("rm", settings)
    return {each["name"]: each for each in json.loads(done.stdout)["checks"]}


class TestTheNight:
    def test_begins_the_drop_anew_in_its_fences_and_no_journal_has_a_line_of_it(
        self, hurried: Installed
    ) -> None:
        machine = hurried.machine
        facts = ("MainPID", "NRestarts", "ActiveEnterTimestampMonotonic")
        before, process = machine.unit("tapedrop.service", *facts), hurried.main_process()
        lines = [line for line in machine.journal().splitlines() if "restart" not in line]

        machine.must("systemctl", "start", "tapedrop-restart.service")
        command = machine.at(f"/proc/{process}/cmdline")
        machine.wait_for(lambda: b"--counted" in command.read_bytes(), "it begins anew")
        hurried.wait_until_served()

        assert machine.unit("tapedrop.service", *facts) == before
        after = [line for line in machine.journal().splitlines() if "restart" not in line]
        assert after == lines
        assert machine.must("cat", f"/proc/{process}/status").count("Seccomp:\t2") == 1
        check = checked(hurried)
        assert check["service"]["verdict"] == "ok", check["service"]
        assert check["listening"]["verdict"] == "ok", check["listening"]
        assert check["configuration"]["verdict"] == "ok", check["configuration"]

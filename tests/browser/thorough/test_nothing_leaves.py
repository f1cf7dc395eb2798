"""What the browsers of our tests tell the kernel to connect to: loopback, and nothing else."""

import re
from contextlib import closing
from pathlib import Path

import pytest
from browsers.chromium import Chromium
from browsers.firefox import Firefox
from browsers.outside import Outside
from browsers.tab import Browser
from drops import Serving

_FAR_END = re.compile(r'(?:sin_addr=inet_addr\("|inet_pton\(AF_INET6, ")([0-9a-fA-F.:]+)')


def traced(name: str, outside: Outside, folder: Path) -> Browser:
    """Return a browser under strace, which writes down every call that names a far end."""
    written = str(folder / "calls")
    watched = "trace=connect,sendto,sendmsg,sendmmsg"
    strace = ("strace", "-f", "-qq", "-yy", "-e", watched, "-e", "signal=none", "-o", written)
    if name == "firefox":
        return Firefox(outside, before=strace)
    program = folder / "chromium"
    program.write_text(f'#!/bin/sh\nexec {" ".join(strace)} /usr/bin/chromium "$@"\n')
    program.chmod(0o755)
    return Chromium(outside, program=str(program))


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_a_browser_of_ours_sends_nothing_past_loopback(
    name: str, serving: Serving, tmp_path: Path
) -> None:
    with closing(Outside()) as outside, closing(traced(name, outside, tmp_path)) as browser:
        tab = browser.fresh(serving.address)
        tab.open("/codename")
        tab.open("/send")

    calls = (tmp_path / "calls").read_text().splitlines()
    # To connect a UDP socket sends nothing: Chromium asks the kernel that way what routes it has.
    connected = [call for call in calls if re.search(r"connect\(\d+<TCP", call)]
    ends = {found[1] for call in connected if (found := _FAR_END.search(call))}
    assert ends == {"127.0.0.1"}
    assert [call for call in calls if re.search(r"send\w+\(\d+<UDP", call)] == []

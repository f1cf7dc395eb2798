"""What a reporter's terminal shows: one line of progress that goes again, tables that fit it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from functools import cache
from pathlib import Path

import pytest
from desks import DeskAt, Server
from hypothesis import given
from hypothesis import strategies as st

from intake.cli.tables import fitted, folded, table
from intake.cli.terminal import cut, width
from intake.views.rows import HEAD

ROOT = Path(__file__).parents[3]
WORK = """
import sys
sys.path.insert(0, {root!r})
from intake.arriving.pace import Step
from intake.cli.talk import Progress, note, print_table
with Progress("importing 6d1f0c2e") as progress, Progress("reading back") as other:
    for passed in range(0, 51, 10):
        progress(Step(passed * 10**9, 50 * 10**9, passed * 10, 500))
    note("warning: drop-0003 is damaged")
    progress(Step(50 * 10**9, 50 * 10**9, 500, 500))
    other(Step(1, 1))
print_table(("id", "what", "status"), [("drop-0001", "a recording of many words " * 3, "(ALARM)")])
"""


@cache
def on_terminal(columns: int, **environment: str) -> str:
    """Run WORK on a terminal so wide; return every byte that it wrote there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", WORK.format(root=str(ROOT))],
        stdin=theirs, stdout=theirs, stderr=theirs,
        env={"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8", **environment},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # nobody has the other end any more
            break
        if not block:
            break
        written += block
    os.close(ours)
    assert process.wait() == 0, written
    return written.decode()


def screen(written: str, columns: int) -> list[str]:
    """Return what stands on the terminal in the end."""
    lines, at = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]", written):
        if part == "\n":
            lines.append("")
            at = 0
        elif part == "\r":
            at = 0
        elif part == "\x1b[K":
            lines[-1] = lines[-1][:at]
        elif not part.startswith("\x1b"):
            if at == columns:
                lines.append("")
                at = 0
            lines[-1] = lines[-1][:at] + part + lines[-1][at + 1 :]
            at += 1
    return [line.rstrip() for line in lines if line.strip()]


class TestProgress:
    @pytest.mark.parametrize("columns", [40, 100])
    def test_no_line_of_it_stays(self, columns: int) -> None:
        written = on_terminal(columns)
        shown = screen(written, columns)
        assert "50.0 GB" in written or columns == 40
        assert shown[0] == "tapedrop-intake: warning: drop-0003 is damaged"[:columns]
        assert not any("importing" in line or "reading" in line for line in shown)

    def test_it_says_how_much_how_many_and_shows_a_bar(self) -> None:
        assert "0 B of 50.0 GB, drop 0 of 500 ─" in on_terminal(100, NO_COLOR="1")

    def test_a_terminal_that_knows_nothing_gets_no_line(self) -> None:
        assert "\x1b" not in on_terminal(100, TERM="dumb")

    def test_where_nobody_looks_nothing_is_written(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", WORK.format(root=str(ROOT))], capture_output=True, check=True
        )
        assert done.stderr == b"tapedrop-intake: warning: drop-0003 is damaged\n"
        assert b"\x1b" not in done.stdout
        assert b"a recording of many words " * 3 in done.stdout


class TestColours:
    def test_an_alarm_is_red_and_a_head_is_dim(self) -> None:
        written = on_terminal(100)
        assert "\x1b[31m\x1b[1m(ALARM)" in written
        assert "\x1b[2mid" in written

    def test_who_wants_none_gets_none(self) -> None:
        assert "\x1b[3" not in on_terminal(100, NO_COLOR="1")


class TestTables:
    def test_ids_stay_whole_and_the_middle_gives_way(self) -> None:
        rows = [("drop-0001", "a very long recording of a door", "opened")]
        [head], [line] = table(("id", "what", "status"), rows, columns=34)
        assert line == "drop-0001  a very long…     opened" or width(line) <= 34
        assert line.startswith("drop-0001")
        assert line.endswith("opened")
        assert "…" in line
        assert width(head) <= 34

    def test_on_eighty_columns_a_drop_says_its_day_and_that_it_is_not_cleaned(self) -> None:
        row = ("drop-0001", "2026-11-21", "furnace describe", "unknown 0:20", "591.3 kB",
               "verifying", "AB", "NOT cleaned")  # fmt: skip
        _, [line] = table(HEAD, [row], columns=80)
        assert width(line) <= 80
        for cell in ("2026-11-21", "591.3 kB", "verifying", "NOT cleaned"):
            assert cell in line
        _, lines = table(HEAD, [(*row[:-1], "NOT cleaned, A guard counts")], columns=80)
        assert lines[0].startswith("drop-0001  2026-11-21  ")
        assert "verifying" in lines[0]

    def test_a_sentence_without_spaces_goes_on_below_itself_too(self) -> None:
        assert folded("地下室有两个门", 6) == ["地下室", "有两个", "门"]
        assert folded("a 地下室有两个门 b", 6) == ["a", "地下室", "有两个", "门 b"]

    def test_the_last_column_goes_on_below_itself(self) -> None:
        rows = [("drop-0001", "set aside: not the bytes that were signed for")]
        _, lines = table(("id", "status"), rows, columns=40)
        assert lines == ["drop-0001  set aside: not the bytes that", " " * 11 + "were signed for"]

    def test_a_file_gets_everything(self) -> None:
        rows = [("1", "long " * 50, "last " * 50)]
        _, [line] = table(("a", "b", "c"), rows, columns=None)
        assert line == f"1  {'long ' * 50}  {'last ' * 50}".rstrip()

    def test_letters_that_take_two_columns_are_counted_so(self) -> None:
        [head], *_ = table(("名前", "b"), [("x", "y")], columns=None)
        assert head == "名前  b"
        assert width("孩子") == 4
        assert cut("孩子在哭", 5) == "孩子…"

    @given(st.lists(st.text(max_size=30), min_size=2, max_size=5), st.integers(1, 60))
    def test_nothing_is_wider_than_it_may_be(self, cells: list[str], columns: int) -> None:
        widths = [width(cell) for cell in cells]
        fitting = fitted(widths, [1] * len(widths), columns)
        assert fitting[0] == widths[0]
        assert all(new <= old for new, old in zip(fitting, widths, strict=True))
        assert all(width(part) <= max(columns, 1) for part in folded(cells[0], columns))


class TestAtTheDesk:
    def test_what_is_piped_is_plain(self, desk: DeskAt, server: Server, stick: Path) -> None:
        server.receive()
        server.export(stick)
        desk("import", stick)
        answer = desk("open", "--all")
        assert "\x1b" not in answer.out + answer.err + desk("list").out

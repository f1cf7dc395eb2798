"""tapedrop-scrub: one recording in, a clean one or a plain refusal out."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from recordings import SECRET, id3, wav

from scrub import WORDS, Cleaned, CutList, Kind, cli
from scrub.cli import command, refusals, report
from scrub.cli.output import Output

PLANTED = id3((b"TPE1", b"\0" + SECRET), (b"TXXX", b"\0GPS\0+52.5")) + wav()


def scrub(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scrub", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


def without_landlock(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = Path(__file__).parents[2] / "without_landlock.py"
    command = [sys.executable, program, sys.executable, "-m", "scrub", *words]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    made = tmp_path / "interview.wav"
    made.write_bytes(PLANTED)
    return made


class TestCommand:
    def test_it_writes_a_clean_recording_and_says_what_went(self, recording: Path) -> None:
        clean = recording.with_name("clean.wav")

        done = scrub(recording, "-o", clean)

        assert done.returncode == 0
        assert clean.read_bytes() == wav()
        assert re.search(r"removed .*location +1\n", done.stdout, re.DOTALL)
        assert SECRET.decode() not in done.stdout + done.stderr

    def test_json_has_kinds_and_counts(self, recording: Path) -> None:
        done = scrub(recording, "-o", recording.with_name("clean.wav"), "--json")

        report = json.loads(done.stdout)
        assert report["format"] == "WAV"
        assert report["size"] == len(wav())
        assert report["removed"] == {"tag_block": 1, "person": 1, "location": 1}
        assert report["remains"] == {}

    def test_nothing_is_ever_overwritten(self, recording: Path) -> None:
        taken = recording.with_name("taken.wav")
        taken.write_bytes(b"mine")

        done = scrub(recording, "-o", taken)

        assert done.returncode == 2
        assert taken.read_bytes() == b"mine"
        assert done.stderr.startswith("tapedrop-scrub: error: ")
        assert "tapedrop-scrub: hint: " in done.stderr

    def test_what_cannot_be_cleaned_leaves_no_file(self, recording: Path) -> None:
        recording.write_bytes(PLANTED[:30])
        clean = recording.with_name("clean.wav")

        done = scrub(recording, "-o", clean)

        assert done.returncode == 3
        assert done.stdout == ""
        assert "cannot be cleaned" in done.stderr
        assert [*recording.parent.iterdir()] == [recording]

    @pytest.mark.parametrize(
        "words",
        [
            [],
            ["missing.wav", "-o", "out.wav"],
            ["a.wav"],
            ["--wrong"],
            ["--values", "a.wav"],
            ["--show", "a.wav", "-o", "out.wav"],
            ["/"],
            ["/dev/null"],
        ],
    )
    def test_wrong_use_exits_2_with_a_hint(self, words: list[str]) -> None:
        done = scrub(*words)

        assert done.returncode == 2
        assert "tapedrop-scrub: error: " in done.stderr
        assert "tapedrop-scrub: hint: " in done.stderr
        assert "Traceback" not in done.stderr

    def test_an_output_in_no_folder_is_said_plainly(self, recording: Path) -> None:
        done = scrub(recording, "-o", recording / "nowhere" / "out.wav")

        assert done.returncode == 2
        assert "Traceback" not in done.stderr

    def test_an_output_that_appears_meanwhile_is_named_and_kept(
        self, recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        taken = recording.with_name("clean.wav")
        taken.write_bytes(b"another's")
        monkeypatch.setattr("os.path.lexists", lambda _: False)
        monkeypatch.setattr(sys, "argv", ["tapedrop-scrub", str(recording), "-o", str(taken)])

        with pytest.raises(SystemExit) as ended:
            cli.main()

        assert ended.value.code == 2
        assert f"error: {taken} exists" in capsys.readouterr().err
        assert taken.read_bytes() == b"another's"

    def test_help_begins_with_usage_and_ends_with_an_example(self) -> None:
        help_text = scrub("--help").stdout

        assert help_text.startswith("Usage: tapedrop-scrub")
        assert help_text.endswith("$ tapedrop-scrub interview.wav -o clean.wav\n")

    def test_every_error_has_a_hint_and_an_exit(self) -> None:
        import scrub as package

        leaves = {
            each
            for each in vars(package).values()
            if isinstance(each, type) and issubclass(each, package.ScrubError)
        }
        assert leaves - {package.ScrubError} == refusals.EDGE.keys()


class TestNames:
    def test_the_copy_lies_beside_the_recording_with_the_ending_of_its_format(
        self, recording: Path
    ) -> None:
        named_wrong = recording.rename(recording.with_name("interview.mp3"))

        assert scrub(named_wrong).returncode == 0

        assert recording.with_name("interview.clean.wav").read_bytes() == wav()
        assert named_wrong.read_bytes() == PLANTED

    def test_into_a_folder_it_keeps_its_name(self, recording: Path) -> None:
        folder = recording.with_name("clean")
        folder.mkdir()

        assert scrub(recording, "-o", folder).returncode == 0

        assert (folder / "interview.wav").read_bytes() == wav()

    def test_a_folder_that_is_missing_is_made_where_a_slash_says_it_is_one(
        self, recording: Path
    ) -> None:
        folder = recording.with_name("missing") / "deep"

        assert scrub(recording, "-o", f"{folder}/").returncode == 0

        assert (folder / "interview.wav").read_bytes() == wav()

    def test_a_slash_makes_no_folder_of_a_file(self, recording: Path) -> None:
        done = scrub(recording, "-o", f"{recording}/")

        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert recording.read_bytes() == PLANTED

    def test_a_folder_is_cleaned_with_r_and_stays_in_shape(self, tmp_path: Path) -> None:
        inside = tmp_path / "in/deep"
        inside.mkdir(parents=True)
        (tmp_path / "in/a.wav").write_bytes(PLANTED)
        (inside / "b.wav").write_bytes(PLANTED)
        (inside / "link.wav").symlink_to(inside / "b.wav")
        (inside / "b.clean.wav").write_bytes(PLANTED)
        out = tmp_path / "in/out"

        for _ in range(2):
            done = scrub("-r", tmp_path / "in", "-o", out)

        assert done.returncode == 2  # the second time, all of it was there
        assert sorted(path.relative_to(out) for path in out.rglob("*.*")) == [
            Path("a.wav"),
            Path("deep/b.wav"),
        ]

    def test_a_folder_with_nothing_to_clean_is_said_to_be_so(self, recording: Path) -> None:
        recording.rename(recording.with_name("interview.clean.wav"))

        done = scrub("-r", recording.parent)

        assert done.returncode == 0
        assert "what is called .clean are left out" in done.stderr

    def test_a_folder_without_r_is_no_recording(self, recording: Path) -> None:
        assert scrub(recording.parent).returncode == 2

    def test_what_one_recording_fails_of_stops_no_other(self, recording: Path) -> None:
        damaged = recording.with_name("damaged.wav")
        damaged.write_bytes(wav()[:30])

        done = scrub(damaged, recording, "--json")

        assert done.returncode == 1
        first, second = map(json.loads, done.stdout.splitlines())
        assert (first["recording"], first["refused"]) == (str(damaged), "malformed")
        assert second["output"] == str(recording.with_name("interview.clean.wav"))
        assert done.stderr.endswith("tapedrop-scrub: note: 1 of 2 done\n")

    @pytest.mark.parametrize("whence", [os.SEEK_SET, os.SEEK_END])
    def test_a_recording_that_is_written_to_meanwhile_is_refused(
        self,
        recording: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        whence: int,
    ) -> None:
        real, before = command.clean, recording.stat()

        def slowly(*words: Any, **named: Any) -> Cleaned:
            done = real(*words, **named)
            with recording.open("r+b") as still_recording:
                still_recording.seek(0, whence)
                still_recording.write(b"more")
            os.utime(recording, ns=(before.st_atime_ns, before.st_mtime_ns))
            return done

        monkeypatch.setattr(command, "clean", slowly)
        monkeypatch.setattr(sys, "argv", ["tapedrop-scrub", str(recording)])

        with pytest.raises(SystemExit) as ended:
            cli.main()

        assert ended.value.code == 3
        assert "changed meanwhile" in capsys.readouterr().err
        assert [*recording.parent.iterdir()] == [recording]

    def test_several_that_are_all_refused_are_refused(self, recording: Path) -> None:
        recording.write_bytes(b"no recording")

        done = scrub(recording, recording)

        assert done.returncode == 3
        assert (done.stderr.count("error: "), done.stderr.count("hint: ")) == (2, 1)

    def test_one_that_may_not_be_read_stops_no_other(
        self, recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        closed = recording.with_name("closed.wav")
        closed.write_bytes(PLANTED)
        monkeypatch.setattr(os, "access", lambda path, *_: Path(path) != closed)
        monkeypatch.setattr(sys, "argv", ["tapedrop-scrub", "--show", str(closed), str(recording)])

        with pytest.raises(SystemExit):
            cli.main()

        assert f"{recording}: WAV" in capsys.readouterr().out

    def test_a_name_that_is_too_long_is_said(self, recording: Path) -> None:
        long = recording.rename(recording.with_name("a" * 250 + ".wav"))

        done = scrub(long)

        assert done.returncode == 2
        assert f"{long.with_suffix('')}.clean.wav: file name too long" in done.stderr

    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_stopped_where_files_need_a_name_it_leaves_nothing(
        self, recording: Path, monkeypatch: pytest.MonkeyPatch, stop: signal.Signals
    ) -> None:
        def stopped(_self: Output, _cuts: CutList, out: BinaryIO) -> None:
            out.write(b"half")
            out.flush()
            os.kill(os.getpid(), stop)

        monkeypatch.setattr("scrub.cli.output._nameless", lambda _: None)
        monkeypatch.setattr(Output, "_write", stopped)
        monkeypatch.setattr(sys, "argv", ["tapedrop-scrub", str(recording)])
        before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
        # Whoever runs the tests out of the way may have them ignored.
        usual = signal.default_int_handler if stop is signal.SIGINT else signal.SIG_DFL
        before[stop] = signal.signal(stop, usual)

        with pytest.raises(SystemExit) as ended:
            cli.main()
        for each, handler in before.items():
            signal.signal(each, handler)

        assert ended.value.code == 130
        assert [*recording.parent.iterdir()] == [recording]

    def test_a_report_that_finds_no_room_is_one_line(self, recording: Path) -> None:
        with Path("/dev/full").open("wb") as full:
            words = [sys.executable, "-m", "scrub", "--show", recording]
            done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)

        assert done.returncode == 2
        assert done.stderr.startswith("tapedrop-scrub: error: standard output: no space left")
        assert "Traceback" not in done.stderr

    def test_where_files_need_a_name_all_of_it_is_written_or_nothing(
        self, recording: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("scrub.cli.output._nameless", lambda _: None)
        monkeypatch.setattr(sys, "argv", ["tapedrop-scrub", str(recording)])

        with pytest.raises(SystemExit) as ended:
            cli.main()

        assert ended.value.code == 0
        assert recording.with_name("interview.clean.wav").read_bytes() == wav()


class TestShow:
    def test_it_tells_kinds_and_writes_nothing(self, recording: Path) -> None:
        done = scrub("--show", recording)

        assert done.returncode == 0
        assert "location" in done.stdout
        assert SECRET.decode() not in done.stdout
        assert [*recording.parent.iterdir()] == [recording]

    def test_values_are_told_only_where_asked_for(self, recording: Path) -> None:
        without = json.loads(scrub("--show", recording, "--json").stdout)
        told = json.loads(scrub("--show", "--values", recording, "--json").stdout)

        assert "values" not in without
        assert {"kind": "person", "name": "TPE1", "text": SECRET.decode()} in told["values"]
        assert {"kind": "location", "name": "TXXX:GPS", "text": "+52.5"} in told["values"]

    def test_nothing_of_a_name_or_a_value_steers_the_terminal(self, tmp_path: Path) -> None:
        hostile = tmp_path / "a\x1b[2Jb\udcff.wav"
        hostile.write_bytes(id3((b"TPE1", b"\0K\x1b]0;owned\7eller")) + wav())

        done = scrub("--show", "--values", hostile)

        assert done.returncode == 0
        assert "\x1b" not in done.stdout + done.stderr
        assert r"K\x1b]0;owned\x07eller" in done.stdout
        assert r"a\x1b[2Jb\udcff.wav" in done.stdout


class TestWithoutASandbox:
    def test_nothing_is_read_and_the_machine_is_called_unfit(self, recording: Path) -> None:
        done = without_landlock(recording, recording)

        assert done.returncode == 5
        assert done.stderr.count("error: ") == 1
        assert "Landlock is not enabled" in done.stderr
        assert [*recording.parent.iterdir()] == [recording]

    def test_it_can_be_told_to_go_on_and_warns(self, recording: Path) -> None:
        done = without_landlock("--unfenced", recording)

        assert done.returncode == 0
        assert done.stderr.startswith("tapedrop-scrub: warning: no sandbox")


class TestProgress:
    def test_it_is_one_line_on_a_terminal_and_gone_when_done(
        self, recording: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ours, theirs = pty.openpty()
        monkeypatch.setattr(report, "PATIENCE_SECONDS", 0)
        monkeypatch.setattr(report, "GLANCE_SECONDS", 0.01)

        with os.fdopen(theirs, "w") as terminal, recording.open("rb") as opened:
            monkeypatch.setattr(sys, "stderr", terminal)
            opened.seek(20)
            with report.Progress(recording, opened.fileno(), 40, lambda: 10) as progress:
                seen = b""
                while b"%" not in seen:
                    seen += os.read(ours, 1000)
            assert not progress._thread.is_alive()
            while not seen.endswith(b"\r\x1b[K"):
                seen += os.read(ours, 1000)
        os.close(ours)

        assert b"interview.wav: checked 50 %, written 25 %" in seen

    def test_elsewhere_there_is_none(self, recording: Path) -> None:
        assert scrub(recording).stderr == ""


class TestDocumented:
    def test_every_kind_has_a_word(self) -> None:
        assert WORDS.keys() == set(Kind)

    def test_every_exit_code_is_in_the_help(self) -> None:
        text = command.EPILOG.partition("Exit:")[2]
        codes = {code for _, code in refusals.EDGE.values()}
        for code in codes | {refusals.DONE, refusals.SOME, refusals.USAGE}:
            assert re.search(rf"^  {code}  ", text, re.MULTILINE)

    def test_formats_and_kinds_are_in_the_page(self) -> None:
        from scrub.formats import FORMATS

        page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()

        for kind in FORMATS:
            assert all(word in page for word in kind.name.split())
        for found in Kind:
            assert f"`{found}`" in page

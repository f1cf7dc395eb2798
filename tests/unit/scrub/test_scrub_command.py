"""tapedrop-scrub: one recording in, a clean one or a plain refusal out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from recordings import SECRET, id3, wav

from scrub import Kind, cli

PLANTED = id3((b"TPE1", b"\0" + SECRET), (b"TXXX", b"\0GPS\0+52.5")) + wav()


def scrub(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scrub", *map(str, words)]
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
        assert "location (1)" in done.stdout
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
        recording.write_bytes(PLANTED[:-1000])
        clean = recording.with_name("clean.wav")

        done = scrub(recording, "-o", clean)

        assert done.returncode == 3
        assert done.stdout == ""
        assert "cannot be cleaned" in done.stderr
        assert [*recording.parent.iterdir()] == [recording]

    @pytest.mark.parametrize(
        "words", [[], ["missing.wav", "-o", "out.wav"], ["a.wav"], ["--wrong"]]
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
        assert "$ tapedrop-scrub interview.wav -o clean.wav" in help_text.split("Example:")[1]

    def test_every_error_has_a_hint_and_an_exit(self) -> None:
        import scrub as package

        leaves = {
            each
            for each in vars(package).values()
            if isinstance(each, type) and issubclass(each, package.ScrubError)
        }
        assert leaves - {package.ScrubError} == cli.EDGE.keys()


class TestDocumented:
    def test_formats_and_kinds_are_in_the_page(self) -> None:
        from scrub import FORMATS

        page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()

        for kind in FORMATS:
            assert kind.name in page
        for found in Kind:
            assert f"`{found}`" in page

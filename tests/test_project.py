"""What holds for the project as a whole: pins, names, words that don't belong in it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from server.app import _PAGES
from server.config import read_config
from server.errors import SettingsRefused
from server.i18n import languages

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
TOML = re.compile(r"^```toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


class TestRequirements:
    def test_name_no_index_no_address_and_no_path(self) -> None:
        for pins in (ROOT / "requirements").glob("*.txt"):
            for line in pins.read_text().splitlines():
                assert not line.startswith("--"), (pins, line)
                assert "://" not in line, (pins, line)
                assert not re.search(r"(^|[\s@=])/\w", line), (pins, line)

    def test_pin_every_package_with_a_hash(self) -> None:
        for pins in (ROOT / "requirements").glob("*.txt"):
            for entry in re.split(r"\n(?=\w)", pins.read_text()):
                if re.match(r"[\w.-]+==", entry):
                    assert "--hash=sha256:" in entry, entry


class TestTheSource:
    def test_no_file_holds_a_path_of_somebody_s_machine(self) -> None:
        own = str(ROOT)
        for path in tracked():
            assert own.encode() not in path.read_bytes(), path

    def test_no_room_is_called_a_drawer(self) -> None:
        drawers = {"utils.py", "helpers.py", "common.py", "misc.py", "manager.py"}
        assert not [path for path in tracked() if path.name in drawers]

    def test_every_command_answers_help_without_a_terminal(self) -> None:
        for name in ("tapedrop-server", "tapedrop-intake", "tapedrop-scrub"):
            command = [ROOT / ".venv/bin" / name, "--help"]
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)

            assert done.returncode == 0
            assert done.stdout.startswith("Usage: ")


class TestTheTests:
    @pytest.mark.xdist_group("engine")
    def test_of_one_group_run_in_one_process(self, request: pytest.FixtureRequest) -> None:
        if request.config.getoption("loadgroup", False):
            assert request.node.nodeid.endswith("@engine")


class TestTheReadme:
    def test_names_every_page_that_a_source_opens(self) -> None:
        readme = (ROOT / "README.md").read_text()
        opened = [path for method, path, _ in _PAGES if method == "GET" and path.count("/") == 1]

        assert "/keys" in opened
        assert [path for path in opened if f"`{path}`" not in readme] == []

    def test_counts_the_languages_that_there_are(self) -> None:
        assert len(languages()) == 12
        assert "in twelve languages" in (ROOT / "README.md").read_text()


class TestTheVersion:
    def test_is_the_one_that_the_pages_tell_to_install_and_the_changelog_begins_with(self) -> None:
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        released = re.findall(r"^## ([\d.]+) ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

        assert released[0] == version
        for page in ("README.md", "docs/operator.md"):
            assert f"tapedrop-server-{version}.tar.gz" in (ROOT / page).read_text(), page


class TestDocuments:
    def test_show_settings_that_a_drop_takes(self, tmp_path: Path) -> None:
        shown = [(page, block) for page in PAGES for block in TOML.findall(page.read_text())]
        config = tmp_path / "tapedrop.toml"

        assert shown
        for page, block in shown:
            config.write_text(block)
            try:
                read_config(config)
            except SettingsRefused as refused:
                raise AssertionError(f"{page}: {refused}") from None

    def test_link_to_files_that_are_there(self) -> None:
        for page in PAGES:
            for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                assert (page.parent / link).exists(), (page, link)


class TestTheSourceGuide:
    @pytest.mark.parametrize("page", ["source", "landing"])
    def test_has_every_picture_that_it_shows_and_no_other(self, page: str) -> None:
        guide = ROOT / f"docs/{page}.md"
        shown = re.findall(rf"pictures/{page}/[\w-]+\.png", guide.read_text())
        kept = {str(path.relative_to(guide.parent)) for path in guide.parent.rglob(f"{page}/*.png")}

        assert set(shown) == kept

    def test_has_pictures_that_load_on_a_slow_line(self) -> None:
        sizes = [path.stat().st_size for path in ROOT.glob("docs/pictures/source/*.png")]

        assert max(sizes) < 60_000
        assert sum(sizes) < 1_500_000

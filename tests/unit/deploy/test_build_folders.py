"""What people install: the server's folder and the desk's hold what they need, and nothing else."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import click
import pytest
from bundles import IMPORT_ALL, PATH, content_of, files_of, modes_of, run
from bundling import BuildFailed
from bundling.folders import Place, desk_folder, places, read_places, server_folder
from bundling.source import Source, source_at
from bundling.wheels import PYTHONS, fetched
from drops import write_wav

from intake.cli import verbs

ROOT = Path(__file__).parents[3]
CACHE = ROOT / "build/wheels"
SOURCE = source_at(ROOT)
# What no FAT stick takes in a name.
NOT_IN_FAT = re.compile(r'["*:<>?\\|\x00-\x1f]|[. ]$', re.MULTILINE)


def pins(name: str) -> Path:
    """Return a list of pins."""
    return ROOT / f"requirements/{name}.txt"


def distributions(packages: Path) -> set[str]:
    """Return the packages that are installed in a folder: `name-version`, as indexes write it."""
    found = [path.name.removesuffix(".dist-info") for path in packages.glob("*.dist-info")]
    return {f"{plain(name)}-{version}" for name, _, version in (x.rpartition("-") for x in found)}


def plain(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def our_packages(packages: Path) -> set[str]:
    """Return which of the project's own folders are in one."""
    own = {path.split("/")[0] for path in SOURCE.files if "/" in path}
    return own & {path.name for path in packages.iterdir()}


def same_as_the_checkout(packages: Path, package: str) -> bool:
    """Return whether a package of ours is there, file by file, and nothing besides."""
    held = content_of(packages / package)
    ours = {file.removeprefix(f"{package}/"): file for file in SOURCE.below(package)}
    return held == {name: (ROOT / file).read_bytes() for name, file in ours.items()}


def wait_for(file: Path, words: str) -> None:
    """Look until a file says these words."""
    deadline = time.monotonic() + 30
    while not file.exists() or words not in file.read_text():
        assert time.monotonic() < deadline, f"{file} never said {words}"
        time.sleep(0.05)


# Made once; whichever process runs these tests runs all of them.
pytestmark = pytest.mark.xdist_group("bundle")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's folder."""
    return server_folder(SOURCE, tmp_path_factory.mktemp("server"), CACHE)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The desk's folder; nobody writes into it."""
    return desk_folder(SOURCE, tmp_path_factory.mktemp("built"), CACHE)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Path:
    """A copy of it, as a stick whose files can't be executed shows it."""
    copy = tmp_path_factory.mktemp("a stick") / built.name
    shutil.copytree(built, copy)
    for path in copy.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    return copy


class TestBothFolders:
    @pytest.fixture(params=["server", "built"])
    def folder(self, request: pytest.FixtureRequest) -> Path:
        """Either."""
        made: Path = request.getfixturevalue(request.param)
        return made

    def test_have_the_sums_of_all_that_is_in_them(self, folder: Path) -> None:
        check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
        assert run(*check, cwd=folder).stdout == ""

        listed = {line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()}
        links = {name for name in files_of(folder) if (folder / name).is_symlink()}
        assert listed == set(files_of(folder)) - links - {"SHA256SUMS"}

    def test_have_the_same_modes_whoever_builds(self, folder: Path) -> None:
        assert set(modes_of(folder).values()) == {0o644, 0o755}

    def test_hold_no_bytecode_and_no_path_of_the_machine_that_built_them(
        self, folder: Path
    ) -> None:
        held = content_of(folder)

        assert not [name for name in held if "__pycache__" in name or name.endswith(".pyc")]
        assert not [name for name in held if str(ROOT).encode() in held[name]]

    def test_bring_the_licence_texts_of_every_package(self, folder: Path) -> None:
        name = "server" if folder.name.startswith("tapedrop-server") else "intake"
        wheels = fetched(pins(name), PYTHONS[0], CACHE)
        named = {f"{each.name}-{each.version}" for each in wheels}

        assert {path.name for path in (folder / "licences").iterdir()} == named
        assert all(any(path.iterdir()) for path in (folder / "licences").iterdir())

    def test_say_what_is_new_and_under_which_terms(self, folder: Path) -> None:
        for name in ("CHANGELOG.md", "LICENSE"):
            assert (folder / name).read_bytes() == (ROOT / name).read_bytes()

    def test_bring_every_guide(self, folder: Path) -> None:
        guides = [file for file in SOURCE.below("docs") if file.endswith(".md")]

        assert "docs/operator.md" in guides
        for name in ("SECURITY.md", *guides):
            assert (folder / name).read_bytes() == (ROOT / name).read_bytes()


class TestTheServersFolder:
    @pytest.mark.parametrize("python", PYTHONS)
    def test_holds_the_pinned_packages_and_our_own_but_the_desk(
        self, server: Path, python: str
    ) -> None:
        packages = server / f"tree/lib/python{python}/site-packages"

        assert our_packages(packages) == {"crypto", "scrub", "server"}
        assert distributions(packages) == {
            f"{each.name}-{each.version}" for each in fetched(pins("server"), python, CACHE)
        } | {f"tapedrop-{SOURCE.version}"}
        for package in ("crypto", "scrub", "server"):
            assert same_as_the_checkout(packages, package)

    def test_every_module_of_ours_loads_from_it_alone(self, server: Path) -> None:
        python = server / "tree/bin/python3"

        loaded = run(python, "-I", "-c", IMPORT_ALL, "crypto", "scrub", "server")

        assert loaded.returncode == 0, loaded.stderr
        for path in loaded.stdout.splitlines():
            assert path.startswith((str(server), "/usr/lib/python3")), path
            assert "dist-packages" not in path

    def test_starts_by_a_link_and_runs_where_it_really_lies(
        self, server: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "current").symlink_to(server / "tree")

        help_text = run(tmp_path / "current/bin/tapedrop-server", "--help")

        assert help_text.stdout.startswith("Usage: tapedrop-server")
        # What it starts later is looked for beside the Python that runs: never by the link.
        script = (server / "tree/bin/tapedrop-server").read_text()
        assert "pwd -P" in script
        assert 'exec "$here/python3" -I -m server' in script

    def test_keeps_the_guides_where_they_stay_once_it_is_installed(self, server: Path) -> None:
        kept = files_of(server / "tree/share/docs")

        assert kept == files_of(server / "docs")
        assert "operator.md" in kept

    def test_knows_its_version(self, server: Path) -> None:
        ask = "from importlib.metadata import version; print(version('tapedrop'))"

        assert run(server / "tree/bin/python3", "-I", "-c", ask).stdout.strip() == SOURCE.version
        assert (server / "tree/share/version").read_text().strip() == SOURCE.version

    def test_has_everything_that_is_installed_elsewhere_by_its_place(self, server: Path) -> None:
        system = server / "tree/share/system"

        for place in places(SOURCE):
            lies = system / place.destination.lstrip("/")
            assert lies.read_bytes() == (ROOT / "deploy/server" / place.source).read_bytes()
            assert lies.stat().st_mode & 0o7777 == place.mode
        listed = {place.destination.lstrip("/") for place in places(SOURCE)} | {"places"}
        assert set(files_of(system)) == listed

    def test_has_its_scripts_at_hand_and_with_each_version(self, server: Path) -> None:
        for name in ("install.sh", "uninstall.sh"):
            script = (ROOT / "deploy/server" / name).read_bytes()
            for copy in (server / name, server / "tree/share" / name):
                assert copy.read_bytes() == script
                assert os.access(copy, os.X_OK)

    def test_a_table_of_places_is_read_without_its_comments(self) -> None:
        table = "# nothing\n\ntor/torrc /etc/tor/torrc 640\n"
        assert read_places(table) == [Place("tor/torrc", "/etc/tor/torrc", 0o640)]

    @pytest.mark.parametrize(
        "line", ["unit /lib/unit", "unit lib/unit 644", "unit /lib/../unit 644", "a b c d"]
    )
    def test_a_place_that_isn_t_understood_stops_the_build(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "deploy/server").mkdir(parents=True)
        (tmp_path / "deploy/server/places").write_text(f"# places\n{line}\n")
        source = Source(tmp_path, "1.0", 0, ("deploy/server/places",), ())

        with pytest.raises(BuildFailed, match="deploy/server/places"):
            places(source)


class TestTheReadme:
    def test_of_each_names_everything_that_lies_beside_it(self, server: Path, built: Path) -> None:
        for folder in (server, built):
            readme = (folder / "README.txt").read_text()
            besides = {path.name for path in folder.iterdir()} - {"README.txt"}
            assert [name for name in besides if name not in readme] == []

    def test_of_the_desk_types_commands_that_there_are(self, built: Path) -> None:
        typed = re.findall(
            r"^    +sh tapedrop-intake (.+)", (built / "README.txt").read_text(), re.MULTILINE
        )

        assert len(typed) > 3
        for line in typed:
            words = line.removeprefix("--desk ~/desk ").split()
            verb = verbs.get_command(click.Context(verbs), words[0])
            options = {name for each in (verb.params if verb else []) for name in each.opts}
            assert verb or words == ["--help"], line
            assert not {word for word in words[1:] if word.startswith("--")} - options, line


class TestTheDesksFolder:
    @pytest.mark.parametrize("python", PYTHONS)
    def test_holds_the_pinned_packages_and_our_own_but_the_server(
        self, built: Path, python: str
    ) -> None:
        both, one = built / "lib/python3", built / f"lib/python{python}"

        assert our_packages(both) == {"crypto", "scrub", "intake"}
        assert our_packages(one) == set()
        assert distributions(both) | distributions(one) == {
            f"{each.name}-{each.version}" for each in fetched(pins("intake"), python, CACHE)
        } | {f"tapedrop-{SOURCE.version}"}
        for package in ("crypto", "scrub", "intake"):
            assert same_as_the_checkout(both, package)

    def test_holds_once_what_is_the_same_for_either_python(self, built: Path) -> None:
        both, *each = (distributions(built / f"lib/python{x}") for x in ("3", *PYTHONS))

        assert "av" in {name.rpartition("-")[0] for name in both}
        assert not both & (each[0] | each[1])

    def test_every_module_of_ours_loads_from_it_alone(self, desk: Path) -> None:
        python = next(python for python in PYTHONS if shutil.which(f"python{python}", path=PATH))
        packages = [str(desk / f"lib/python{version}") for version in (python, 3)]
        program = f"import sys; sys.path += {packages!r}; {IMPORT_ALL}"
        command = [f"python{python}", "-I", "-S", "-B", "-c", program.replace("; \n", "\n")]

        loaded = run(*command, "crypto", "scrub", "intake")

        assert loaded.returncode == 0, loaded.stderr
        own = [path for path in loaded.stdout.splitlines() if path.startswith(str(desk))]
        assert len(own) > 200
        assert not [path for path in loaded.stdout.splitlines() if "-packages" in path]

    def test_a_stick_with_fat_takes_all_of_it(self, built: Path) -> None:
        names = files_of(built)

        assert not [name for name in names if (built / name).is_symlink()]
        assert not [name for name in names if any(map(NOT_IN_FAT.search, name.split("/")))]
        assert len({name.casefold() for name in names}) == len(names)
        assert max(len(f"{built.name}/{name}") for name in names) < 200
        assert max((built / name).stat().st_size for name in names) < 2**32

    def test_runs_from_where_nothing_can_be_executed_and_writes_nothing_there(
        self, desk: Path, tmp_path: Path
    ) -> None:
        write_wav(tmp_path / "memo.wav")
        before = modes_of(desk)

        for program in ("tapedrop-intake", "tapedrop-scrub"):
            asked = run("sh", program, "--help", cwd=desk)
            assert asked.stdout.startswith(f"Usage: {program}"), asked.stderr
        cleaned = run("sh", desk / "tapedrop-scrub", tmp_path / "memo.wav", cwd=tmp_path)

        assert cleaned.returncode == 0, cleaned.stderr
        assert modes_of(desk) == before


class TestAMachineThatLacksSomething:
    @pytest.fixture
    def programs(self, tmp_path: Path) -> Path:
        """A folder of programs, to be the only ones there are."""
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "sh").symlink_to("/bin/sh")
        return folder

    def test_is_told_to_install_python(self, desk: Path, programs: Path) -> None:
        (programs / "python3").write_text("#!/bin/sh\necho 3.9\n")
        (programs / "python3").chmod(0o755)

        said = run("sh", desk / "tapedrop-intake", "list", env={"PATH": str(programs)})

        assert (said.returncode, said.stdout) == (5, "")
        assert "error: there is no Python 3.11 or 3.13 on this machine" in said.stderr
        assert "apt install python3" in said.stderr

    def test_is_told_to_install_gnupg(self, desk: Path, programs: Path) -> None:
        (programs / "python3").symlink_to("/usr/bin/python3")

        said = run("sh", desk / "tapedrop-intake", "list", env={"PATH": str(programs)})

        assert said.returncode == 5
        assert "error: GnuPG is not installed" in said.stderr
        assert "apt install gnupg" in said.stderr

    def test_a_folder_that_is_not_whole_says_so(self, desk: Path, tmp_path: Path) -> None:
        shutil.copy(desk / "tapedrop-intake", tmp_path)

        said = run("sh", tmp_path / "tapedrop-intake", "list")

        assert said.returncode == 5
        assert "this folder is not whole" in said.stderr


class TestTheMenu:
    @pytest.fixture
    def terminal(self, tmp_path: Path) -> dict[str, str]:
        """A desktop whose terminal runs what it is told, and writes down what that said."""
        (tmp_path / "bin").mkdir()
        terminal = tmp_path / "bin/xterm"
        terminal.write_text(f'#!/bin/sh\nshift\n"$@" >{tmp_path}/said 2>&1 <{os.devnull}\n')
        terminal.chmod(0o755)
        return {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}

    def test_the_entry_starts_the_folder_that_it_lies_in(
        self, desk: Path, tmp_path: Path, terminal: dict[str, str]
    ) -> None:
        # `gio launch` knows no %k; desktops put the entry's own path there, quoted.
        entry = (desk / "tapedrop.desktop").read_text()
        assert entry.count(" %k\n") == 1
        opened = tmp_path / "opened.desktop"
        opened.write_text(entry.replace("%k", f"'{desk}/tapedrop.desktop'"))

        subprocess.run(["gio", "launch", str(opened)], env=terminal, check=True)

        wait_for(tmp_path / "said", "Usage: tapedrop-intake")

    def test_its_terminal_knows_the_commands_by_name(self, desk: Path, tmp_path: Path) -> None:
        where = {"PATH": PATH, "HOME": str(tmp_path)}

        said = run("sh", desk / "lib/terminal.sh", input="tapedrop-scrub --help\n", env=where)

        assert "Usage: tapedrop-scrub" in said.stdout


class TestTheDesksInstall:
    # What it does for a person is seen on a whole Debian, in tests/install.
    def test_a_folder_that_was_changed_is_refused(self, built: Path, tmp_path: Path) -> None:
        changed = tmp_path / "changed"
        shutil.copytree(built, changed, copy_function=os.link)
        (changed / "lib/start.py").unlink()
        (changed / "lib/start.py").write_text("print('hello')\n")
        person = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]

        install = changed / "install.sh"
        refused = run(*person, "sh", install, env={"PATH": PATH, "HOME": str(tmp_path / "home")})

        assert refused.returncode == 3
        assert "lib/start.py: FAILED" in refused.stderr
        assert not (tmp_path / "home").exists()

    def test_a_folder_with_a_file_more_is_refused(self, built: Path, tmp_path: Path) -> None:
        more = tmp_path / "more"
        shutil.copytree(built, more, copy_function=os.link)
        check = ["sh", str(more / "install.sh"), "--check"]
        home = {"env": {"PATH": PATH, "HOME": str(tmp_path / "home")}}

        whole = run(*check, **home)
        (more / f"{built.name}.SHA256SUMS.asc").write_text("a signature\n")
        with_signature = run(*check, **home)
        (more / "lib/python3.11/__pycache__").mkdir()
        (more / "lib/python3.11/__pycache__/click.cpython-311.pyc").write_bytes(b"")
        refused = run(*check, **home)
        # First in the list, and a shell's echo would make of it that the line before is gone.
        (more / r"!\033[1A\033[2K").write_bytes(b"")
        obeyed = run(*check, **home)

        assert obeyed.returncode == 3
        assert "\033" not in obeyed.stderr
        assert (whole.returncode, with_signature.returncode, refused.returncode) == (0, 0, 3)
        assert "lib/python3.11/__pycache__/click.cpython-311.pyc" in refused.stderr
        assert not (tmp_path / "home").exists()

    def test_a_file_more_can_t_hide_behind_another_s_name_of_several_lines(
        self, built: Path, tmp_path: Path
    ) -> None:
        more, sly = tmp_path / "more", Path("lib/python3.11/__pycache__/click.cpython-311.pyc")
        shutil.copytree(built, more, copy_function=os.link)
        for file in (more / sly, more / "z\n./z\n." / sly):
            file.parent.mkdir(parents=True)
            file.write_bytes(b"")
        check = ["sh", str(more / "install.sh"), "--check"]

        refused = run(*check, env={"PATH": PATH, "HOME": str(tmp_path / "home")})

        assert refused.returncode == 3

    def test_root_is_refused(self, built: Path, tmp_path: Path) -> None:
        as_root = ["unshare", "--user", "--map-root-user"]

        install = built / "install.sh"
        refused = run(*as_root, "sh", install, env={"PATH": PATH, "HOME": str(tmp_path / "home")})

        assert refused.returncode == 2
        assert "root has no desk" in refused.stderr
        assert not (tmp_path / "home").exists()


class TestBuildingTheDeskAlone:
    def test_is_one_command_with_what_build_takes(self, tmp_path: Path) -> None:
        (tmp_path / "deploy/intake").mkdir(parents=True)
        script = Path(shutil.copy(ROOT / "deploy/intake/bundle.sh", tmp_path / "deploy/intake"))
        for program, does in (("bin/make", "true"), (".venv/bin/python", 'echo "$@"')):
            (tmp_path / program).parent.mkdir(parents=True)
            (tmp_path / program).write_text(f"#!/bin/sh\n{does}\n")
            (tmp_path / program).chmod(0o755)

        built = run(script, "--sign", "5B0C", env={"PATH": f"{tmp_path}/bin:{PATH}"})
        misspelt = run(script, "--too", "dist")

        assert built.stdout == "deploy/build.py --to dist --sign 5B0C desk\n"
        assert misspelt.returncode == 2
        assert misspelt.stderr.startswith("usage: deploy/intake/bundle.sh")

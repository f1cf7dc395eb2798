"""Other people's packages: what is unpacked is what was pinned, byte for byte."""

import base64
import hashlib
import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from bundling import BuildFailed
from bundling.wheels import CHOSEN, PYTHONS, Wheel, fetched, folder_of

ROOT = Path(__file__).parents[3]
CODE = {"six.py": b"six = 6\n", "six-1.0.dist-info/METADATA": b"Name: six\nVersion: 1.0\n"}


def wheel_of(files: dict[str, bytes], path: Path) -> Wheel:
    """Write a wheel with these files and a RECORD that fits."""
    with ZipFile(path, "w") as zipped:
        record = "six-1.0.dist-info/RECORD,,\n"
        for name, held in files.items():
            zipped.writestr(name, held)
            digest = base64.urlsafe_b64encode(hashlib.sha256(held).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(held)}\n"
        zipped.writestr("six-1.0.dist-info/RECORD", record)
    return Wheel(path, "six", "1.0", hashlib.sha256(path.read_bytes()).hexdigest())


def pins(folder: Path, *digests_hex: str) -> Path:
    """Write a list that pins six with these hashes."""
    hashes = " ".join(f"--hash=sha256:{digest}" for digest in digests_hex)
    (folder / CHOSEN).write_text("".join(f"{digest}  six.whl\n" for digest in digests_hex))
    (folder / "server.txt").write_text(f"six==1.0 {hashes}\n")
    return folder / "server.txt"


def folder_in_cache(requirements: Path, cache: Path) -> Path:
    """Return the folder in which `fetched` looks for these pins first, empty."""
    folder = folder_of(requirements, "3.11", cache)
    folder.mkdir(parents=True)
    return folder


def fits(name: str, python: str) -> bool:
    """Return whether a wheel, by its name, is for one Python on a PC."""
    tag = f"cp{python.replace('.', '')}"
    return bool(
        re.search(rf"-({tag}-{tag}|cp311-abi3|(py2\.)?py3-none)-(.*x86_64|any)\.whl$", name)
    )


class TestUnpacking:
    def test_every_file_is_compared_with_the_wheel_s_own_record(self, tmp_path: Path) -> None:
        wheel = wheel_of(CODE, tmp_path / "six.whl")
        altered = tmp_path / "altered.whl"
        with ZipFile(wheel.path) as before, ZipFile(altered, "w") as after:
            for name in before.namelist():
                held = before.read(name)
                after.writestr(name, held + b"import os\n" if name == "six.py" else held)

        assert dict(wheel.files())["six.py"] == b"six = 6\n"
        with pytest.raises(BuildFailed, match=r"six\.py is not what its RECORD says"):
            list(Wheel(altered, "six", "1.0", "").files())

    def test_a_file_that_its_record_doesn_t_name_is_refused(self, tmp_path: Path) -> None:
        wheel = wheel_of(CODE, tmp_path / "six.whl")
        with ZipFile(wheel.path, "a") as zipped:
            zipped.writestr("more.py", b"")

        with pytest.raises(BuildFailed, match=r"more\.py"):
            list(wheel.files())

    @pytest.mark.parametrize("name", ["../six", "../../etc/six", "/etc/six", "a/../../six"])
    def test_no_file_gets_out_of_the_folder(self, tmp_path: Path, name: str) -> None:
        wheel = wheel_of(CODE | {name: b""}, tmp_path / "six.whl")

        with pytest.raises(BuildFailed, match="elsewhere"):
            list(wheel.files())

    def test_scripts_and_manuals_are_left_out(self, tmp_path: Path) -> None:
        besides = {"six-1.0.data/scripts/six": b"#!python\n", "six-1.0.data/data/share/six.1": b""}
        code = {"six-1.0.data/platlib/six_fast.so": b"fast"}
        wheel = wheel_of(CODE | besides | code, tmp_path / "six.whl")

        names = {name for name, _ in wheel.files() if ".dist-info" not in name}

        assert names == {"six.py", "six_fast.so"}


class TestTheCache:
    def test_wheels_that_are_there_need_no_network(self, tmp_path: Path) -> None:
        wheel = wheel_of(CODE, tmp_path / "six-1.0-py3-none-any.whl")
        requirements = pins(tmp_path, wheel.digest_hex)
        folder = folder_in_cache(requirements, tmp_path / "cache")
        wheel.path.rename(folder / wheel.path.name)

        [found] = fetched(requirements, "3.11", tmp_path / "cache")

        assert (found.name, found.version, found.digest_hex) == ("six", "1.0", wheel.digest_hex)

    def test_a_wheel_that_was_altered_there_is_refused(self, tmp_path: Path) -> None:
        wheel = wheel_of(CODE, tmp_path / "six-1.0-py3-none-any.whl")
        requirements = pins(tmp_path, "0" * 64)
        folder = folder_in_cache(requirements, tmp_path / "cache")
        wheel.path.rename(folder / wheel.path.name)

        with pytest.raises(BuildFailed, match="not the file that was pinned"):
            fetched(requirements, "3.11", tmp_path / "cache")

    def test_one_that_lacks_a_package_is_refused(self, tmp_path: Path) -> None:
        requirements = pins(tmp_path, "0" * 64)
        folder_in_cache(requirements, tmp_path / "cache")

        with pytest.raises(BuildFailed, match="other packages than the pins name"):
            fetched(requirements, "3.11", tmp_path / "cache")

    def test_a_file_of_the_same_release_that_was_not_chosen_is_refused(
        self, tmp_path: Path
    ) -> None:
        wheel = wheel_of(CODE, tmp_path / "six-1.0-py3-none-any.whl")
        requirements = pins(tmp_path, wheel.digest_hex, "0" * 64)
        (tmp_path / CHOSEN).write_text(f"{'0' * 64}  six-1.0-py2-none-any.whl\n")
        folder = folder_in_cache(requirements, tmp_path / "cache")
        wheel.path.rename(folder / wheel.path.name)

        with pytest.raises(BuildFailed, match="not the file that was pinned"):
            fetched(requirements, "3.11", tmp_path / "cache")

    def test_a_pin_of_which_nothing_was_chosen_says_what_to_do(self, tmp_path: Path) -> None:
        requirements = pins(tmp_path, "0" * 64)
        (tmp_path / CHOSEN).write_text("")

        with pytest.raises(BuildFailed, match=r"no wheel of six==1\.0 was chosen") as refused:
            fetched(requirements, "3.11", tmp_path / "cache")
        assert refused.value.hint == "make requirements"


class TestTheChosen:
    def test_are_one_a_package_for_each_python_and_none_besides(self) -> None:
        lists = [
            (ROOT / f"requirements/{name}.txt").read_text() for name in ("server-s3", "intake")
        ]
        pinned = {
            pin for pins in lists for pin in re.findall(r"^([\w.-]+==\S+)", pins, re.MULTILINE)
        }
        chosen = [
            line.split("  ") for line in (ROOT / "requirements" / CHOSEN).read_text().splitlines()
        ]

        assert {digest for digest, _ in chosen} <= set(
            re.findall(r"sha256:(\w{64})", "".join(lists))
        )
        for python in PYTHONS:
            fitting = [name for _, name in chosen if fits(name, python)]
            named = [
                f"{re.sub('[-_.]+', '-', x.split('-')[0]).lower()}=={x.split('-')[1]}"
                for x in fitting
            ]
            assert sorted(named) == sorted(pinned)
        assert all(any(fits(name, python) for python in PYTHONS) for _, name in chosen)


class TestThePins:
    @pytest.mark.parametrize("python", PYTHONS)
    @pytest.mark.parametrize("name", ["server", "intake"])
    @pytest.mark.xdist_group("bundle")
    def test_each_has_a_wheel_for_both_pythons(self, name: str, python: str) -> None:
        wheels = fetched(ROOT / f"requirements/{name}.txt", python, ROOT / "build/wheels")

        assert wheels
        assert [wheel for wheel in wheels if not fits(wheel.path.name, python)] == []

"""What a folder carries of others may be there, and is listed for other programs to read."""

import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from bundling import BuildFailed, licences
from bundling.licences import COMPATIBLE, INSIDE, LICENCES, compatible, licence_of, texts
from bundling.sbom import listed
from bundling.source import source_at
from bundling.wheels import PYTHONS, Wheel, fetched

ROOT = Path(__file__).parents[3]
SOURCE = source_at(ROOT)

pytestmark = pytest.mark.xdist_group("bundle")

VALIDATE = """
import json, sys
from pathlib import Path
from jsonschema import Draft7Validator, RefResolver
schemas = Path(sys.argv[1])
bom = json.loads((schemas / "bom-1.6.SNAPSHOT.schema.json").read_text())
files = {f"{name}.SNAPSHOT.schema.json" for name in ("spdx", "jsf-0.82", "cryptography-defs")}
at = "http://cyclonedx.org/schema/"
store = {at + name: json.loads((schemas / name).read_text()) for name in files}
validator = Draft7Validator(bom, resolver=RefResolver.from_schema(bom, store=store))
for fault in validator.iter_errors(json.load(sys.stdin)):
    print(list(fault.path), fault.message[:200])
"""
"""Debian's python3-jsonschema, so a program of others, judges by CycloneDX's own schema."""


@pytest.fixture(scope="module")
def wheels() -> list[Wheel]:
    """Everything that server and desk carry of others, for both Pythons."""
    return [
        wheel
        for name in ("server", "intake")
        for python in PYTHONS
        for wheel in fetched(ROOT / f"requirements/{name}.txt", python, ROOT / "build/wheels")
    ]


@pytest.fixture(scope="module")
def written(wheels: list[Wheel]) -> str:
    """A list of all of it."""
    return listed("tapedrop", SOURCE, wheels)


def schema_faults(bom: str) -> str:
    """Return what CycloneDX's schema says against a list; nothing when it fits."""
    library = find_spec("cyclonedx")
    assert library is not None
    assert library.origin is not None
    schemas = Path(library.origin).parent / "schema/_res"
    command = ["/usr/bin/python3", "-W", "ignore", "-I", "-c", VALIDATE, str(schemas)]
    done = subprocess.run(command, input=bom, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestLicences:
    def test_each_may_be_part_of_a_work_under_ours(self) -> None:
        assert [name for name in LICENCES if not compatible(LICENCES[name])] == []
        carried = [each.licence for inside in INSIDE.values() for each in inside]
        assert [licence for licence in carried if not compatible(licence)] == []

    @pytest.mark.parametrize("name", ["server", "server-s3", "intake"])
    def test_somebody_has_read_that_of_every_package(self, name: str) -> None:
        pins = (ROOT / f"requirements/{name}.txt").read_text()

        for package in re.findall(r"^([\w.-]+)==", pins, re.MULTILINE):
            assert licence_of(package)

    def test_of_no_package_that_is_gone(self) -> None:
        pins = "".join(
            (ROOT / f"requirements/{x}.txt").read_text() for x in ("server-s3", "intake")
        )

        assert set(LICENCES) == set(re.findall(r"^([\w.-]+)==", pins, re.MULTILINE))
        assert set(INSIDE) <= set(LICENCES)

    def test_are_those_that_the_packages_name(self, wheels: list[Wheel]) -> None:
        named = {each.name: each.metadata()["License-Expression"] for each in wheels}

        assert {name: said for name, said in named.items() if said} == {
            name: LICENCES[name] for name, said in named.items() if said
        }

    def test_an_unknown_one_stops_the_build(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(BuildFailed, match="under which terms left-pad comes"):
            licence_of("left-pad")
        monkeypatch.setitem(licences.LICENCES, "left-pad", "GPL-2.0-only")
        with pytest.raises(BuildFailed, match="can't be part"):
            licence_of("left-pad")

    @pytest.mark.parametrize(
        ("expression", "may"),
        [
            ("MIT", True),
            ("GPL-2.0-only", False),
            ("GPL-2.0-only OR MIT", True),
            ("GPL-2.0-only AND MIT", False),
            ("Apache-2.0 AND MIT", True),
        ],
    )
    def test_and_asks_for_both_or_for_either(self, expression: str, may: bool) -> None:
        assert compatible(expression) is may

    @pytest.mark.parametrize("name", sorted(INSIDE))
    def test_of_what_is_inside_a_wheel_have_their_text(
        self, wheels: list[Wheel], name: str
    ) -> None:
        wheel = next(each for each in wheels if each.name == name)

        brought = {path.partition("/")[2] for path, _ in texts(wheel, SOURCE)}

        assert {f"{text}.txt" for each in INSIDE[name] for text in each.texts} <= brought

    def test_of_every_library_beside_a_package_somebody_has_read_them(
        self, wheels: list[Wheel]
    ) -> None:
        beside = {
            (wheel.name, PurePosixPath(path).name)
            for wheel in wheels
            for path, _ in wheel.files(r"^[^/]+\.libs/.")
        }

        known = [
            (name, library)
            for name, library in beside
            for each in INSIDE.get(name, ())
            if each.libraries
            and re.fullmatch(rf"lib({each.libraries})-[0-9a-f-]+\.so[.\d]*", library)
        ]
        assert len(beside) > 30
        assert sorted(known) == sorted(beside)

    def test_are_explained_where_dependencies_are(self) -> None:
        page = (ROOT / "docs/dependencies.md").read_text()

        rows = dict(re.findall(r"^\| `([\w. -]+)` \| ([^|]+) \|$", page, re.MULTILINE))
        assert rows == COMPATIBLE


class TestTheListOfParts:
    def test_fits_cyclonedx_s_own_schema(self, written: str) -> None:
        assert schema_faults(written) == ""
        assert "'type'" in schema_faults(written.replace('"type": "library",', "", 1))

    def test_names_every_wheel_with_licence_address_and_digest(
        self, written: str, wheels: list[Wheel]
    ) -> None:
        components = {each["bom-ref"]: each for each in json.loads(written)["components"]}

        assert set(components) == {wheel.path.name for wheel in wheels}
        for wheel in wheels:
            found = components[wheel.path.name]
            assert (found["name"], found["version"]) == (wheel.name, wheel.version)
            assert found["licenses"] == [{"expression": LICENCES[wheel.name]}]
            assert found["hashes"] == [{"alg": "SHA-256", "content": wheel.digest_hex}]
            assert found["purl"].startswith(f"pkg:pypi/{wheel.name}@{wheel.version}?file_name=")

    def test_names_the_openssl_inside_with_its_version(self, written: str) -> None:
        for name in ("cryptography", "sqlcipher3"):
            assert re.fullmatch(r"\d+\.\d+\.\d+", inside(json.loads(written), name, "OpenSSL"))

    def test_is_the_same_each_time(self, written: str, wheels: list[Wheel]) -> None:
        assert listed("tapedrop", SOURCE, wheels[::-1]) == written


def inside(bom: Any, name: str, part: str) -> str:
    """Return the version of a part that a package's binary holds."""
    component = next(each for each in bom["components"] if each["name"] == name)
    version: str = next(x["version"] for x in component["components"] if x["name"] == part)
    return version

"""The list of what a folder holds, for other programs: CycloneDX 1.6, JSON.

One component a wheel, with its purl, licence and SHA-256; inside it what its binary holds of
others, such as OpenSSL. The same wheels make the same list: its time is the commit's, its serial
number comes from what it lists.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from bundling.licences import INSIDE, Carried, licence_of
from bundling.source import Source
from bundling.wheels import Wheel

NAME: Final = "sbom.cdx.json"
_OURS: Final = "AGPL-3.0-or-later"


def listed(name: str, source: Source, wheels: Sequence[Wheel]) -> str:
    """Return the list of a folder called `name` as JSON, ending with a line break."""
    once = {wheel.path.name: wheel for wheel in wheels}
    whole = _component(name, source.version, _OURS, name)
    bom = Bom(
        components=[_of_wheel(wheel) for wheel in once.values()],
        serial_number=uuid5(
            NAMESPACE_URL,
            "\n".join([name, source.version, *sorted(wheel.digest_hex for wheel in once.values())]),
        ),
    )
    bom.metadata.component = whole
    bom.metadata.timestamp = datetime.fromtimestamp(source.made, UTC)
    bom.register_dependency(whole, bom.components)
    return f"{JsonV1Dot6(bom).output_as_string(indent=2)}\n"


def _of_wheel(wheel: Wheel) -> Component:
    component = _component(wheel.name, wheel.version, licence_of(wheel.name), wheel.path.name)
    component.purl = PackageURL(
        "pypi", None, wheel.name, wheel.version, {"file_name": wheel.path.name}
    )
    component.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=wheel.digest_hex))
    for inside in INSIDE.get(wheel.name, ()):
        ref = f"{wheel.path.name}#{inside.name}"
        component.components.add(
            _component(inside.name, _version_inside(wheel, inside), inside.licence, ref)
        )
    return component


def _component(name: str, version: str | None, licence: str, ref: str) -> Component:
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=BomRef(ref),
        licenses=[LicenseExpression(licence)],
    )


def _version_inside(wheel: Wheel, inside: Carried) -> str | None:
    """Return which version of `inside` a wheel's libraries name; None when they don't."""
    if inside.version is None:
        return None
    found = {match for held in _libraries(wheel) for match in inside.version.findall(held)}
    return max(found).decode() if found else None


def _libraries(wheel: Wheel) -> Iterator[bytes]:
    return (held for _, held in wheel.files(r"\.so$"))

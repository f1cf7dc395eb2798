"""Under which terms other people's packages come, and that ours may stand on them.

The table is ours: what packages say of themselves is often a word like "BSD". A package that isn't
in it stops the build until somebody has read its licence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from bundling import BuildFailed
from bundling.source import Source
from bundling.wheels import Wheel

LICENCES: Final = {
    "aiobotocore": "Apache-2.0",
    "aiohappyeyeballs": "PSF-2.0",
    "aiohttp": "Apache-2.0 AND MIT",
    "aiohttp-jinja2": "Apache-2.0",
    "aioitertools": "MIT",
    "aiosignal": "Apache-2.0",
    "attrs": "MIT",
    "babel": "BSD-3-Clause",
    "botocore": "Apache-2.0",
    "cffi": "MIT-0",
    "click": "BSD-3-Clause",
    "cryptography": "Apache-2.0 OR BSD-3-Clause",
    "frozenlist": "Apache-2.0",
    "idna": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "jmespath": "MIT",
    "markupsafe": "BSD-3-Clause",
    "mnemonic": "MIT",
    "msgspec": "BSD-3-Clause",
    "multidict": "Apache-2.0",
    "mutagen": "GPL-2.0-or-later",
    "propcache": "Apache-2.0",
    "pycparser": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "python-gnupg": "BSD-3-Clause",
    "python-socks": "Apache-2.0",
    "segno": "BSD-3-Clause",
    "six": "MIT",
    "sqlcipher3": "Zlib",
    "structlog": "MIT OR Apache-2.0",
    "typing-extensions": "PSF-2.0",
    "urllib3": "MIT",
    "wrapt": "BSD-2-Clause",
    "yarl": "Apache-2.0",
}
"""SPDX expressions."""

COMPATIBLE: Final = {
    "Apache-2.0": "one way into GPL-3.0 and AGPL-3.0, as their authors agree",
    "BSD-2-Clause": "asks for its notice only",
    "BSD-3-Clause": "asks for its notice only",
    "GPL-2.0-or-later": "may be taken as GPL-3.0, whose section 13 lets it be joined to AGPL-3.0",
    "MIT": "asks for its notice only",
    "MIT-0": "asks for nothing",
    "PSF-2.0": "asks for its notice only",
    "Unicode-3.0": "asks for its notice only",
    "Zlib": "asks for its notice only",
    "blessing": "public domain",
}
"""Licences whose works may be part of one under AGPL-3.0-or-later, and why."""

_TEXTS: Final = r"(licen[cs]e|copying|notice)[^/]*(?<!\.py)$|/licenses/"


@dataclass(frozen=True, slots=True)
class Carried:
    """What a wheel holds of others; `version` finds which in its bytes, where it says so.

    `lacks_text`: the wheel brings no licence of it, so that lies in deploy/licences, word for word.
    """

    name: str
    licence: str
    version: re.Pattern[bytes] | None = None
    lacks_text: bool = True


_OPENSSL: Final = re.compile(rb"OpenSSL (\d+\.\d+\.\d+)")

INSIDE: Final = {
    "babel": (Carried("CLDR", "Unicode-3.0", lacks_text=False),),
    "cffi": (Carried("libffi", "MIT"),),
    "cryptography": (Carried("OpenSSL", "Apache-2.0", _OPENSSL),),
    "sqlcipher3": (
        Carried("SQLCipher", "BSD-3-Clause"),
        Carried("SQLite", "blessing", lacks_text=False),
        Carried("OpenSSL", "Apache-2.0", _OPENSSL),
    ),
}
"""What wheels hold besides the package itself, as their authors build them."""


def licence_of(name: str) -> str:
    """Return a package's SPDX expression; raises BuildFailed when nobody has read it yet."""
    if name not in LICENCES:
        raise BuildFailed(
            f"nobody has said under which terms {name} comes",
            "read its licence, add it to deploy/bundling/licences.py",
        )
    if not compatible(LICENCES[name]):
        raise BuildFailed(f"{name} can't be part of a work under AGPL-3.0: {LICENCES[name]}")
    return LICENCES[name]


def compatible(expression: str) -> bool:
    """Return whether a work under an SPDX expression (AND above OR) may be part of ours."""
    return all(
        any(licence in COMPATIBLE for licence in either.split(" OR "))
        for either in expression.split(" AND ")
    )


def texts(wheel: Wheel, source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield the licence texts of a package and of what is inside: `NAME-VERSION/FILE`, its bytes.

    Raises BuildFailed when it brings none.
    """
    found = list(wheel.files(_TEXTS))
    if not found:
        raise BuildFailed(f"{wheel.path.name} brings no licence text")
    for name, held in found:
        parts = PurePosixPath(name).parts
        own = [part for part in parts if part != "licenses" and not part.endswith(".dist-info")]
        yield f"{wheel.name}-{wheel.version}/{'-'.join(own)}", held
    for inside in INSIDE.get(wheel.name, ()):
        if inside.lacks_text:
            file = f"{inside.name}.txt"
            yield f"{wheel.name}-{wheel.version}/{file}", source.read(f"deploy/licences/{file}")

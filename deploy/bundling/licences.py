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
    "av": "BSD-3-Clause",
    "babel": "BSD-3-Clause",
    "botocore": "Apache-2.0",
    "cffi": "MIT-0",
    "click": "BSD-3-Clause",
    "cryptography": "Apache-2.0 OR BSD-3-Clause",
    "frozenlist": "Apache-2.0",
    "idna": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "jmespath": "MIT",
    "markdown-it-py": "MIT",
    "markupsafe": "BSD-3-Clause",
    "mdurl": "MIT",
    "mnemonic": "MIT",
    "msgspec": "BSD-3-Clause",
    "multidict": "Apache-2.0",
    "mutagen": "GPL-2.0-or-later",
    "numpy": "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0",
    "propcache": "Apache-2.0",
    "pycparser": "BSD-3-Clause",
    "pygments": "BSD-2-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "python-gnupg": "BSD-3-Clause",
    "python-socks": "Apache-2.0",
    "rich": "MIT",
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
    "0BSD": "asks for nothing",
    "Apache-2.0": "one way into GPL-3.0 and AGPL-3.0, as their authors agree",
    "BSD-2-Clause": "asks for its notice only",
    "BSD-3-Clause": "asks for its notice only",
    "BSD-3-Clause-Clear": "asks for its notice only, and gives no patents",
    "BSD-3-Clause-Open-MPI": "asks for its notice only",
    "CC0-1.0": "asks for nothing",
    "GPL-2.0-or-later": "may be taken as GPL-3.0, whose section 13 lets it be joined to AGPL-3.0",
    "GPL-3.0-or-later": "its section 13 lets it be joined to AGPL-3.0",
    "GPL-3.0-or-later WITH GCC-exception-3.1": "as GPL-3.0, and asks less",
    "LGPL-2.0-or-later": "may be taken as GPL-3.0",
    "LGPL-2.1-or-later": "may be taken as GPL-3.0",
    "LGPL-3.0-or-later": "GPL-3.0, and asks less",
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

    `lacks_text`: the wheel brings no licence of it, so that lies in deploy/licences, word for word;
    and there also what `whole` names: licences that the notice of it only points to. `libraries`
    is a pattern for its files among those that the wheel was repaired with (`NAME.libs/`).
    """

    name: str
    licence: str
    version: re.Pattern[bytes] | None = None
    lacks_text: bool = True
    whole: tuple[str, ...] = ()
    libraries: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The files in deploy/licences that belong to it."""
        return (self.name, *self.whole) if self.lacks_text else self.whole


_OPENSSL: Final = re.compile(rb"OpenSSL (\d+\.\d+\.\d+)")

_LGPL_3: Final = ("LGPL-3", "GPL-3")

INSIDE: Final = {
    "av": (
        # They build it for version 3 of the LGPL, and x264 and x265 with it: together, the GPL's.
        Carried(
            "FFmpeg",
            "LGPL-3.0-or-later",
            re.compile(rb"FFmpeg version (\d+(?:\.\d+)+)"),
            whole=("LGPL-2.1", *_LGPL_3),
            libraries="av(codec|device|filter|format|util)|sw(resample|scale)",
        ),
        Carried("GMP", "LGPL-3.0-or-later OR GPL-2.0-or-later", whole=_LGPL_3, libraries="gmp"),
        Carried("GnuTLS", "LGPL-2.1-or-later", whole=("LGPL-2.1",), libraries="gnutls"),
        Carried("LAME", "LGPL-2.0-or-later", whole=("LGPL-2",), libraries="mp3lame"),
        Carried(
            "Nettle",
            "LGPL-3.0-or-later OR GPL-2.0-or-later",
            whole=_LGPL_3,
            libraries="nettle|hogweed",
        ),
        Carried(
            "OpenCORE-AMR", "Apache-2.0", whole=("Apache-2.0",), libraries="opencore-amr(nb|wb)"
        ),
        Carried("Opus", "BSD-3-Clause", re.compile(rb"libopus (\d[\d.]+)"), libraries="opus"),
        Carried("SVT-AV1", "BSD-3-Clause-Clear", libraries="SvtAv1Enc"),
        Carried("alsa-lib", "LGPL-2.1-or-later", whole=("LGPL-2.1",), libraries="asound"),
        Carried("dav1d", "BSD-2-Clause", libraries="dav1d"),
        Carried("libXau", "MIT", libraries="Xau"),
        Carried("libdrm", "MIT", libraries="drm"),
        Carried(
            "libunistring",
            "LGPL-3.0-or-later OR GPL-2.0-or-later",
            whole=_LGPL_3,
            libraries="unistring",
        ),
        Carried("libvpl", "MIT", libraries="vpl"),
        Carried("libvpx", "BSD-3-Clause", libraries="vpx"),
        Carried("libwebp", "BSD-3-Clause", libraries="webp(mux)?|sharpyuv"),
        Carried("libxcb", "MIT", libraries="xcb(-shape|-shm|-xfixes)?"),
        Carried("x264", "GPL-2.0-or-later", whole=("GPL-2",), libraries="x264"),
        Carried("x265", "GPL-2.0-or-later", whole=("GPL-2",), libraries="x265"),
    ),
    "babel": (Carried("CLDR", "Unicode-3.0", lacks_text=False),),
    "cffi": (Carried("libffi", "MIT"),),
    "cryptography": (Carried("OpenSSL", "Apache-2.0", _OPENSSL),),
    "numpy": (
        Carried(
            "OpenBLAS",
            "BSD-3-Clause",
            re.compile(rb"OpenBLAS (\d+(?:\.\d+)+)"),
            lacks_text=False,
            libraries="scipy_openblas64_",
        ),
        Carried("LAPACK", "BSD-3-Clause-Open-MPI", lacks_text=False),
        Carried(
            "libgfortran",
            "GPL-3.0-or-later WITH GCC-exception-3.1",
            lacks_text=False,
            libraries="gfortran",
        ),
        Carried("libquadmath", "LGPL-2.1-or-later", lacks_text=False, libraries="quadmath"),
    ),
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
    for text in sorted({text for inside in INSIDE.get(wheel.name, ()) for text in inside.texts}):
        held = source.read(f"deploy/licences/{text}.txt")
        yield f"{wheel.name}-{wheel.version}/{text}.txt", held

"""Make what people install: the same bytes each time, whoever builds.

    build.py --to dist server desk               archives, and beside them the sums of both and of
                                                 what is in each
    build.py --to dist --sign FINGERPRINT …      also an .asc for each, and the public key

    server       tapedrop-server-VERSION.tar.gz
    server-s3    the same with what a store over S3 needs
    desk         tapedrop-desk-VERSION.tar.gz
    deb          tapedrop-server_VERSION_amd64.deb, the server's folder for dpkg

What git doesn't know is left out. Folders are made below build/, which also keeps the wheels: after
the first time no network is needed.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bundling import BuildFailed
from bundling.archive import ARCHIVE, packed, sums_beside, sums_of
from bundling.deb import deb
from bundling.folders import desk_folder, server_folder
from bundling.signing import key_beside, signed
from bundling.source import Source, source_at

ROOT: Final = Path(__file__).resolve().parent.parent


def main() -> int:
    """Build what the command line names; return 0, or 2 when it can't be done."""
    parser = argparse.ArgumentParser(description="Make what people install.")
    parser.add_argument("--to", metavar="DIR", type=Path, required=True, help="where archives go")
    parser.add_argument("--sign", metavar="FINGERPRINT", help="vouch for them with this key")
    parser.add_argument(
        "--work", metavar="DIR", type=Path, default=ROOT / "build", help="for folders"
    )
    parser.add_argument("what", nargs="+", choices=KINDS)
    words = parser.parse_args()
    try:
        source = source_at(ROOT)
        if source.changed:
            said = (
                f"{len(source.changed)} files are not as the commit has them, {source.changed[0]} …"
            )
            if words.sign:
                raise BuildFailed(said, "commit first: others must be able to build the same")
            print(f"build: note: {said}", file=sys.stderr)
        words.to.mkdir(parents=True, exist_ok=True)
        made = [KINDS[kind](source, words.to, words.work) for kind in words.what]
        made += [sums_of(archive) for archive in made if archive.name.endswith(ARCHIVE)]
        made.append(sums_beside(words.to, made))
        if words.sign:
            print(key_beside(words.to, words.sign))
        for path in [*made, *(signed(path, words.sign) for path in made if words.sign)]:
            print(path)
    except (BuildFailed, OSError) as error:
        print(f"build: error: {error}", file=sys.stderr)
        if isinstance(error, BuildFailed) and error.hint:
            print(f"build: hint: {error.hint}", file=sys.stderr)
        return 2
    return 0


def server(source: Source, to: Path, work: Path) -> Path:
    """Make the server's archive."""
    return packed(server_folder(source, work / "folders", work / "wheels"), to, source.made)


def server_s3(source: Source, to: Path, work: Path) -> Path:
    """Make the archive of a server whose store is S3."""
    folder = server_folder(source, work / "folders", work / "wheels", "server-s3")
    return packed(folder, to, source.made)


def desk(source: Source, to: Path, work: Path) -> Path:
    """Make the desk's archive."""
    folder = desk_folder(source, work / "folders", work / "wheels")
    return packed(folder, to, source.made, for_fat=True)


def debian(source: Source, to: Path, work: Path) -> Path:
    """Make the server's Debian package."""
    folder = server_folder(source, work / "folders", work / "wheels")
    return deb(folder, to, version=source.version, seconds=source.made)


KINDS: Final[Mapping[str, Callable[[Source, Path, Path], Path]]] = {
    "server": server,
    "server-s3": server_s3,
    "desk": desk,
    "deb": debian,
}

if __name__ == "__main__":
    sys.exit(main())

"""Of which version is what this drop keeps: refuse what a later Tapedrop wrote.

    tapedrop.toml          version = 1                   (`config/`)
    receipts/version       "tapedrop receipts 1\\n"       all files beside it; without it: 1
    store, salts/<mark>    "tapedrop store 1\\n"          all objects in it (`store/ours.py`)
    desks/<key>.json       {"version": 2, …}             that desk (`desks.py`); 1 is read still
    desks/roster           {"version": 1, …}             who reads (`roster.py`)
    outbox/                OpenPGP messages (RFC 9580)
    credentials/           the salt is the store's; the others name their own form

Objects, envelopes, bags and replies carry one inside besides. A change that an older Tapedrop
would misread gets the next number; what is older is read for good.
"""

import re
from pathlib import Path
from typing import Final

from crypto.errors import NewerVersion
from server.errors import NotFit
from server.files import read_regular

RECEIPTS: Final = b"tapedrop receipts 1\n"
VERSION_FILE: Final = "version"
_WRITTEN: Final = re.compile(rb"tapedrop receipts ([1-9][0-9]{0,5})\n")
_NEWEST: Final = 1
_LONGEST: Final = 64


def known_receipts(receipts: Path) -> None:
    """Return when the files there can be read. Raises NewerVersion; NotFit when it can't be told.

    A folder from before it was written down has no such file.
    """
    path = receipts / VERSION_FILE
    try:
        written = _WRITTEN.fullmatch(read_regular(path, _LONGEST))
    except FileNotFoundError:
        return
    except ValueError:
        written = None
    if written is None:
        raise NotFit([f"{path} is spoilt: it must say {RECEIPTS.decode().strip()!r}"])
    if int(written[1]) > _NEWEST:
        raise NewerVersion(f"{receipts}, {written[0].decode().strip()}")

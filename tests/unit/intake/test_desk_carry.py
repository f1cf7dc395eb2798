"""A bag that a desk puts on a stick is for another machine, with other users."""

import stat
from datetime import date
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.bag import Bag, Kind
from intake.answering.carry import put_bag

RECEIPTS = {"data/receipts.json": b"{}"}


def modes(folder: Path) -> set[str]:
    return {stat.filemode(path.stat().st_mode) for path in folder.rglob("*")}


class TestABagOnAStick:
    def test_can_be_read_and_answered_on_by_the_servers_user(self, tmp_path: Path) -> None:
        digests = {name: sha256(content).digest() for name, content in RECEIPTS.items()}
        bag = Bag(Kind.ANSWERS, date(2026, 11, 21), (), digests)

        put_bag(tmp_path, bag, RECEIPTS, Ed25519PrivateKey.generate())

        assert stat.filemode((tmp_path / "TAPEDROP").stat().st_mode) == "drwxrwxrwt"
        assert modes(tmp_path / "TAPEDROP") == {"drwxr-xr-x", "-rw-r--r--"}

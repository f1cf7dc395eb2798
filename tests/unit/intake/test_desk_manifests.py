"""Whatever a list says and whoever signed it: a bag names envelopes of its own, or is refused."""

import os
import tempfile
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import CryptoError
from intake.arriving.stick import StickBag
from intake.errors import BagRefused

KEY = Ed25519PrivateKey.generate()
ENVELOPE = b"an envelope"
NAMES = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")
INFO = b"Bagging-Date: 2026-11-20\nTapedrop-Bag: 1 drops\n"

hostile = st.sampled_from([
    "data/../../x.gpg", "/etc/passwd", "data//x.gpg", "data/.gpg", "../x", "data/x.gpg\0",
    "data/X.gpg", "data/x.json", "data/a/b.gpg", "data/x.gpg ", "data/\u202ex.gpg", ".", "..",
    "data", "fetch.txt",
])  # fmt: skip
ours = st.from_regex(r"data/[a-z0-9-]{1,8}\.gpg", fullmatch=True)
name = st.one_of(ours, ours, hostile, st.text(max_size=20))
digest = st.one_of(
    st.just(sha256(ENVELOPE).hexdigest()),
    st.sampled_from(["", "0" * 63, "0" * 65, "F" * 64, "é" * 64]),
)
line = st.builds(
    "{}{}{}{}".format, digest, st.sampled_from(["  ", " ", "\t", " *"]), name,
    st.sampled_from(["\n", "\r\n", "", "\x0b", "\n\n"]),
)  # fmt: skip
manifests = st.one_of(
    st.lists(st.builds("{}  {}\n".format, st.just(sha256(ENVELOPE).hexdigest()), name)),
    st.lists(line, max_size=6),
).map("".join)


def written(folder: Path, manifest: bytes, info: bytes) -> None:
    """Write a bag whose lists say this, signed as if by the server."""
    lists = {"bag-info.txt": info, "manifest-sha256.txt": manifest}
    lists["bagit.txt"] = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    tags = "".join(f"{sha256(lists[name]).hexdigest()}  {name}\n" for name in NAMES).encode()
    lists["tagmanifest-sha256.txt"] = tags
    signature = KEY.sign(b"tapedrop bag 1\x00" + tags)
    lists["tagmanifest-sha256.txt.ed25519"] = signature.hex().encode() + b"\n"
    for name, content in lists.items():
        (folder / name).write_bytes(content)
    (folder / "data").mkdir()
    for each in manifest.decode(errors="replace").splitlines():
        below = os.path.basename(each.partition("  ")[2])  # noqa: PTH119  hostile text
        try:
            (folder / "data" / below).write_bytes(ENVELOPE)
        except (OSError, ValueError):
            continue


@given(manifests, st.one_of(st.just(INFO), st.binary(max_size=80)))
def test_a_bag_names_plain_files_of_its_own_or_is_refused(manifest: str, info: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        written(Path(name), manifest.encode(errors="replace"), info)
        try:
            with StickBag(Path(name), KEY.public_key()) as bag:
                found = {each.name: b"".join(bag.blocks(each)) for each in bag.envelopes}
        except (BagRefused, CryptoError):
            return
        assert found == {path.name: ENVELOPE for path in (Path(name) / "data").iterdir()}
        assert all(each.endswith(".gpg") and "/" not in each for each in found)


@given(st.lists(ours, min_size=1, unique=True))
def test_whatever_the_server_may_list_is_taken(names: list[str]) -> None:
    manifest = "".join(f"{sha256(ENVELOPE).hexdigest()}  {each}\n" for each in sorted(names))
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder), manifest.encode(), INFO)
        with StickBag(Path(folder), KEY.public_key()) as bag:
            assert {f"data/{each.name}" for each in bag.envelopes} == set(names)

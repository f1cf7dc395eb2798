"""A bag is what its signer put into it, all of it and nothing else."""

from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto.bag import (
    BAG_INFO,
    MANIFEST,
    SIGNATURE,
    TAG_FILES,
    TAGMANIFEST,
    Bag,
    Kind,
    tag_files,
    verified,
)
from crypto.errors import BadBag, NewerVersion, WrongSignature

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PAYLOAD = {f"data/{number:032x}.gpg": b"envelope %d" % number for number in range(3)}
BAG = Bag(
    kind=Kind.DROPS,
    day=date(2026, 11, 20),
    newsroom=("A" * 40, "B" * 40),
    digests={name: sha256(content).digest() for name, content in PAYLOAD.items()},
)
FILES = tag_files(BAG, KEY)


def checked(files: dict[str, bytes]) -> Bag:
    return verified(files, KEY.public_key())


def signed_anew(files: dict[str, bytes]) -> dict[str, bytes]:
    """Sign as the server's key would, so that what is tested lies behind the signature."""
    listed = {name: files[name] for name in ("bag-info.txt", "bagit.txt", MANIFEST)}
    lines = [f"{sha256(text).hexdigest()}  {name}\n" for name, text in sorted(listed.items())]
    return signed(files | {TAGMANIFEST: "".join(lines).encode()})


def signed(files: dict[str, bytes]) -> dict[str, bytes]:
    signature = KEY.sign(b"tapedrop bag 1\x00" + files[TAGMANIFEST])
    return files | {SIGNATURE: signature.hex().encode()}


class TestMaking:
    def test_what_was_put_in_comes_out(self) -> None:
        assert checked(FILES) == BAG

    def test_the_other_way_too(self) -> None:
        answers = Bag(Kind.ANSWERS, date(2026, 1, 2), (), {"data/a.json": bytes(32)})
        assert checked(tag_files(answers, KEY)) == answers

    def test_an_empty_bag_is_a_bag(self) -> None:
        empty = Bag(Kind.DROPS, date(2026, 1, 2), (), {})
        assert checked(tag_files(empty, KEY)) == empty

    def test_the_same_content_makes_the_same_bytes(self) -> None:
        backwards = dict(reversed(BAG.digests.items()))
        assert tag_files(Bag(BAG.kind, BAG.day, BAG.newsroom, backwards), KEY) == FILES

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_other_peoples_bagit_finds_it_valid(self, tmp_path: Path) -> None:
        import bagit

        (tmp_path / "data").mkdir()
        for name, content in (FILES | PAYLOAD).items():
            (tmp_path / name).write_bytes(content)
        bag = bagit.Bag(str(tmp_path))
        assert bag.validate(processes=1)
        assert bag.info["Tapedrop-Bag"] == "1 drops"
        (tmp_path / next(iter(PAYLOAD))).write_bytes(b"another envelope")
        with pytest.raises(bagit.BagValidationError):
            bag.validate(processes=1)

    @pytest.mark.parametrize(
        "name",
        [
            "data/../x.gpg",
            "../x.gpg",
            "/x.gpg",
            "data//x.gpg",
            "data/x/y.gpg",
            "data/X.gpg",
            "data/x.exe",
            "data/.gpg",
            "data/x.gpg\n",
            "data/x y.gpg",
            "data/ü.gpg",
            "data/" + "x" * 81 + ".gpg",
            "x.gpg",
            "bagit.txt",
            "",
        ],
    )
    def test_a_name_that_could_point_elsewhere_is_neither_written_nor_read(self, name: str) -> None:
        with pytest.raises(BadBag):
            tag_files(Bag(BAG.kind, BAG.day, (), {name: bytes(32)}), KEY)
        line = f"{bytes(32).hex()}  {name}\n".encode()
        with pytest.raises(BadBag):
            checked(signed_anew(FILES | {MANIFEST: line}))


class TestSignature:
    def test_another_signer_is_refused(self) -> None:
        with pytest.raises(WrongSignature):
            verified(FILES, Ed25519PrivateKey.generate().public_key())

    @pytest.mark.parametrize("signature", [b"", b"00", b"\xff" * 64, b"zz" * 64, b"00" * 64])
    def test_what_is_no_signature_is_refused(self, signature: bytes) -> None:
        with pytest.raises(WrongSignature):
            checked(FILES | {SIGNATURE: signature})

    def test_a_signature_over_the_list_alone_is_not_one_over_a_bag(self) -> None:
        bare = KEY.sign(FILES[TAGMANIFEST]).hex().encode()
        with pytest.raises(WrongSignature):
            checked(FILES | {SIGNATURE: bare})

    @pytest.mark.parametrize("name", TAG_FILES)
    def test_a_missing_list_is_named(self, name: str) -> None:
        without = {other: text for other, text in FILES.items() if other != name}
        with pytest.raises(BadBag) as raised:
            checked(without)
        assert raised.value.name == name

    @examples(200)
    @given(st.sampled_from(TAG_FILES), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
    def test_a_single_flipped_bit_in_any_list_is_noticed(
        self, name: str, where: float, bit: int
    ) -> None:
        text = bytearray(FILES[name])
        text[int(where * len(text))] ^= 1 << bit
        try:
            bag = checked(FILES | {name: bytes(text)})
        except (WrongSignature, BadBag):
            return
        # In the signature's hex a bit may turn a letter into its capital, or its end into a space.
        assert name == SIGNATURE
        assert bag == BAG

    def test_lists_of_two_bags_can_not_be_mixed(self) -> None:
        other = tag_files(Bag(Kind.ANSWERS, BAG.day, (), {}), KEY)
        for name in ("bag-info.txt", MANIFEST):
            with pytest.raises(BadBag) as raised:
                checked(FILES | {name: other[name]})
            assert raised.value.name == name
        with pytest.raises(WrongSignature):
            checked(FILES | {TAGMANIFEST: other[TAGMANIFEST]})


class TestReading:
    """What a signer who has gone bad, or a later version, could still say."""

    @examples(150)
    @given(st.sampled_from([MANIFEST, BAG_INFO, "bagit.txt"]), st.binary(max_size=100))
    def test_any_bytes_in_a_list_are_read_or_refused(self, name: str, text: bytes) -> None:
        try:
            bag = checked(signed_anew(FILES | {name: text}))
        except (BadBag, NewerVersion):
            return
        assert all(digest_name.startswith("data/") for digest_name in bag.digests)

    @examples(100)
    @given(st.binary(max_size=100))
    def test_any_bytes_in_the_list_of_lists_are_refused(self, text: bytes) -> None:
        with pytest.raises(BadBag):
            checked(signed(FILES | {TAGMANIFEST: text}))

    def test_a_file_said_twice_is_refused(self) -> None:
        with pytest.raises(BadBag):
            checked(signed_anew(FILES | {MANIFEST: FILES[MANIFEST] * 2}))

    @pytest.mark.parametrize(
        "line",
        [
            b"00  data/a.gpg\n",
            b"0" * 64 + b" data/a.gpg\n",
            b"G" * 64 + b"  data/a.gpg\n",
            b"A" * 64 + b"  data/a.gpg\n",
            b"0" * 64 + b" *data/a.gpg\n",
            b"\n",
        ],
    )
    def test_a_malformed_line_is_refused(self, line: bytes) -> None:
        with pytest.raises(BadBag):
            checked(signed_anew(FILES | {MANIFEST: line}))

    @pytest.mark.parametrize(
        "info",
        [
            b"",
            b"Bagging-Date: 2026-11-20\n",
            b"Tapedrop-Bag: 1 drops\n",
            b"Bagging-Date: 2026-11-20\nTapedrop-Bag: 1 gifts\n",
            b"Bagging-Date: 2026-11-20\nTapedrop-Bag: 1\n",
            b"Bagging-Date: 2026-11-20\nTapedrop-Bag: 1 drops\nTapedrop-Bag: 1 answers\n",
            b"Bagging-Date: 2026-11-31\nTapedrop-Bag: 1 drops\n",
            b"Bagging-Date: 20261120\nTapedrop-Bag: 1 drops\n",
            b"Bagging-Date: 2026-11-20\nBagging-Date: 2026-11-21\nTapedrop-Bag: 1 drops\n",
            b"Bagging-Date: 2026-11-20\nTapedrop-Bag: 1 drops\nX: \x1b[2J\n",
        ],
    )
    def test_a_bag_that_does_not_say_what_it_is_is_refused(self, info: bytes) -> None:
        with pytest.raises(BadBag):
            checked(signed_anew(FILES | {BAG_INFO: info}))

    def test_a_later_version_is_named(self) -> None:
        later = FILES[BAG_INFO].replace(b"1 drops", b"2 drops")
        with pytest.raises(NewerVersion) as raised:
            checked(signed_anew(FILES | {BAG_INFO: later}))
        assert raised.value.found == "2 drops"

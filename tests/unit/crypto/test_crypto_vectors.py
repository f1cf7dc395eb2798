"""What other implementations are tested with, this one passes (tests/vectors/crypto/make.py)."""

import json
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto import comparing, keylist
from crypto.bag import verified
from crypto.chunks import ChunkReader
from crypto.codename import codename_from, derive, words_of
from crypto.errors import (
    BadBag,
    BadKeyList,
    CutTooShort,
    NewerVersion,
    NotACodename,
    SeveralLanguages,
    Tampered,
    UnknownWord,
    WordsDontBelong,
    WrongCount,
    WrongSignature,
)
from crypto.reply import Reply, Stage, State, open_answer
from crypto.words import LISTS, word_list

FOLDER = Path(__file__).parents[2] / "vectors" / "crypto"
REFUSED: dict[str, type[Exception]] = {
    "tampered": Tampered,
    "bad_bag": BadBag,
    "bad_key_list": BadKeyList,
    "wrong_signature": WrongSignature,
    "newer_version": NewerVersion,
    "wrong_count": WrongCount,
    "unknown_word": UnknownWord,
    "cut_too_short": CutTooShort,
    "words_dont_belong": WordsDontBelong,
    "several_languages": SeveralLanguages,
}


@dataclass(frozen=True)
class Vector:
    """One case: what is said of it, in order, and its bytes."""

    said: tuple[tuple[str, str], ...]
    body: bytes

    def __getitem__(self, name: str) -> str:
        (value,) = self.all_of(name)
        return value

    def all_of(self, name: str) -> list[str]:
        return [value for said, value in self.said if said == name]


def vector(case: str) -> Vector:
    head, _, body = (FOLDER / case).read_bytes().partition(b"\n\n")
    lines = [line.split(": ", 1) for line in head.decode().splitlines()]
    return Vector(tuple((name, value) for name, value in lines), body)


def cases(kind: str) -> list[str]:
    return sorted(path.name for path in FOLDER.glob(f"{kind}_*"))


def judged(case: Vector, work: Callable[[], object]) -> object:
    """Return what the work returns, where it should; None where it is refused as it should be."""
    if case["expect"] not in REFUSED:
        return work()
    with pytest.raises(REFUSED[case["expect"]]):
        work()
    return None


class TestVectors:
    @pytest.mark.parametrize("case", cases("stream"))
    def test_container(self, case: str, tmp_path: Path) -> None:
        stream = vector(case)
        (tmp_path / "held").write_bytes(stream.body)

        def read() -> bytes:
            with (tmp_path / "held").open("rb") as held:
                return ChunkReader(
                    held.fileno(),
                    bytes.fromhex(stream["key"]),
                    purpose=stream["purpose"],
                    name=stream["name"],
                    chunk_size=int(stream["chunk_size"]),
                ).readall()

        recording = judged(stream, read)
        if isinstance(recording, bytes):
            assert sha256(recording).hexdigest() == stream["sha256"]

    @pytest.mark.parametrize("case", cases("bag"))
    def test_bag(self, case: str) -> None:
        bag = vector(case)
        files, start = {}, 0
        for line in bag.all_of("file"):
            name, size = line.split()
            files[name] = bag.body[start : start + int(size)]
            start += int(size)
        assert start == len(bag.body)
        signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(bag["signer"]))
        judged(bag, lambda: verified(files, signer))

    @pytest.mark.parametrize("case", cases("codename"))
    def test_codename(self, case: str) -> None:
        said = vector(case)
        typed = said.body.decode()
        bits = judged(said, lambda: codename_from(typed, said["preferred"]))
        if isinstance(bits, bytes):
            assert bits.hex() == said["codename"]
            assert codename_from(words_of(bits)) == bits
        for language in said.all_of("written"):
            assert words_of(bytes.fromhex(said["codename"]), language) == typed
        for position in said.all_of("position"):
            with pytest.raises(NotACodename) as raised:
                codename_from(typed, said["preferred"])
            assert raised.value.position == int(position)

    @pytest.mark.parametrize("language", LISTS.values())
    def test_no_word_that_is_on_paper_ever_changes(self, language: str) -> None:
        words = "".join(f"{word}\n" for word in word_list(language))
        assert sha256(words.encode()).hexdigest() == vector(f"words_{language}")["sha256"]

    @pytest.mark.parametrize("case", cases("keys"))
    def test_keys(self, case: str) -> None:
        said = vector(case)
        keys = derive(said.body, bytes.fromhex(said["salt"]))
        assert keys.mailbox_id.hex() == said["mailbox_id"]
        assert keys.mailbox_key.hex() == said["mailbox_key"]
        assert keys.reply_seed.hex() == said["reply_seed"]
        assert keys.pseudonym == said["pseudonym"]

    @pytest.mark.parametrize("case", cases("answer"))
    def test_answer(self, case: str) -> None:
        sealed = vector(case)

        def read() -> Reply | State | None:
            return open_answer(
                sealed.body,
                reply_seed=bytes.fromhex(sealed["reply_seed"]),
                mailbox_id=bytes.fromhex(sealed["mailbox_id"]),
                name=sealed["name"],
            )

        said = judged(sealed, read)
        match sealed["expect"]:
            case "reply":
                inside = bytes.fromhex(sealed["inside"]).decode()
                assert said == Reply(inside[:10], inside[10:])
            case "state":
                inside = json.loads(bytes.fromhex(sealed["inside"]))
                assert said == State(Stage(inside["state"]), inside["day"], inside["count"])
            case _:
                assert said is None

    @pytest.mark.parametrize("case", cases("keylist"))
    def test_key_list(self, case: str) -> None:
        said = vector(case)
        taken = judged(said, lambda: keylist.verified(said.body, said.all_of("signers")))
        if isinstance(taken, keylist.KeyList):
            assert len(taken.readers) == int(said["readers"])

    @pytest.mark.parametrize("case", cases("compared"))
    def test_words_to_compare(self, case: str) -> None:
        said = vector(case)
        assert comparing.words_of(comparing.read_object(said.body)) == said["words"]

    def test_the_files_are_what_their_script_makes(self, tmp_path: Path) -> None:
        script = runpy.run_path(str(FOLDER / "make.py"))
        script["write"].__globals__["FOLDER"] = tmp_path
        for make in script["ALL"]:
            make()
        made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        kept = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.is_file()}
        assert kept.pop("make.py")
        assert made == kept
        assert {name.split("_")[0] for name in kept} == {
            "stream", "bag", "codename", "words", "keys", "answer", "keylist",
            "compared",
        }  # fmt: skip

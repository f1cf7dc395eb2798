"""What gpg says of keys is read whole, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steady import examples

from crypto.errors import GpgFailed
from crypto.listing import ListedKey, read_listing
from crypto.strength import weakness

FINGERPRINT = "1457C1A1BB35B3B945753EE81A09F5939BD4173B"
SUBKEY = "C6538581F316CA94A86CBF56DCBE9ECE878A56A3"
OWN = FINGERPRINT[-16:]


def signature(
    kind: str,
    *,
    made: int = 100,
    ends: str = "",
    digest: int = 8,
    vouched: str = "!",
    by: str = FINGERPRINT,
) -> str:
    return f"sig:{vouched}::22:{by[-16:]}:{made}:{ends}:::x:{kind}x::{by}:::{digest}:"


def listing(
    *,
    on_key: list[str] | None = None,
    on_name: list[str] | None = None,
    on_subkey: list[str] | None = None,
    more: list[str] | None = None,
    name: str = "Desk",
) -> bytes:
    lines = [
        "tru::1:1795264637:0:3:1:5",
        f"pub:u:255:22:{OWN}:100:::u:::scESC:::::ed25519:::0:",
        f"fpr:::::::::{FINGERPRINT}:",
        *(on_key or []),
        f"uid:u::::100::HASH::{name}::::::::::0:",
        *([signature("13")] if on_name is None else on_name),
        *(more or []),
        f"sub:u:255:18:{SUBKEY[-16:]}:100:900:::::e:::::cv25519::",
        f"fpr:::::::::{SUBKEY}:",
        *([signature("18")] if on_subkey is None else on_subkey),
    ]
    return "\n".join(lines).encode() + b"\n"


def read(lines: bytes) -> ListedKey:
    (key,) = read_listing(lines)
    return key


class TestReading:
    def test_a_key_is_its_primary_and_its_subkeys(self) -> None:
        key = read(listing(name=r"J\xc3\xbcrgen \x3ca\x3a b\x3e"))

        assert key.name == "Jürgen <a: b>"
        assert not key.secret
        assert (key.primary.fingerprint, key.primary.algorithm) == (FINGERPRINT, 22)
        assert (key.primary.bits, key.primary.created, key.primary.expires) == (255, 100, None)
        (subkey,) = key.subkeys
        assert (subkey.fingerprint, subkey.can, subkey.expires) == (SUBKEY, "e", 900)

    def test_a_secret_key_is_told_apart(self) -> None:
        assert read(listing().replace(b"pub:", b"sec:").replace(b"sub:", b"ssb:")).secret

    def test_a_name_can_not_write_to_the_terminal(self) -> None:
        assert read(listing(name=r"a\x1b]0;b\x07\x0ac\xe2\x80\xaed")).name == "a?]0;b??c?d"

    def test_several_keys_follow_each_other(self) -> None:
        assert len(read_listing(listing() + listing())) == 2


class TestSignatures:
    def test_the_newest_counts(self) -> None:
        old = signature("13", made=1, digest=2)
        mended = read(listing(on_name=[old, signature("13", made=2)]))
        worsened = read(listing(on_name=[signature("13", made=2), signature("13", digest=2)]))

        assert mended.primary.digests == {8}
        assert worsened.primary.digests == {2}

    def test_two_of_the_same_second_both_count(self) -> None:
        both = [signature("13", digest=8), signature("13", digest=2)]
        assert read(listing(on_name=both)).primary.digests == {2, 8}

    @pytest.mark.parametrize(
        "of_no_use",
        [
            signature("13", made=500, vouched="-"),
            signature("13", made=500, vouched="?"),
            signature("13", made=500, vouched=""),
            signature("13", made=500, by="A" * 40),
            signature("13", made=500, ends="1999"),
            signature("13", made=500, ends="4000000000"),
            signature("30", made=500),
        ],
    )
    def test_one_that_does_not_count_hides_no_weak_one(self, of_no_use: str) -> None:
        key = read(listing(on_name=[signature("13", digest=2), of_no_use]))
        assert 2 in key.primary.digests

    def test_one_that_ends_is_forgotten_for_a_later_one_that_lasts(self) -> None:
        both = [signature("13", ends="1999", digest=2), signature("13", made=500)]
        assert read(listing(on_name=both)).primary.digests == {8}

    def test_one_that_ends_binds_where_there_is_no_other(self) -> None:
        key = read(listing(on_name=[signature("13", ends="4000000000")]))
        assert key.primary.digests == {8}

    def test_every_name_that_counts_must_be_bound_well(self) -> None:
        name = "uid:u::::100::HASH::Other::::::::::0:"
        weak = read(listing(more=[name, signature("10", digest=2)]))
        bare = read(listing(more=[name]))
        revoked = read(listing(more=[name.replace(":u:", ":r:", 1)]))

        assert weak.primary.digests == {2, 8}
        assert bare.primary.digests == set()
        assert revoked.primary.digests == {8}

    def test_what_is_signed_of_the_key_itself_counts_too(self) -> None:
        assert read(listing(on_key=[signature("1F", digest=2)])).primary.digests == {2, 8}

    def test_a_picture_changes_nothing(self) -> None:
        picture = ["uat:u::::100::HASH::1 2000::::::::::0:", signature("13", digest=2)]
        assert read(listing(more=picture)).primary.digests == {8}

    def test_a_subkey_stands_on_its_own_signature(self) -> None:
        key = read(listing(on_subkey=[]))
        assert weakness(key.primary) == ""
        assert weakness(key.subkeys[0]) == "bound by no signature that gpg vouches for"

    def test_a_key_without_a_name_is_bound_by_nothing(self) -> None:
        lines = [line for line in listing().splitlines() if not line.startswith(b"uid")]
        assert read(b"\n".join(lines)).primary.digests == set()


class TestUnreadable:
    @given(st.lists(st.sampled_from(listing().splitlines()), max_size=12), st.binary(max_size=60))
    @examples(200)
    def test_whatever_gpg_says_keys_come_out_of_it_or_an_error(
        self, lines: list[bytes], junk: bytes
    ) -> None:
        try:
            keys = read_listing(b"\n".join([*lines, junk]))
        except GpgFailed:
            return
        assert all(key.primary.fingerprint for key in keys)

    @pytest.mark.parametrize(
        ("line", "spoilt"),
        [
            (b"pub:u:255:22", b"pub:u:many:22"),
            (b":100:900:", b":100:soon:"),
            (b"fpr:::::::::145", b"xxx:::::::::145"),
            (b":::8:", b"::::"),
        ],
    )
    def test_one_line_that_can_not_be_read_spoils_all(self, line: bytes, spoilt: bytes) -> None:
        with pytest.raises(GpgFailed):
            read_listing(listing().replace(line, spoilt))

"""A desk whose reporter's key lies on a card: one PIN, few operations, and no second guess."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cards.soft import PIN, SERIAL, SoftCard
from desks import DeskAt, Person, Server, public_home
from kernel import kernel_keeps
from keyrings import LONG_AGO, Keyring, keyring


@dataclass(frozen=True)
class Carded:
    """A desk, and the card that opens it."""

    desk: DeskAt
    card: SoftCard
    subkey: str


@pytest.fixture
def ring() -> Iterator[Keyring]:
    with keyring() as made:
        yield made


@pytest.fixture
def carded(
    ring: Keyring,
    make_desk: Callable[..., DeskAt],
    server: Server,
    colleague: Person,
    stranger: Person,
    tmp_path: Path,
) -> Carded:
    """A newsroom of three, whose reporter at this desk has a card."""
    reporter = Person(ring.home, ring.new_key("carded", at=LONG_AGO))
    (key,) = ring.gpg.secret_keys()
    server.home = public_home(tmp_path / "n3", [colleague, stranger, reporter])
    card = SoftCard.with_subkey(ring, key.fingerprint, tmp_path / "card")
    card.will_type(PIN)
    desk = make_desk(reporter, "carded")
    card.restart()
    card.forget_operations()
    card.will_type(PIN)
    return Carded(desk, card, key.fingerprint)


def bring(carded: Carded, server: Server, stick: Path, count: int) -> None:
    """Have so many drops imported."""
    for number in range(count):
        server.receive(b"%d" % number)
    carded.desk("import", server.export(stick))


class TestACardThatIsIn:
    def test_gpg_knows_that_the_key_is_on_it(self, carded: Carded, ring: Keyring) -> None:
        (key,) = ring.gpg.secret_keys()
        assert (key.fingerprint, key.card) == (carded.subkey, SERIAL)

    def test_one_pin_opens_many_drops_and_no_more_is_asked_of_it_than_was_said(
        self, carded: Carded, server: Server, stick: Path
    ) -> None:
        bring(carded, server, stick, 4)

        answer = carded.desk("open", "--all")

        assert answer.code == 0, answer.err
        assert "4 drops to open, each sealed to 3 keys: up to 12 card operations" in answer.err
        assert carded.card.times_asked == 1
        # One for the vault, three at most for the first drop, and one for each that follows.
        assert carded.card.operations <= 1 + 3 + 3

    @kernel_keeps
    def test_what_was_opened_once_never_asks_it_again(
        self, carded: Carded, server: Server, stick: Path
    ) -> None:
        bring(carded, server, stick, 2)
        carded.desk("open", "--all")
        carded.desk("unlock")
        for copy in carded.desk.files("working"):
            copy.unlink()
        carded.card.put_in(present=False)
        carded.card.forget_operations()

        answer = carded.desk("open", "1", "2")
        carded.desk("lock")

        assert (answer.code, answer.err) == (0, "")
        assert carded.card.operations == 0

    def test_lock_has_it_ask_for_the_pin_again(self, carded: Carded) -> None:
        assert carded.desk("list").code == 0
        assert carded.desk("list").code == 0
        assert carded.card.times_asked == 1

        carded.desk("lock")
        carded.card.will_type(PIN)

        assert carded.desk("list").code == 0
        assert carded.card.times_asked == 1


class TestAPinThatIsWrong:
    def test_costs_one_try_and_is_told_with_how_many_are_left(self, carded: Carded) -> None:
        carded.card.will_type("000000", PIN)
        answer = carded.desk("list")
        assert answer.code == 4
        assert "the PIN or passphrase was wrong, or was not given; the card can be asked 2 times " \
               "more before it locks itself" in answer.err  # fmt: skip
        assert (carded.card.times_asked, carded.card.tries_left) == (1, 2)

    @kernel_keeps
    def test_stops_the_drops_that_would_follow_and_keeps_those_before(
        self, carded: Carded, server: Server, stick: Path
    ) -> None:
        bring(carded, server, stick, 1)
        assert carded.desk("open", "--all").code == 0
        bring(carded, server, stick.with_name("second"), 3)
        carded.desk("unlock")
        carded.card.restart()
        carded.card.will_type("000000", PIN)

        answer = carded.desk("open", "--all")
        carded.desk("lock")

        assert answer.code == 4
        assert re.search("stopped: ([0-9]) of \\1 are not open yet", answer.err)
        assert (carded.card.times_asked, carded.card.tries_left) == (1, 2)
        carded.card.will_type(PIN)
        statuses = [row["status"] for row in carded.desk("list", "--json").json]
        assert statuses.count("opened") == 1
        assert carded.desk.files("working") != []

    def test_on_a_card_that_has_locked_itself_it_is_not_asked_for(self, carded: Carded) -> None:
        for left in (2, 1, 0):
            carded.card.will_type("000000")
            carded.desk("list")
            assert carded.card.tries_left == left
        carded.card.will_type(PIN)
        answer = carded.desk("list")
        assert answer.code == 4
        assert "the card has locked itself" in answer.err
        assert carded.card.times_asked == 0

    def test_the_button_that_cancels_costs_no_try(self, carded: Carded) -> None:
        carded.card.will_type(None)
        assert carded.desk("list").code == 4
        assert (carded.card.times_asked, carded.card.tries_left) == (1, 3)


class TestACardThatIsNotIn:
    def test_is_named_and_nobody_is_asked(self, carded: Carded) -> None:
        carded.card.put_in(present=False)
        answer = carded.desk("list")
        assert answer.code == 4
        assert f"the card {SERIAL}, which holds the key {carded.subkey}, is not in" in answer.err
        assert carded.card.times_asked == 0


class TestCheck:
    """`check` asks for no PIN."""

    def key(self, carded: Carded) -> tuple[str, str]:
        answer = carded.desk("check", "--json")
        (key,) = [check for check in answer.json["checks"] if check["name"] == "key"]
        assert carded.card.times_asked == 0
        return key["verdict"], key["says"]

    def test_sees_the_card_and_that_it_is_the_reporters(self, carded: Carded) -> None:
        assert self.key(carded) == ("ok", f"the reporter's card {SERIAL} is in, with 1 of 1 keys")

    def test_asks_to_look_where_it_is_not_in(self, carded: Carded) -> None:
        carded.card.put_in(present=False)
        verdict, says = self.key(carded)
        assert (verdict, says.endswith("and none is seen")) == ("look", True)

    def test_tells_how_often_it_can_still_be_asked(self, carded: Carded) -> None:
        carded.card.will_type("000000")
        carded.desk("list")
        carded.card.will_type()
        assert self.key(carded) == ("look", "a wrong PIN was typed: 2 of 3 tries are left")

    @kernel_keeps
    def test_drops_wait_for_it_and_the_rest_are_not_tried(
        self, carded: Carded, server: Server, stick: Path
    ) -> None:
        bring(carded, server, stick, 3)
        carded.desk("unlock")
        carded.card.put_in(present=False)
        answer = carded.desk("open", "--all")
        statuses = [row["status"] for row in carded.desk("list", "--json").json]
        carded.desk("lock")
        assert answer.code == 4
        assert f"drop-0001: the card {SERIAL}, which holds the key" in answer.err
        assert "stopped: 3 of 3 are not open yet" in answer.err
        assert statuses == ["stored"] * 3


class TestASpentSubkeyOnACard:
    def test_gpg_cannot_destroy_it_so_a_person_is_told_how(
        self, carded: Carded, ring: Keyring, tmp_path: Path
    ) -> None:
        disk = tmp_path / "disk"
        disk.mkdir()
        ring.new_subkey(ring.fingerprints("carded")[0])
        for words in (["keys", "sign", "--to", disk], ["backup", "--to", disk]):
            assert carded.desk(*words).code == 0
        destroy = ["keys", "destroy", carded.subkey]
        assert carded.desk(*destroy).code == 3  # the vault's key was sealed to it until now
        assert carded.desk("backup", "--to", disk).code == 0

        answer = carded.desk(*destroy, "--json")

        assert answer.code == 1
        assert answer.json == {"subkey": carded.subkey, "destroyed": False, "card": SERIAL}
        assert f"can't take it off the card {SERIAL}" in answer.err

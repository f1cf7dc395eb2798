"""Staff add, look at and retire keys: one command each, that asks first and says what it did."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from keyrings import Keyring, keyring

from crypto.gpg import Gpg
from crypto.newsroom import add_keys
from server.cli import main
from server.errors import NotFit
from server.files import write_new
from server.newsroom import Keyring as DropKeyring
from server.staff.desks import roster
from server.staff.desks.desk import Desk

pytestmark = pytest.mark.xdist_group("keys_verbs")

NOW = datetime.now(UTC)


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Typist:
    """Somebody who types `tapedrop-server keys …` in a drop's folder."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def types(self, *words: str | Path, answers: str | None = None) -> Said:
        """Run it; with `answers` a terminal is there at which these are typed."""
        terminal = io.StringIO(answers or "")
        self._monkeypatch.setattr(terminal, "isatty", lambda: answers is not None)
        self._monkeypatch.setattr(sys, "stdin", terminal)
        config = ["--config", str(self.folder / "tapedrop.toml")]
        self._monkeypatch.setattr(
            sys, "argv", ["tapedrop-server", "keys", *map(str, words), *config]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        said = self._capsys.readouterr()
        return Said(ended.value.code, said.out, said.err)

    def adds(self, exported: bytes, *words: str, answers: str | None = None) -> Said:
        file = self.folder / "brought.asc"
        file.write_bytes(exported)
        return self.types("add", file, *words, answers=answers)

    def has(self, keyring: str = "newsroom") -> set[str]:
        listed = Gpg(self.folder / keyring).public_keys()
        return {key.primary.fingerprint for key in listed}

    def pairs(self, *readers: str) -> None:
        """Pair with a desk that was made with these keys."""
        desk = Desk(1, "tapedrop desk 1", "one", "ab" * 32, list(readers))
        roster.begin(self.folder / "desks", desk)
        write_new(self.folder / "desks/one.json", msgspec.json.encode(desk))


class People(NamedTuple):
    """Reporters' keys: two that last, and one that ends in fifty days."""

    own: Keyring
    first: str
    second: str
    ending: str


@pytest.fixture(scope="module")
def people() -> Iterator[People]:
    with keyring() as own:
        ends = f"{NOW + timedelta(days=50):%Y%m%dT%H%M%S}"
        first, second = own.new_key("First <1@news.example>"), own.new_key("Second")
        yield People(own, first, second, own.new_key("Ending", expires=ends))


@pytest.fixture
def typist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typist:
    for name in ("newsroom", "desks", "receipts"):
        (tmp_path / name).mkdir(mode=0o700)
    (tmp_path / "tapedrop.toml").touch()
    return Typist(tmp_path, monkeypatch, capsys)


@pytest.fixture
def staffed(typist: Typist, people: People) -> Typist:
    """The same, with both lasting keys in the newsroom's keyring."""
    exported = people.own.export(people.first, people.second)
    add_keys(Gpg(typist.folder / "newsroom"), exported, now=NOW)
    return typist


def grouped(fingerprint: str) -> str:
    return " ".join(fingerprint[at : at + 4] for at in range(0, 40, 4))


class TestAdding:
    def test_shows_the_fingerprint_and_asks_for_it_back(
        self, typist: Typist, people: People
    ) -> None:
        said = typist.adds(people.own.export(people.first), answers=f"{grouped(people.first)}\n")

        assert said.code == 0
        assert grouped(people.first) in said.err
        assert "over another channel" in said.err
        assert grouped(people.first) in said.out
        assert typist.has() == {people.first}
        assert "from now on every recording is sealed to it" in said.err
        assert "next: tapedrop-server pair --to" in said.err

    def test_a_key_that_was_revoked_since_is_to_be_retired(
        self, typist: Typist, people: People
    ) -> None:
        with keyring() as own:
            fingerprint = own.new_key("x")
            typist.adds(own.export(), "--fingerprint", fingerprint)
            own.revoke(fingerprint)
            said = typist.adds(own.export(), "--fingerprint", fingerprint)

        assert said.code == 3
        assert "error: revoked" in said.err
        assert f"tapedrop-server keys retire {fingerprint}" in said.err

    @pytest.mark.parametrize("answer", ["", "yes", "1234", "{last}"])
    def test_anything_but_the_whole_of_it_adds_nothing(
        self, typist: Typist, people: People, answer: str
    ) -> None:
        typed = answer.format(last=people.first[-16:])
        # Nothing typed is asked again; then the terminal is gone.
        said = typist.adds(people.own.export(people.first), answers=f"{typed}\n")

        assert said.code == (3 if typed else 1)
        assert typist.has() == set()

    def test_one_that_answers_for_the_first_only_adds_none_of_a_file(
        self, typist: Typist, people: People
    ) -> None:
        exported = people.own.export(people.first, people.second)

        assert typist.adds(exported, answers=f"{people.first}\n{people.first}\n").code == 3
        assert typist.has() == set()

    def test_the_option_answers_where_nobody_is_at_a_terminal(
        self, typist: Typist, people: People
    ) -> None:
        exported = people.own.export(people.first, people.second)
        option = "--fingerprint"

        assert typist.adds(exported).code == 2
        assert typist.adds(exported, option, people.first).code == 3
        assert typist.has() == set()
        both = [option, grouped(people.first).lower(), option, f"0x{people.second}"]
        said = typist.adds(exported, *both, "--json")
        assert said.code == 0
        assert {key["name"] for key in json.loads(said.out)["keys"]} == {
            "First <1@news.example>",
            "Second",
        }

    def test_what_can_not_be_a_newsrooms_key_is_refused_before_anything_is_asked(
        self, typist: Typist, people: People
    ) -> None:
        for exported in (people.own.export_secret(people.first), b"", bytes(1024 * 1024 + 1)):
            said = typist.adds(exported, answers="")
            assert said.code == 3
            assert ("hint: wipe this file" in said.err) == (0 < len(exported) < 1024 * 1024)
            assert "compare" not in said.err
        assert typist.has() == set()

    def test_staffs_own_keys_lie_apart(self, typist: Typist, people: People) -> None:
        said = typist.adds(
            people.own.export(people.first), "--fingerprint", people.first, "--staff"
        )

        assert said.code == 0
        assert (typist.folder / "staff").stat().st_mode & 0o077 == 0
        assert typist.has("staff") == {people.first}
        assert typist.has() == set()
        assert typist.types("list", "--staff").code == 0
        assert typist.types("list").code == 5

    def test_one_that_is_here_already_is_renewed(self, typist: Typist, people: People) -> None:
        key = (people.own.export(people.first), "--fingerprint", people.first, "--staff")

        assert typist.adds(*key).out.startswith("added ")
        assert typist.adds(*key).out.startswith("renewed ")

    def test_a_drop_runs_without_keys_of_its_staff(self, typist: Typist) -> None:
        for verb in ("list", "check"):
            said = typist.types(verb, "--staff")
            assert said.code == 1
            assert "hint: tapedrop-server keys add FILE.asc --staff" in said.err


class TestOnceADeskIsPaired:
    def test_a_key_that_it_did_not_sign_for_is_refused_with_what_to_do(
        self, typist: Typist, people: People
    ) -> None:
        typist.pairs(people.first)

        said = typist.adds(people.own.export(people.second), "--fingerprint", people.second)

        assert said.code == 3
        assert f"no paired desk has signed for {people.second}" in said.err
        assert "hint: at a desk: tapedrop-intake keys add" in said.err
        assert typist.has() == set()

    def test_one_that_it_signed_for_is_taken(self, typist: Typist, people: People) -> None:
        typist.pairs(people.first)

        assert typist.adds(people.own.export(people.first), "--fingerprint", people.first).code == 0

    def test_staffs_own_keys_need_no_signature(self, typist: Typist, people: People) -> None:
        typist.pairs(people.first)

        said = typist.adds(
            people.own.export(people.second), "--fingerprint", people.second, "--staff"
        )

        assert said.code == 0

    def test_a_key_put_in_by_hand_is_named_and_can_be_retired(
        self, staffed: Typist, people: People
    ) -> None:
        staffed.pairs(people.first)

        listed = staffed.types("list")
        retired = staffed.types("retire", people.second, "--confirm", people.second)

        assert listed.code == 3
        assert f"{people.second}: no paired desk has signed for it" in listed.err
        assert retired.code == 0
        assert staffed.types("check").code == 0


class TestLooking:
    def test_list_warns_of_what_ends_within_sixty_days(
        self, staffed: Typist, people: People
    ) -> None:
        add_keys(Gpg(staffed.folder / "newsroom"), people.own.export(people.ending), now=NOW)

        said = staffed.types("list")

        assert said.code == 0
        warned = [line for line in said.err.splitlines() if "warning" in line]
        assert len(warned) == 1
        assert f"{grouped(people.ending)} ends on" in warned[0]

    def test_check_says_one_line_of_each_key(self, staffed: Typist, people: People) -> None:
        staffed.pairs(people.first, people.second)

        said = staffed.types("check")

        assert said.code == 0
        lines = dict.fromkeys(said.out.splitlines())
        first = f"{grouped(people.first)}  First <1@news.example>  usable; "
        assert [line for line in lines if line.startswith(first)] == [
            f"{first}ed25519, cv25519, never expires, signed for"
        ]

    def test_check_exits_by_what_is_wrong(self, staffed: Typist, people: People) -> None:
        home = staffed.folder / "newsroom"
        add_keys(Gpg(home), people.own.export(people.ending), now=NOW)
        ends_soon = staffed.types("check", "--json")
        staffed.pairs(people.first)
        one_can_not = staffed.types("check", "--json")
        for file in home.glob("pubring*"):
            file.write_bytes(b"")
        none_is_there = staffed.types("check")

        assert ends_soon.code == 1
        keys = {key["fingerprint"]: key for key in json.loads(ends_soon.out)["keys"]}
        assert keys[people.ending]["days"] in (49, 50)
        assert keys[people.first] == {
            "fingerprint": people.first,
            "name": "First <1@news.example>",
            "expires": None,
            "problem": "",
            "algorithm": "ed25519, cv25519",
            "days": None,
            "signed_for": None,
        }
        assert one_can_not.code == 3
        assert none_is_there.code == 5

    def test_check_says_when_none_can_be_sealed_to(self, staffed: Typist) -> None:
        staffed.pairs("A" * 40)

        assert staffed.types("check").code == 5


class TestRetiring:
    def test_says_what_it_means_and_asks_for_the_fingerprint(
        self, staffed: Typist, people: People
    ) -> None:
        staffed.pairs(people.first, people.second)

        said = staffed.types("retire", people.second, answers=f"{grouped(people.second)}\n")

        assert said.code == 0
        assert "stays readable with it" in said.err
        assert "tapedrop-intake keys retire" in said.err
        assert said.out.splitlines()[1] == "1 left that can be sealed to"
        assert staffed.has() == {people.first}

    def test_nothing_goes_unless_it_is_typed(self, staffed: Typist, people: People) -> None:
        assert staffed.types("retire", people.second).code == 2
        assert staffed.types("retire", people.second, "--confirm", people.first).code == 3
        assert staffed.types("retire", people.second, answers="y\n").code == 3
        assert staffed.has() == {people.first, people.second}

    def test_a_key_is_named_by_its_whole_fingerprint(self, staffed: Typist, people: People) -> None:
        part = people.second[-16:]

        said = staffed.types("retire", part, "--confirm", part)

        assert said.code == 3
        assert staffed.has() == {people.first, people.second}

    def test_the_last_that_can_be_sealed_to_stays(self, staffed: Typist, people: People) -> None:
        staffed.pairs(people.first)

        said = staffed.types("retire", people.first, "--confirm", people.first)

        assert said.code == 3
        assert "it is the last that can be sealed to" in said.err
        assert people.first in staffed.has()

    def test_a_retired_key_is_signed_for_no_more(self, staffed: Typist, people: People) -> None:
        staffed.pairs(people.first, people.second)
        staffed.types("retire", people.second, "--confirm", people.second)

        said = staffed.adds(people.own.export(people.second), "--fingerprint", people.second)

        assert said.code == 3
        assert "no paired desk has signed for" in said.err

    def test_one_that_is_cut_off_seals_nothing_more_to_it_and_can_be_done_again(
        self, staffed: Typist, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(*_: object) -> None:
            raise NotFit(["cut off"])

        staffed.pairs(people.first, people.second)
        with monkeypatch.context() as patch:
            patch.setattr("server.cli.retiring.remove_keys", killed)
            staffed.types("retire", people.second, "--confirm", people.second)
        between = DropKeyring(Gpg(staffed.folder / "newsroom"), staffed.folder / "desks")

        assert [key.fingerprint for key in between.read(now=NOW).usable] == [people.first]
        assert staffed.types("retire", people.second, "--confirm", people.second).code == 0

    def test_staffs_last_key_may_go(self, typist: Typist, people: People) -> None:
        typist.adds(people.own.export(people.first), "--fingerprint", people.first, "--staff")

        said = typist.types("retire", people.first, "--confirm", people.first, "--staff")

        assert said.code == 0
        assert "no alert and no backup can be made then" in said.err
        assert typist.has("staff") == set()


class TestChanging:
    def test_a_change_waits_until_gpg_has_its_recipients(self, staffed: Typist) -> None:
        ring, order = DropKeyring(Gpg(staffed.folder / "newsroom"), None), ["begun"]

        def change() -> None:
            with ring.changing():
                order.append("changed")

        changing = threading.Thread(target=change)
        with ring.unchanged() as let_go:
            changing.start()
            order.append("gpg has them")
            let_go()
            changing.join()
            order.append("sealed")

        assert order == ["begun", "gpg has them", "changed", "sealed"]

    def test_neither_side_waits_for_ever(
        self, staffed: Typist, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("server.newsroom._WAIT_SECONDS", 0)
        ring = DropKeyring(Gpg(staffed.folder / "newsroom"), None)

        with ring.unchanged(), ring.changing(), ring.unchanged():
            assert ring.read(now=NOW).usable

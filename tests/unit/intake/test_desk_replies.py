"""Replies: written offline, kept at the desk, sealed to the source, and thought about before."""

import io
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from desks import CANARY, SOURCE, DeskAt, Ready, Server, manifest
from hypothesis import given
from hypothesis import strategies as st

from crypto.manifest import Manifest, Source
from crypto.reply import Reply, open_answer
from intake import catalogue
from intake.answering.asking import Concern, concerns
from intake.answering.replies import put_reply, take_back
from intake.catalogue import Catalogue
from intake.catalogue.replies import Replies
from intake.drop import Drop, Status
from intake.errors import BadReply
from intake.records import Kind
from intake.unlocked import today
from intake.vault import Vault

pytestmark = pytest.mark.usefixtures("opened_once")

KEY = manifest(0).source.reply_key
DAY = date(2026, 11, 20)
ROOT = Path(catalogue.__file__).parents[2]


@pytest.fixture
def opened(ready: Ready, server: Server, stick: Path) -> DeskAt:
    """A desk with one recording."""

    def prepare(desk: DeskAt) -> None:
        server.receive(CANARY)
        desk("import", server.export(stick))
        assert desk("open", "--all").code == 0

    return ready(prepare)


def write(desk: DeskAt, folder: Path, text: bytes, *more: str, to: str = "drop-0001") -> str:
    """Write a reply; return what it is called."""
    (folder / "text").write_bytes(text)
    written = desk("reply", to, "--text-from", folder / "text", *more, "--json")
    assert written.code == 0, written.err
    return str(written.json["reply"])


def carried(desk: DeskAt, folder: Path) -> list[Reply]:
    """Put a receipt on a stick; return the replies in it, as the source reads them."""
    bag = Path(desk("receipt", "--to", folder, "--json").json["bag"])
    found = [
        open_answer(
            path.read_bytes(),
            reply_seed=SOURCE.reply_seed,
            mailbox_id=SOURCE.mailbox_id,
            name=path.stem.partition("-")[2],
        )
        for path in sorted((bag / "data").glob("*.reply"))
    ]
    return [each for each in found if isinstance(each, Reply)]


class TestAReply:
    def test_only_the_sources_codename_opens_it(self, opened: DeskAt, tmp_path: Path) -> None:
        write(opened, tmp_path, b"Thank you. Is there more?\n")
        assert not opened.holds(b"Is there more?")
        assert carried(opened, tmp_path / "out") == [
            Reply(today().isoformat(), "Thank you. Is there more?")
        ]

    def test_may_go_to_a_source_instead_of_a_drop(self, opened: DeskAt, tmp_path: Path) -> None:
        write(opened, tmp_path, b"hello", to="source-0001")
        (tmp_path / "text").write_bytes(b"hello")
        nobody = opened("reply", "source-0002", "--text-from", tmp_path / "text")
        assert (nobody.code, "there is no source-0002" in nobody.err) == (2, True)
        assert write(opened, tmp_path, b"hello again", to=SOURCE.pseudonym) == "reply-0002"
        assert len(carried(opened, tmp_path / "out")) == 2

    def test_its_text_may_come_from_standard_input(
        self, opened: DeskAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"danke")))
        assert opened("reply", "1", "--text-from", "-").code == 0
        assert [reply.text for reply in carried(opened, tmp_path / "out")] == ["danke"]

    def test_nothing_is_asked_when_nobody_sits_there(
        self, opened: DeskAt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
        answer = opened("reply", "1")
        assert answer.code == 2
        assert "--text-from" in answer.err

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (b" \n", "it is empty"),
            (b"\xff", "it is not text in UTF-8"),
            (b"x" * 65_537, "longer than 65536 letters"),
        ],
    )
    def test_what_can_not_be_one_is_refused(
        self, opened: DeskAt, tmp_path: Path, text: bytes, why: str
    ) -> None:
        (tmp_path / "text").write_bytes(text)
        answer = opened("reply", "1", "--text-from", tmp_path / "text")
        assert answer.code == 2
        assert why in answer.err
        assert opened("reply", "--waiting", "--json").json == []

    def test_of_one_thing_at_a_time(self, opened: DeskAt) -> None:
        for asked in ([], ["1", "--waiting"], ["--waiting", "--take-back", "1"]):
            assert opened("reply", *asked).code == 2


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Catalogue]:
    with catalogue.opened(tmp_path / "catalogue.db", Vault(bytes(32))) as desk:
        yield desk


def drop_of(kept: Catalogue, said: Manifest) -> Drop:
    kept.drops.adopt(arrived=[bytes(32)], promised=[])
    return kept.drops.opened(kept.drops.drop(1), said, [])


class TestKeeping:
    def test_what_it_says_and_what_was_sealed_are_kept_together_or_not_at_all(
        self, kept: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(*_said: object) -> None:
            raise OSError

        monkeypatch.setattr(Replies, "keep", failing)
        with pytest.raises(OSError):
            put_reply("hello", drop_of(kept, manifest(3)), kept, by="AB", day=DAY)
        assert kept.records.all(Kind.REPLY) == []

    def test_a_purged_drop_takes_its_replies_along(self, kept: Catalogue) -> None:
        drop = drop_of(kept, manifest(3))
        put_reply("hello", drop, kept, by="AB", day=DAY)
        kept.purged.destroy(drop, day=DAY, entry=1)
        assert kept.replies.sealed() == {}

    @pytest.mark.parametrize(
        ("mailbox_id", "reply_key"),
        [("../../escape", KEY), (SOURCE.mailbox_id.hex(), "00"), (SOURCE.mailbox_id.hex(), "no")],
    )
    def test_a_source_that_names_no_mailbox_can_not_be_answered(
        self, kept: Catalogue, mailbox_id: str, reply_key: str
    ) -> None:
        said = manifest(3)
        source = Source("ozone fiber", mailbox_id, reply_key)
        drop = Drop(1, bytes(32), Status.OPENED, None, _with(said, source), ())
        with pytest.raises(BadReply, match="names no mailbox"):
            put_reply("hello", drop, kept, by="AB", day=DAY)
        assert kept.records.all(Kind.REPLY) == []

    def test_a_colleagues_reply_is_not_ours_to_take_back(self, kept: Catalogue) -> None:
        drop = drop_of(kept, manifest(3))
        record = put_reply("hello", drop, kept, by="AB", day=DAY)
        kept.replies.forget(record.id)  # as where the record alone came with a case
        with pytest.raises(BadReply, match="not written at this desk"):
            take_back(record, kept, by="AB", day=DAY)


def _with(said: Manifest, source: Source) -> Manifest:
    return type(said)(
        **{**{name: getattr(said, name) for name in said.__slots__}, "source": source}
    )


class TestWaiting:
    def test_replies_are_listed_until_a_receipt_carries_them_out(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        name = write(opened, tmp_path, b"Is there more?")
        (row,) = opened("reply", "--waiting", "--json").json
        assert (row["reply"], row["id"], row["text"]) == (name, "drop-0001", "Is there more?")
        assert "Is there more?" in opened("reply", "--waiting").out
        carried(opened, tmp_path / "out")
        assert "no reply waits" in opened("reply", "--waiting").err

    def test_the_thread_with_a_source_tells_which_ones_wait(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        name = write(opened, tmp_path, b"Is there more?")
        assert f"{name}, waits for a receipt" in opened("show", "source-0001").out
        carried(opened, tmp_path / "out")
        (*_, last) = opened("show", "source-0001", "--json").json["thread"]
        assert (last["reply"], last["waits"]) == (name, False)

    def test_one_that_was_taken_back_goes_nowhere(self, opened: DeskAt, tmp_path: Path) -> None:
        name = write(opened, tmp_path, b"Is there more?")
        assert opened("reply", "--take-back", name).out == f"{name} goes nowhere\n"
        assert carried(opened, tmp_path / "out") == []
        assert opened("reply", "--take-back", name).code == 2

    def test_one_that_was_carried_out_can_not_be_taken_back(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        name = write(opened, tmp_path, b"Is there more?")
        carried(opened, tmp_path / "out")
        answer = opened("reply", "--take-back", name)
        assert answer.code == 2
        assert "carried it out" in answer.err
        assert len(carried(opened, tmp_path / "again")) == 1  # a stick may be lost

    def test_one_waits_on_when_the_stick_fails(
        self, opened: DeskAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = write(opened, tmp_path, b"Is there more?")
        with monkeypatch.context() as failing:
            failing.setattr(
                "intake.answering.carry.carry_out", lambda path, _: path.write_bytes(b"")
            )
            assert opened("receipt", "--to", tmp_path / "out").code == 5
        assert opened("reply", "--take-back", name).code == 0


class TestWarnings:
    def test_nothing_is_sealed_where_nobody_can_be_asked(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        (tmp_path / "text").write_bytes(b"What is your name?")
        answer = opened("reply", "1", "--text-from", tmp_path / "text")
        assert answer.code == 1
        assert "it asks who they are: better not to know (your name)" in answer.err
        assert "--as-it-is" in answer.err
        assert opened("reply", "--waiting", "--json").json == []

    def test_it_is_sealed_all_the_same_for_who_says_so(
        self, opened: DeskAt, tmp_path: Path
    ) -> None:
        write(opened, tmp_path, b"What is your name?", "--as-it-is")
        assert len(carried(opened, tmp_path / "out")) == 1

    @pytest.mark.parametrize(
        ("text", "concern"),
        [
            ("Could you tell us your\n  name?", Concern.WHO),
            ("Wie heissen Sie?", Concern.WHO),
            ("Votre NOM, s\u2019il vous plaît", Concern.WHO),
            ("Как вас зовут?", Concern.WHO),
            ("你叫什么名字？", Concern.WHO),
            ("ما اسمك؟", Concern.WHO),
            ("Adınız nedir?", Concern.WHO),
            ("Call us: +49 30 1234567", Concern.REACHED),
            ("Write to desk@paper.example", Concern.REACHED),
            ("Where do you live?", Concern.WHERE),
            ("Onde você trabalha?", Concern.WORK),
            ("Shall we meet up?", Concern.MEETING),
            ("We could meet at the station", Concern.MEETING),
            ("Was it on 2026-11-03?", Concern.DATE),
            ("Was it on 3/11/2026?", Concern.DATE),
            ("On November 3, or 3. November?", Concern.DATE),
            ("3 октября", Concern.DATE),
            ("At 15:30?", Concern.TIME),
            ("At 3 pm?", Concern.TIME),
            ("In meeting-2.m4a they say", Concern.FILE),
            ("See https://paper.example", Concern.LINK),
            ("Is that a Dicta phone?", Concern.DETAIL),
        ],
    )
    def test_they_tell_what_is_worth_a_second_thought(self, text: str, concern: Concern) -> None:
        assert concern in [found.concern for found in concerns(text, ["dicta phone"])]

    @pytest.mark.parametrize(
        "text",
        [
            "Thank you. We have heard it and are careful. Is there more?",
            "May I ask who speaks first, in the second minute?",
            "We counted 12.5 per cent in 2026, and 1,234 people.",
            "Danke. Gibt es eine zweite Aufnahme?",
        ],
    )
    def test_a_harmless_reply_raises_none(self, text: str) -> None:
        assert concerns(text, ["ok", ""]) == []

    @given(text=st.text(max_size=3000), details=st.lists(st.text(max_size=50), max_size=5))
    def test_any_text_can_be_looked_at(self, text: str, details: list[str]) -> None:
        assert all(len(found.words) <= 60 for found in concerns(text, details))

    def test_each_language_of_the_form_has_words_for_each_question(self) -> None:
        said = tomllib.loads((ROOT / "intake/answering/asking.toml").read_text("utf-8"))
        locales = {path.name for path in (ROOT / "server" / "locales").iterdir() if path.is_dir()}
        for asked in ("who", "reached", "where", "work", "meeting"):
            assert said[asked].keys() == {"en", *locales}

"""How far the canary came: each way to fail has a name, and a lying drop doesn't get past it."""

import io
import os
import secrets
import socket
import threading
import wave
from collections.abc import Sequence
from pathlib import Path

import pytest
from drops import Drop as RealDrop
from drops import Newsroom
from lying import EVENT, Drop, served

from server.config import Config, read_config
from server.errors import (
    CanaryFailed,
    CantReach,
    NoEnvelope,
    NoPage,
    NotInMailbox,
    TurnedAway,
    WrongRecipients,
)
from server.staff.canary.flight import Arrived, fly, memo, visit
from server.staff.canary.reach import place_of
from server.staff.canary.tor_browser import boundary_of

CODENAME = bytes(11)
RECORDING = bytes(200_000)


def go(drop: Drop) -> None:
    """Go the whole way at a drop that says what a test has it say."""
    with served(drop) as address:
        place = place_of(Path(), Config(), url=address)
        visit(place, CODENAME, RECORDING, told=lambda _passed, _total: None)


class TestTheWay:
    def test_is_that_of_a_source_who_comes_back_sends_and_closes_the_mailbox(self) -> None:
        drop = Drop()
        go(drop)
        opened = [asked for asked in drop.asked if "style" not in asked]
        assert opened == [
            "GET /", "GET /return", "POST /return/t", "GET /mailbox", "GET /send",
            "GET /send/f/result", "POST /send/f", "GET /send/f/result", "GET /mailbox",
            "GET /mailbox/close", "POST /mailbox/t/close", "GET /mailbox/closed",
        ]  # fmt: skip

    def test_the_form_carries_the_recording_and_refuses_what_cannot_be_cleaned(self) -> None:
        drop, sent = Drop(), []
        drop.takes_in = sent.append
        go(drop)
        assert sent[0].count(RECORDING) == 1
        assert b'name="uncleanable"\r\n\r\nrefuse\r\n' in sent[0]

    def test_the_form_is_parted_as_firefox_does_without_leading_zeros(self) -> None:
        assert boundary_of(0xA1, 0x2) == "----geckoformboundarya12"
        assert boundary_of(2**64 - 1, 0x0F << 56) == f"----geckoformboundary{'f' * 17}{'0' * 14}"

    def test_what_a_stopped_canary_left_in_the_mailbox_is_tidied_first(self) -> None:
        drop = Drop()
        drop.mailbox = [EVENT]
        go(drop)
        assert drop.mailbox == []
        assert drop.asked.index("POST /mailbox/t/close") < drop.asked.index("POST /send/f")


class TestWhatAnswersThere:
    def fails(self, drop: Drop, how: type[CanaryFailed], says: str = "") -> None:
        with pytest.raises(how, match=says or None) as failed:
            go(drop)
        assert failed.value.hint

    def test_nobody(self) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))  # and doesn't listen
            address = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(CantReach, match="refused"):
                visit(place_of(Path(), Config(), url=address), CODENAME, b"", told=print)

    def test_somebody_who_breaks_off(self) -> None:
        drop = Drop()
        drop.breaks_at = "POST /send/f"
        self.fails(drop, CantReach, "broke")

    def test_another_program(self) -> None:
        self.fails(Drop(**{"GET /": (200, "<p>It works!</p>")}), NoPage, "no first page")

    def test_a_page_without_its_form(self) -> None:
        self.fails(Drop(**{"GET /send": (200, "<p>nothing</p>")}), NoPage, "/send/")

    def test_a_page_that_leads_elsewhere(self) -> None:
        elsewhere = Drop(**{"POST /return/t": (303, "http://elsewhere.example/")})
        self.fails(elsewhere, NoPage, "elsewhere")

    def test_a_page_without_end(self) -> None:
        self.fails(Drop(**{"GET /": (200, "x" * 1_100_000)}), NoPage, "more than a page")

    def test_what_is_not_http(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:

            def answer() -> None:
                connection, _ = other.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(b"220 mail.example ESMTP\r\n")

            thread = threading.Thread(target=answer)
            thread.start()
            address = f"http://127.0.0.1:{other.getsockname()[1]}"
            with pytest.raises(NoPage, match="HTTP"):
                visit(place_of(Path(), Config(), url=address), CODENAME, b"", told=print)
            thread.join()

    @pytest.mark.parametrize("at", ["POST /return/t", "GET /send", "POST /send/f"])
    def test_a_drop_that_turns_it_away_is_quoted(self, at: str) -> None:
        page = "<strong>Scripts</strong><h1>No</h1><strong>We are busy\njust now.\x1b[2J</strong>"
        self.fails(Drop(**{at: (503, page)}), TurnedAway, "We are busy just now.\\[2J$")

    def test_a_drop_that_refuses_the_recording_is_quoted(self) -> None:
        refused = '<li data-became="unproved"><strong>We could not make sure.</strong></li>'
        drop = Drop(**{"GET /send/f/result": (200, refused)})
        self.fails(drop, TurnedAway, "We could not make sure")

    @pytest.mark.parametrize(
        "says", ["", "<li>today: File 1. The connection broke</li>", EVENT * 2]
    )
    def test_a_mailbox_that_does_not_say_received_once(self, says: str) -> None:
        drop = Drop()
        drop.takes_in = lambda _body: drop.pages.__setitem__(
            "GET /mailbox", (200, f'<ul class="events">{says}</ul>')
        )
        self.fails(drop, NotInMailbox)


class TestTheStore:
    """A stub says that all is well; what lies in the real store says whether it is."""

    def flown(self, drop: RealDrop, *envelopes: bytes) -> Arrived:
        stub = Drop()

        def put(_body: bytes) -> None:
            for envelope in envelopes:
                place = drop.folder / "store/drops" / secrets.token_hex(16)
                place.write_bytes(envelope)

        stub.takes_in = put
        config = read_config(drop.config)
        with served(stub) as address:
            place = place_of(drop.folder, config, url=address)
            return fly(drop.folder, config, place, RECORDING, told=lambda *_: None)

    def sealed(
        self, drop: RealDrop, more: Sequence[str] = (), *, content: bytes = RECORDING
    ) -> bytes:
        words = ["--compress-algo", "none", "--encrypt"]
        words += ["--hidden-recipient", drop.newsroom.fingerprint, *more]
        return drop.newsroom.gpg(*words, given=content + bytes(3000))

    def test_one_that_all_usable_keys_open_is_what_is_looked_for(self, drop: RealDrop) -> None:
        assert self.flown(drop, self.sealed(drop)) == Arrived(1)

    def test_what_others_send_meanwhile_is_not_told_apart(self, drop: RealDrop) -> None:
        both = self.sealed(drop), self.sealed(drop, content=bytes(200_500))
        assert self.flown(drop, *both) == Arrived(1)

    def test_of_a_drop_that_is_locked_down_nothing_is_asked(self, drop: RealDrop) -> None:
        (drop.folder / "lockdown").touch()
        with pytest.raises(TurnedAway, match="locked down") as raised:
            self.flown(drop, self.sealed(drop))
        assert raised.value.hint.startswith("tapedrop-server unlock")
        assert drop.envelopes() == []

    def test_none_came(self, drop: RealDrop) -> None:
        with pytest.raises(NoEnvelope):
            self.flown(drop)

    def test_one_that_was_there_before_is_not_taken_for_it(self, drop: RealDrop) -> None:
        before = drop.folder / "store/drops" / ("0" * 32)
        before.write_bytes(self.sealed(drop))
        with pytest.raises(NoEnvelope):
            self.flown(drop)

    @pytest.mark.parametrize("size", [100_000, 900_000])
    def test_one_of_another_size_is_not_taken_for_it(self, drop: RealDrop, size: int) -> None:
        with pytest.raises(NoEnvelope):
            self.flown(drop, self.sealed(drop, content=bytes(size)))

    def test_one_reader_more_is_seen(self, drop: RealDrop, tmp_path: Path) -> None:
        more = Newsroom("More <more@elsewhere.example>")
        (tmp_path / "more.asc").write_bytes(more.exported)
        more.close()
        told_of = ["--hidden-recipient-file", str(tmp_path / "more.asc")]
        with pytest.raises(WrongRecipients) as failed:
            self.flown(drop, self.sealed(drop), self.sealed(drop, told_of))
        assert (failed.value.found, failed.value.expected) == (2, 1)

    def test_what_is_no_envelope_is_seen(self, drop: RealDrop) -> None:
        with pytest.raises(WrongRecipients, match="can't be read"):
            self.flown(drop, os.urandom(230_000))


class TestTheMemo:
    def test_is_a_wav_of_half_a_minute_to_seven(self) -> None:
        with wave.open(io.BytesIO(memo())) as wav:
            assert 30 <= wav.getnframes() / wav.getframerate() <= 7 * 60

    def test_is_never_the_same_twice(self) -> None:
        assert memo() != memo()

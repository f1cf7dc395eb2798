"""The newsroom's keys, as a source sees them: to compare, and to encrypt something to."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from drops import Drop, Newsroom, Serving
from form import Browser, Page

from crypto.gpg import Gpg


@pytest.fixture
def reader() -> Iterator[Newsroom]:
    """Somebody with a GNUPGHOME of their own."""
    made = Newsroom("Reader")
    yield made
    made.close()


def keys_page(serving: Serving, path: str = "/keys") -> Page:
    return Browser(serving.address).get(path)


def grouped(fingerprint: str) -> str:
    return " ".join(re.findall("....", fingerprint))


class TestThePageOfKeys:
    def test_names_each_key_with_fingerprint_and_last_day(self, shared: Serving) -> None:
        page = keys_page(shared)

        assert page.texts("h2")[0] == "Desk <desk@newsroom.example>"
        assert grouped(shared.drop.newsroom.fingerprint) in page.html
        assert re.search(r"Valid until \w+ \d+, 20\d\d\.", page.html)

    def test_holds_the_key_itself_as_text_to_copy(self, shared: Serving, reader: Newsroom) -> None:
        found = re.search("<pre[^>]*>(.*?)</pre>", keys_page(shared).html, re.DOTALL)

        assert found is not None
        reader.gpg("--import", given=unescape(found[1]).encode())
        assert shared.drop.newsroom.fingerprint.encode() in reader.gpg("--list-keys")

    def test_says_it_in_the_language_asked_for(self, shared: Serving) -> None:
        assert 'lang="de"' in keys_page(shared, "/de/keys").html

    def test_shows_no_key_that_has_ended(self, serving: Serving) -> None:
        ended = Newsroom("Former", made="20250101T000000", ends="1y")
        ended.close()
        Gpg(serving.drop.folder / "newsroom").add_keys(ended.exported)

        page = keys_page(serving)

        assert "Former" not in page.html
        assert grouped(serving.drop.newsroom.fingerprint) in page.html

    def test_says_calmly_that_there_is_none(self, serving: Serving) -> None:
        for file in (serving.drop.folder / "newsroom").glob("pubring*"):
            file.write_bytes(b"")

        assert "There is no key just now" in keys_page(serving).html

    def test_leaves_large_keys_to_the_download_and_stays_as_long(
        self, drop: Drop, reader: Newsroom
    ) -> None:
        for number in range(25):
            reader.gpg("--quick-add-uid", reader.fingerprint, f"{number} {'long ' * 50}")
        drop.add_exported(reader.gpg("--armor", "--export"), reader.fingerprint)

        with drop.running() as serving:
            page, file = keys_page(serving), keys_page(serving, "/keys.asc").html

        assert page.html.count("BEGIN PGP PUBLIC KEY BLOCK") == 1
        assert page.html.count('class="fingerprint"') == 2
        assert len(page.html.encode()) == 16 * 1024
        assert len(Gpg(reader.home).look_at_keys(file.encode())) == 2


class TestTheDownload:
    def test_is_one_file_that_gpg_reads(self, shared: Serving, reader: Newsroom) -> None:
        reader.gpg("--import", given=keys_page(shared, "/keys.asc").html.encode())

        assert shared.drop.newsroom.fingerprint.encode() in reader.gpg("--list-keys")


class TestWhatASourceEncrypted:
    def test_is_taken_as_it_is_and_only_when_the_source_chose_so(
        self, serving: Serving, reader: Newsroom, wav: Path, tmp_path: Path
    ) -> None:
        newsroom = serving.drop.newsroom
        reader.gpg("--import", given=keys_page(serving, "/keys.asc").html.encode())
        to = ["--recipient", newsroom.fingerprint, "--encrypt"]
        encrypted = tmp_path / "recording.gpg"
        encrypted.write_bytes(reader.gpg(*to, given=wav.read_bytes()))

        assert serving.send(encrypted).became == ["not_a_recording"]
        assert serving.send(encrypted, uncleanable="send").became == ["uncleaned"]

        (envelope,) = serving.drop.envelopes()
        inside = newsroom.opened(envelope)["recording.bin"]
        assert newsroom.gpg("--decrypt", given=inside) == wav.read_bytes()


def test_looking_often_starts_gpg_no_more_often(serving: Serving) -> None:
    first = keys_page(serving).html
    (serving.drop.folder / "newsroom/pubring.gpg").unlink(missing_ok=True)
    (serving.drop.folder / "newsroom/pubring.kbx").unlink(missing_ok=True)

    assert keys_page(serving).html == first

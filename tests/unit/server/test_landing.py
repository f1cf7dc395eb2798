"""The page for the newsroom's website: what it tells, what it never does, where it is written."""

import json
import re
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import click
import pytest
from babel.messages.pofile import read_po
from drops import Drop, Newsroom, run_server

from server.cli.landing import command
from server.errors import NotFit, SettingsRefused
from server.i18n import LOCALES, languages
from server.staff.landing.folder import SUMS, write
from server.staff.landing.pages import Landing, pages_of

HOST: Final = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion"
FINGERPRINT: Final = "0123456789ABCDEF0123456789ABCDEF01234567"
SHOWN = re.compile(r"(landing|happens|remains)\.html")
"""The page, and what it shares with the drop's front page."""
LANDING: Final = Landing("The Example Post", HOST, (FINGERPRINT,), b"", values_kept=False)
TAGS: Final = sorted(languages())
OF_TOR: Final = {"https://www.torproject.org/download/"}
TOR: Final = f'[newsroom]\nname = "The Example Post"\n\n[tor]\nonion = "http://{HOST}"\n'


class Page(HTMLParser):
    """A page as a browser takes it apart: its elements, and the words between them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += data

    def attributes(self, name: str) -> set[str]:
        """Return an attribute's values, on whatever element."""
        return {attributes[name] for _, attributes in self.elements if name in attributes}

    def meta(self, name: str) -> str:
        """Return what the page says of itself under a name."""
        (said,) = (
            attributes["content"]
            for tag, attributes in self.elements
            if tag == "meta" and name in (attributes.get("name"), attributes.get("http-equiv"))
        )
        return said


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """One drop's page."""
    return pages_of(LANDING, first="en")


@pytest.fixture(params=TAGS)
def page(request: pytest.FixtureRequest, files: dict[str, bytes]) -> Page:
    """The page in each language."""
    return Page(files[f"{request.param}.html"])


class TestThePage:
    def test_has_no_script_no_form_and_no_frame(self, page: Page) -> None:
        tags = {tag for tag, _ in page.elements}

        assert tags & {"script", "form", "iframe", "object", "embed", "svg", "style"} == set()
        assert [name for name in all_names(page) if name.startswith("on")] == []

    def test_loads_nothing_and_leads_nowhere_but_beside_it_and_to_tor(self, page: Page) -> None:
        targets = page.attributes("href") | page.attributes("src")
        beside = {f"{tag}.html" for tag in TAGS} | {"style.css"}

        assert targets - beside == OF_TOR
        assert {attributes["rel"] for _, attributes in page.elements if "rel" in attributes} == {
            "noreferrer",
            "stylesheet",
        }

    def test_asks_browsers_to_load_nothing_else_that_a_website_adds(self, page: Page) -> None:
        policy = dict(
            rule.split(" ", 1) for rule in page.meta("Content-Security-Policy").split("; ")
        )

        assert policy == {
            "default-src": "'none'",
            "style-src": "'self'",
            "img-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        names = [attributes.get("http-equiv") for tag, attributes in page.elements if tag == "meta"]
        loading = [tag for tag, _ in page.elements].index("link")
        assert names.index("Content-Security-Policy") < loading

    def test_tells_no_other_site_where_somebody_comes_from(self, page: Page) -> None:
        assert page.meta("referrer") == "no-referrer"

    def test_shows_the_address_whole_and_never_as_a_link(self, page: Page) -> None:
        assert HOST in page.words
        assert not [target for target in page.attributes("href") if ".onion" in target]

    def test_leads_tor_browser_to_the_drop_in_the_same_language(self, page: Page) -> None:
        (tag,) = page.attributes("lang") - other_languages(page)

        assert page.meta("onion-location") == f"http://{HOST}/{tag}"

    def test_names_tor_s_own_places(self, page: Page) -> None:
        for place in ("torproject.org", "gettor@torproject.org", "tor.eff.org"):
            assert place in page.words

    def test_shows_each_key_s_fingerprint_as_the_drop_does(self, page: Page) -> None:
        assert "0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567" in page.words

    def test_has_a_link_to_every_other_language_and_its_own_direction(self, page: Page) -> None:
        (html,) = (attributes for tag, attributes in page.elements if tag == "html")

        assert html["dir"] == languages()[html["lang"]].direction
        assert {*other_languages(page), html["lang"]} == set(TAGS)

    @pytest.mark.parametrize("tag", [tag for tag in TAGS if tag != "en"])
    def test_says_everything_in_its_language(self, tag: str, files: dict[str, bytes]) -> None:
        words = files[f"{tag}.html"].decode()
        with (LOCALES / tag / "messages.po").open("rb") as file:
            here = [each for each in read_po(file) if SHOWN.search(str(each.locations))]

        assert len(here) > 25
        for message in here:
            pieces = re.split(r"%\(\w+\)s", str(message.string))
            if "beside the recording, because it can be the proof" not in str(message.id):
                assert all(piece in words for piece in pieces), message.id


class TestTheFiles:
    def test_are_the_same_each_time(self, files: dict[str, bytes]) -> None:
        assert pages_of(LANDING, first="en") == files

    def test_hold_no_date_and_no_version(self, files: dict[str, bytes]) -> None:
        for content in files.values():
            assert not re.search(rb"20\d\d|Tapedrop|0\.\d\.\d", content)

    def test_begin_with_the_language_that_was_asked_for(self) -> None:
        files = pages_of(LANDING, first="fa")

        assert files["index.html"] == files["fa.html"]

    def test_name_a_newsroom_without_letting_it_into_the_page(self) -> None:
        hostile = Landing("<script>\"&'</title>", HOST, (FINGERPRINT,), b"", values_kept=False)

        page = Page(pages_of(hostile, first="en")["en.html"])

        assert not [tag for tag, _ in page.elements if tag == "script"]
        assert page.words.count("<script>\"&'</title>") == 2

    def test_carry_the_logo_where_there_is_one(self) -> None:
        landing = Landing("The Example Post", HOST, (FINGERPRINT,), b"\x89PNG", values_kept=False)

        files = pages_of(landing, first="en")

        assert files["logo.png"] == b"\x89PNG"
        assert "logo.png" in Page(files["ar.html"]).attributes("src")

    def test_say_it_where_the_newsroom_sees_what_is_taken_out(self) -> None:
        landing = Landing("The Example Post", HOST, (FINGERPRINT,), b"", values_kept=True)

        assert "because it can be the proof" in Page(pages_of(landing, first="en")["en.html"]).words


class TestWriting:
    def test_makes_files_that_a_web_server_may_read(
        self, tmp_path: Path, files: dict[str, bytes]
    ) -> None:
        to = tmp_path / "site" / "landing"

        assert write(to, files) == len(files)
        assert {path.name: path.read_bytes() for path in to.iterdir() if path.name != SUMS} == files
        assert {path.stat().st_mode & 0o777 for path in to.iterdir()} == {0o644}
        assert to.stat().st_mode & 0o777 == 0o755

    def test_lets_sha256sum_say_whether_somebody_changed_it(
        self, tmp_path: Path, files: dict[str, bytes]
    ) -> None:
        write(tmp_path, files)
        check = ["sha256sum", "--check", "--strict", "--quiet", SUMS]
        assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 0

        (tmp_path / "ru.html").write_bytes(files["ru.html"].replace(b"abcd", b"abce"))

        told = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True)
        assert "ru.html: FAILED" in told.stdout

    def test_writes_its_former_page_anew_and_takes_away_what_is_no_more(
        self, tmp_path: Path, files: dict[str, bytes]
    ) -> None:
        write(tmp_path, files | {"logo.png": b"\x89PNG"})
        (tmp_path / "robots.txt").write_text("theirs")

        assert write(tmp_path, files | {"en.html": b"new"}) == 2
        assert (tmp_path / "en.html").read_bytes() == b"new"
        assert not (tmp_path / "logo.png").exists()
        assert (tmp_path / "robots.txt").read_text() == "theirs"
        assert write(tmp_path, files | {"en.html": b"new"}) == 0

    @pytest.mark.parametrize(
        "there",
        [
            {"index.html": b"theirs"},
            {"holiday.jpg": b"theirs"},
            {SUMS: b"x", "index.html": b"theirs"},
            {SUMS: b"# A landing page by tapedrop-server, version 2\n"},
            {SUMS: b"# A landing page by tapedrop-server, version 1\n0  ../../etc/passwd\n"},
            {SUMS: b"# A landing page by tapedrop-server, version 1\n", "en.html": b"theirs"},
            {SUMS: b"\xff\x00" * 40_000},
        ],
        ids=["a_page", "a_picture", "other_sums", "later", "elsewhere", "one_more", "no_text"],
    )
    def test_refuses_a_folder_that_holds_something_else(
        self, tmp_path: Path, files: dict[str, bytes], there: dict[str, bytes]
    ) -> None:
        for name, content in there.items():
            (tmp_path / name).write_bytes(content)

        with pytest.raises(SettingsRefused):
            write(tmp_path, files)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == there

    def test_refuses_what_was_changed_by_hand_since(
        self, tmp_path: Path, files: dict[str, bytes]
    ) -> None:
        write(tmp_path, files)
        (tmp_path / "en.html").write_bytes(files["en.html"] + b"<p>by hand")

        with pytest.raises(SettingsRefused, match="not as we wrote it"):
            write(tmp_path, files | {"ru.html": b"new"})
        assert (tmp_path / "ru.html").read_bytes() == files["ru.html"]

    def test_follows_no_link_out_of_the_folder(
        self, tmp_path: Path, files: dict[str, bytes]
    ) -> None:
        (tmp_path / "to").mkdir()
        (tmp_path / "precious").write_text("theirs")
        write(tmp_path / "to", files)
        (tmp_path / "to" / "en.html").unlink()
        (tmp_path / "to" / "en.html").symlink_to(tmp_path / "precious")

        with pytest.raises(SettingsRefused):
            write(tmp_path / "to", files)
        assert (tmp_path / "precious").read_text() == "theirs"


class TestTheVerb:
    def test_tells_what_it_wrote(self, drop: Drop, newsroom: Newsroom, tmp_path: Path) -> None:
        drop.configure(TOR)

        said = verb(drop, tmp_path / "page", "--language", "tr")

        assert said == {
            "folder": str(tmp_path / "page"),
            "onion": f"http://{HOST}",
            "languages": TAGS,
            "fingerprints": [newsroom.fingerprint],
            "changed": len(TAGS) + 2,
        }
        index = (tmp_path / "page" / "index.html").read_bytes()
        assert sha256(index).digest() == sha256((tmp_path / "page/tr.html").read_bytes()).digest()
        assert verb(drop, tmp_path / "page", "--language", "tr")["changed"] == 0

    def test_refuses_without_the_drop_s_address(self, drop: Drop, tmp_path: Path) -> None:
        with pytest.raises(SettingsRefused, match=r"tor\.onion is not set"):
            typed(drop, tmp_path / "page")
        assert not (tmp_path / "page").exists()

    def test_refuses_while_nothing_could_be_sent(self, drop: Drop, tmp_path: Path) -> None:
        drop.configure(f'[newsroom]\nkeyring = "nobody"\n\n[tor]\nonion = "http://{HOST}"\n')
        (drop.folder / "nobody").mkdir(mode=0o700)

        with pytest.raises(NotFit, match="the newsroom has no key"):
            typed(drop, tmp_path / "page")
        assert not (tmp_path / "page").exists()

    def test_names_the_languages_there_are(self, drop: Drop, tmp_path: Path) -> None:
        with pytest.raises(click.BadParameter, match=", ".join(TAGS)):
            typed(drop, tmp_path / "page", "--language", "xx")

    @pytest.mark.parametrize("place", ["store", "newsroom", "."])
    def test_writes_over_nothing_of_the_drop_s(self, drop: Drop, place: str) -> None:
        drop.configure(TOR)
        before = sorted(drop.folder.rglob("*"))

        with pytest.raises(SettingsRefused, match="holds something else already"):
            typed(drop, drop.folder / place)
        assert sorted(drop.folder.rglob("*")) == before


def typed(drop: Drop, to: Path, *words: str) -> None:
    """Type the verb in this process; what it raises comes out."""
    command.main(["--to", str(to), *words, "--config", str(drop.config)], standalone_mode=False)


def verb(drop: Drop, to: Path, *words: str) -> dict[str, Any]:
    """Return what `landing` answers."""
    done = run_server("landing", "--to", to, *words, "--config", drop.config, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def all_names(page: Page) -> Iterator[str]:
    """Yield the name of every attribute."""
    for _, attributes in page.elements:
        yield from attributes


def other_languages(page: Page) -> set[str]:
    """Return the languages that a page has links to."""
    return page.attributes("hreflang")

"""Two front ends of one drop: each has a folder and a process of its own, and both one store."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from desk import Desk, exported
from drops import Drop, Newsroom, Serving, run_server, write_wav
from engines import as_toml
from form import Browser
from replies import keys_of, reply_to, sent
from wire import answered, connected, request

from crypto.codename import codename_from
from server.config import read_config
from server.store.opening import open_store

FOLDER = pytest.param("folder", marks=pytest.mark.xdist_group("two servers"))
BUCKET = pytest.param("bucket", marks=pytest.mark.xdist_group("engine"))
NOTHING = "There is nothing here."
LONG = 50_000_000
"""Bytes: more than a connection's buffers hold."""


class Pair(NamedTuple):
    """Two front ends that run."""

    one: Serving
    other: Serving


@pytest.fixture(scope="module", params=[FOLDER, BUCKET])
def pair(
    request: pytest.FixtureRequest,
    prepared: Drop,
    newsroom: Newsroom,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    """Two that run for all of these tests; each has sources, and so a mailbox, of its own."""
    folder = tmp_path_factory.mktemp("pair")
    drop = Drop.copied(prepared, folder / "one")
    if request.param == "bucket":
        drop.configure(as_toml(request.getfixturevalue("engine").bucket(drop.folder)))
    twin = Drop(folder / "other", newsroom)
    make_twin(twin, drop)
    with ExitStack() as stack:
        yield Pair(*(stack.enter_context(each.running()) for each in (drop, twin)))


def make_twin(twin: Drop, drop: Drop) -> None:
    """Make a drop another front end of the one given, as docs/scaling.md says."""
    (twin.folder / "credentials/export.key").unlink()
    shutil.copy2(drop.folder / "credentials/salt", twin.folder / "credentials/salt")
    if "[store]" in drop.config.read_text():
        shutil.copy2(drop.folder / "credentials/store.toml", twin.folder / "credentials")
        twin.config.write_text(drop.config.read_text())
    else:
        twin.configure(f'[places]\nstore = "{drop.folder / "store"}"\n')


def back(serving: Serving, codename: str) -> tuple[Browser, str]:
    """Come back with the codename; return the visit, and the mailbox's page."""
    browser = Browser(serving.address)
    return browser, browser.enter(codename).html


def add_message(browser: Browser, message: str) -> None:
    """Send one more message in a visit."""
    form = browser.get("/send")
    browser.post(form.form, form.fields | {"message": message}, [])


def stored(drop: Drop) -> dict[str, bytes]:
    """Return every object in the drop's store."""

    async def read() -> dict[str, bytes]:
        async with open_store(drop.folder, read_config(drop.config)) as store:
            folders = ("drops/", "mailboxes/", "replies/", "salts/")
            names = [name for folder in folders async for name in store.names(folder)]
            return {name: b"".join([block async for block in store.get(name)]) for name in names}

    return asyncio.run(read())


class TestOneDropAtTwoFrontEnds:
    def test_a_mailbox_gathers_what_was_sent_at_both_and_is_read_at_both(
        self, pair: Pair, wav: Path
    ) -> None:
        codename = sent(pair.one, wav)
        browser, mailbox = back(pair.other, codename)
        assert "File 1. We have it." in mailbox

        add_message(browser, "And this.")

        for serving in pair:
            _, mailbox = back(serving, codename)
            assert "File 1. We have it." in mailbox
            assert "Your message. We have it." in mailbox

    def test_a_reply_that_is_deleted_and_a_mailbox_that_is_closed_are_so_at_both(
        self, pair: Pair
    ) -> None:
        codename = sent(pair.one, message="Can you hear me?")
        name = reply_to(pair.one, codename, "We can.")
        browser, mailbox = back(pair.other, codename)
        assert "We can." in mailbox

        action = next(part for part in mailbox.split('"') if part.endswith("/delete"))
        browser.submit(action, {"reply": name})
        browser, mailbox = back(pair.one, codename)
        assert "We can." not in mailbox

        browser.submit(browser.get("/mailbox/close").form, {})
        assert NOTHING in back(pair.other, codename)[1]

    @pytest.mark.xdist_group("two servers")
    def test_a_desk_gets_what_either_received_and_its_answer_is_read_at_both(
        self, drop: Drop, desk: Desk, tmp_path: Path
    ) -> None:
        twin = Drop.copied(drop, tmp_path / "twin")
        make_twin(twin, drop)
        words = tmp_path / "reply.txt"
        words.write_text("We heard both.")
        with drop.running() as one, twin.running() as other:
            codename = sent(one, message="At one.")
            browser, _ = back(other, codename)
            add_message(browser, "At the other.")

            desk.run("import", exported(drop, tmp_path / "stick"))
            desk.json("open", "--all")
            desk.json("reply", "1", "--text-from", words)
            bag = desk.json("receipt", "--to", tmp_path / "back")["bag"]
            done = run_server("replies", "import", bag, "--config", drop.config)

            assert len(desk.json("list")) == 2
            assert done.returncode == 0, done.stderr
            assert "We heard both." in back(other, codename)[1]


class TestAVisitLivesAtOneFrontEnd:
    def test_its_form_at_the_other_is_turned_away_before_the_body_is_read(self, pair: Pair) -> None:
        browser = pair.one.visit()
        action = browser.get("/send").form
        form = "Content-Type: multipart/form-data; boundary=edge\r\n"
        head = request("POST", action, cookie=browser.cookie, headers=form, length=LONG)

        with connected(pair.other) as connection:
            connection.sendall(head)
            answer = answered(connection)

        assert answer.status == 403
        assert answer.header("Connection") == "close"
        assert "This page is too old" in answer.body
        assert 'href="/return"' in answer.body

    def test_the_page_comes_also_to_a_browser_that_sends_all_of_it_first(
        self, pair: Pair, tmp_path: Path
    ) -> None:
        browser = pair.one.visit()
        action = browser.get("/send").form
        strayed = Browser(pair.other.address, browser.cookie)
        before = written_bytes(pair.other)

        with pytest.raises(RuntimeError, match=r"(?s)answered 403: .*eight words"):
            strayed.post(action, {}, [write_wav(tmp_path / "long.wav", bytes(LONG))])

        assert written_bytes(pair.other) - before < LONG / 100

    def test_the_page_leads_to_the_words_and_on_to_the_form(self, pair: Pair, wav: Path) -> None:
        browser = pair.one.visit()
        codename = browser.get("/codename").texts("ol", "codename")[0]
        strayed = Browser(pair.other.address, browser.cookie)

        strayed.enter(codename)
        form = strayed.get("/send")
        page = strayed.post(form.form, form.fields, [wav])

        assert 'data-became="cleaned"' in page.html

    def test_the_codename_is_in_no_cookie_and_in_nothing_that_is_kept(
        self, pair: Pair, wav: Path
    ) -> None:
        browser = pair.one.visit()
        codename = browser.get("/codename").texts("ol", "codename")[0]
        form = browser.get("/send")
        browser.post(form.form, form.fields | {"message": "x"}, [wav])
        there, _ = back(pair.other, codename)
        keys = keys_of(pair.one, codename)

        objects = stored(pair.one.drop)
        files = [path for each in pair for path in each.drop.folder.rglob("*") if path.is_file()]
        names = "\n".join([*objects, *map(str, files)]).encode()
        kept = b"\n".join([names, *objects.values(), *(path.read_bytes() for path in files)])
        cookies = f"{browser.cookie} {there.cookie}".encode()

        assert keys.mailbox_id.hex().encode() in names
        assert browser.cookie.partition("=")[2].encode() not in kept
        secrets = (codename.encode(), codename_from(codename), keys.mailbox_key, keys.reply_seed)
        for secret in secrets:
            assert secret not in kept + cookies
            assert secret.hex().encode() not in kept + cookies


class TestWhatFrontEndsMustShare:
    def test_one_with_another_salt_refuses_to_start(self, pair: Pair, tmp_path: Path) -> None:
        stranger = Drop.copied(pair.other.drop, tmp_path / "stranger")
        (stranger.folder / "credentials/salt").write_bytes(bytes(32))

        done = run_server("serve", "--config", stranger.config)

        assert done.returncode == 5
        assert "every front end of a drop needs the same salt" in done.stderr


def written_bytes(serving: Serving) -> int:
    """Return how many bytes the front end has sent to files and pipes so far (proc(5), wchar)."""
    io = Path(f"/proc/{serving.process.pid}/io").read_text()
    return int(io.partition("wchar: ")[2].split()[0])

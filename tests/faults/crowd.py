"""Sources who all use one drop at once, and remember exactly what it told them.

Each is a thread with a browser: sends messages and recordings, looks how far they are, breaks off,
comes back, deletes replies, closes the mailbox. Whatever it does follows from a seed; only when
things happen doesn't. Everything that is sent holds a planted string, twice: where it is taken out,
and where it stays.
"""

import contextlib
import http.client
import io
import re
import secrets
import threading
import wave
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random

from drops import Serving, write_wav
from form import Browser
from wire import FORM, connected, part, request

PLANTED = b"planted where nobody may ever find it"
_KEPT = {"cleaned", "written"}
_SIZES = [20_000] * 9 + [200_000] * 3 + [1_500_000] * 2 + [9_500_000]
"""The largest goes to a bucket in parts."""
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 120


def digest(content: bytes) -> str:
    """Return what a recording or a message is known by."""
    return sha256(content).hexdigest()


@dataclass
class Told:
    """What sources did, and what they were told, whatever became of the drop since."""

    sent: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    codenames: set[str] = field(default_factory=set)
    closing: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    became: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    answers: int = 0
    failures: list[BaseException] = field(default_factory=list)
    lock: threading.Condition = field(default_factory=threading.Condition)

    def answered(self) -> None:
        """Count a visit begun or a form answered: how far the crowd has come."""
        with self.lock:
            self.answers += 1
            self.lock.notify_all()

    def wait_for(self, answers: int) -> None:
        """Wait until so many more have come. Raises what a source could not go on for."""
        with self.lock:
            until = self.answers + answers
            come = self.lock.wait_for(
                lambda: self.answers >= until or self.failures, _PATIENCE_SECONDS
            )
            if self.failures:
                raise self.failures[0]
            assert come, "nobody does anything"

    def fail(self, failure: BaseException) -> None:
        """Note that a source could not go on."""
        with self.lock:
            self.failures.append(failure)
            self.lock.notify_all()

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        """Count an upload for as long as it lasts."""
        with self.lock:
            self.in_flight += 1
        try:
            yield
        finally:
            with self.lock:
                self.in_flight -= 1


class Source:
    """One who sends: `random` decides what, `told` is everybody's memory."""

    def __init__(self, random: Random, folder: Path, told: Told) -> None:
        self._random = random
        self._folder = folder
        self.told = told
        self._codenames: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def act_or_be_refused(self, serving: Serving) -> None:
        """Do one thing, and go on where the drop is too busy for it; the answer is counted."""
        try:
            self._act(serving)
        except RuntimeError as refused:
            if " answered 503" not in str(refused):
                raise
            self.told.became["503"] += 1
            self.told.answered()

    def _act(self, serving: Serving) -> None:
        """Do one thing that a source does; what is raised says that the drop is gone."""
        chance = self._random.random()
        codename = self._random.choice(self._codenames) if self._codenames else ""
        if codename and chance < 0.1:
            self._close(serving, codename)
        elif codename and chance < 0.25:
            self._tidy(serving, codename)
        elif chance < 0.35:
            self._break_off(serving)
        else:
            browser = self._visit(serving, codename if self._random.random() < 0.5 else "")
            for _ in range(self._random.randint(1, 5)):
                self._send(serving, browser)
                self.told.answered()

    def _send(self, serving: Serving, browser: Browser) -> None:
        form = browser.get("/send")
        message = ""
        if self._random.random() < 0.4:
            message = f"{PLANTED.decode()} {secrets.token_hex(8)}"
        files = [self._recording() for _ in range(self._random.randint(not message, 2))]
        contents = [clean_wav(path.read_bytes()) for path in files]
        digests = [
            digest(content) for content in ([message.encode()] if message else []) + contents
        ]
        with self.told.lock:
            self.told.sent.update(digests)
        over = threading.Event()
        looking = threading.Thread(
            target=self._look, args=(serving, browser.cookie, form.form, digests, over)
        )
        looking.start()
        try:
            with self.told.sending():
                page = browser.post(form.form, form.fields | {"message": message}, files)
            self._heard(page.html, digests)
        finally:
            over.set()
            looking.join()
            for path in files:
                path.unlink()

    def _look(
        self, serving: Serving, cookie: str, form: str, digests: list[str], over: threading.Event
    ) -> None:
        """Look at the progress frame until the upload is over, as a browser does by itself."""
        with contextlib.suppress(OSError, http.client.HTTPException, RuntimeError):
            while not over.wait(_LOOK_SECONDS):
                frame = Browser(serving.address, cookie).get(f"{form}/progress")
                self._heard(frame.html, digests)

    def _heard(self, html: str, digests: list[str]) -> None:
        """Remember what a page says; things stand in it as they did in the form."""
        became = re.findall('data-became="(.*?)"', html)
        with self.told.lock:
            self.told.became.update(became if "outcomes" in html else ())
            self.told.kept.update(
                known for known, said in zip(digests, became, strict=False) if said in _KEPT
            )

    def _break_off(self, serving: Serving) -> None:
        browser = self._visit(serving, "")
        path = self._recording()
        body = part("recordings", path.read_bytes(), file_name="a.wav")
        path.unlink()
        sent = body[: self._random.randrange(len(body))]
        action = browser.get("/send").form
        head = request("POST", action, cookie=browser.cookie, headers=FORM, length=len(body) + 9)
        with connected(serving) as connection:
            connection.sendall(head + sent)

    def _tidy(self, serving: Serving, codename: str) -> None:
        """Delete the first reply in the mailbox."""
        browser = self._visit(serving, codename)
        html = browser.get("/mailbox").html
        names = re.findall('name="reply" value="(.*?)"', html)
        action = re.search('action="(/mailbox/[^"]*/delete)"', html)
        if not names or action is None:
            return
        with self.told.lock:
            self.told.deleting.add(names[0])
        page = browser.submit(action[1], {"reply": names[0]})
        with self.told.lock:
            if names[0] not in page.html:
                self.told.deleted.add(names[0])

    def _close(self, serving: Serving, codename: str) -> None:
        browser = self._visit(serving, codename)
        action = browser.get("/mailbox/close").form
        self._codenames.remove(codename)
        with self.told.lock:
            self.told.closing.add(codename)
        browser.submit(action, {})
        with self.told.lock:
            self.told.closed.add(codename)

    def _visit(self, serving: Serving, codename: str) -> Browser:
        self.told.answered()
        browser = Browser(serving.address)
        if codename:
            browser.enter(codename)
            return browser
        browser.get("/")
        codename = browser.get("/codename").texts("ol", "codename")[0]
        self._codenames = [*self._codenames[-2:], codename]
        with self.told.lock:
            self.told.codenames.add(codename)
        return browser

    def _recording(self) -> Path:
        """Return a new recording, mostly a small one; no two are the same."""
        size = self._random.choice(_SIZES)
        samples = PLANTED + b"." + secrets.token_bytes(size)
        path = self._folder / f"{secrets.token_hex(4)}.wav"
        return write_wav(path, samples[: len(samples) // 2 * 2], secret=PLANTED)


def clean_wav(recording: bytes) -> bytes:
    """Return what is to be left of one of ours, by Python's own reader and writer."""
    with wave.open(io.BytesIO(recording)) as given:
        parameters, samples = given.getparams(), given.readframes(given.getnframes())
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setparams(parameters)
        made.writeframes(samples)
    return out.getvalue()


@contextlib.contextmanager
def crowd(sources: list[Source], serving: Serving) -> Iterator[threading.Event]:
    """Have them all use the drop until this ends; once the event is set, it may fail them."""
    over = threading.Event()
    told = sources[0].told

    def use(source: Source) -> None:
        try:
            while not over.is_set():
                source.act_or_be_refused(serving)
        except (OSError, http.client.HTTPException) as failure:
            if not over.is_set():
                told.fail(failure)
        except BaseException as failure:  # noqa: BLE001  raised again below
            told.fail(failure)

    threads = [threading.Thread(target=use, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    try:
        yield over
    finally:
        over.set()
        for thread in threads:
            thread.join()
    told.wait_for(0)

"""Ask whether time tells a mailbox that exists from one that never was, at a real drop on loopback.

    page     the mailbox of a visit whose codename was typed before
    typing   eight words typed, the answer to them, and the page behind it: Argon2id and all

Existing mailboxes hold twelve events, four replies and a state. Both kinds are asked in turn, in
random order. `auc` is how often one that exists took longer than one that doesn't, ties counting
half: 0.5 says that time tells nothing, and `told` is how often the best guess from one answer is
right. `bench/results/mailbox.json` has the same figures, and every time that was taken.
"""

import argparse
import asyncio
import http.client
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent / "demo"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from drops import Drop, Newsroom
from form import Browser

from crypto.codename import derive, new_codename, words_of
from crypto.reply import Reply, Stage, State, public_key_of, seal_reply, seal_state
from server.mailbox import MailboxEvent, note
from server.sender import sender_of
from server.store import random_name, small
from server.store.local import LocalStore

RESULTS: Final = Path(__file__).parent / "results"
KINDS: Final = ("existing", "missing")
CODENAMES: Final = 5
"""Of each kind; they take turns."""
Times = dict[str, list[float]]
"""Seconds, by kind."""


class Answer(NamedTuple):
    """What came back, and how long it took; `size` is bytes."""

    seconds: float
    size: int
    status: int
    cookie: str


def make_mailbox(codename: bytes, drop: Path) -> None:
    """Put a mailbox into the drop's store, as sending and answering would."""
    keys = derive(codename, (drop / "credentials/salt").read_bytes())
    store, today = LocalStore(drop / "store"), datetime.now(UTC).date()
    to, folder = public_key_of(keys.reply_seed), f"replies/{keys.mailbox_id.hex()}"

    async def put(seal: Callable[..., bytes]) -> None:
        name = random_name()
        sealed = seal(to=to, mailbox_id=keys.mailbox_id, name=name)
        await store.put(f"{folder}/{name}", small(sealed))

    async def fill() -> None:
        for age in range(12):
            day = (today - timedelta(days=age)).isoformat()
            await note(MailboxEvent(day, "recording", "cleaned"), sender_of(keys), store)
        for age in range(4):
            day = (today - timedelta(days=age)).isoformat()
            await put(partial(seal_reply, Reply(day, "Which door was it? " * 20)))
        await put(partial(seal_state, State(Stage.OPENED, today.isoformat(), 12)))

    asyncio.run(fill())


def fetched(address: str, method: str, path: str, cookie: str, body: str = "") -> Answer:
    """Return what a page answers, with the seconds until all of it was here; nothing is parsed."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        started = time.perf_counter()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        size = len(response.read())
        took = time.perf_counter() - started
        cookie = (response.headers["Set-Cookie"] or cookie).partition(";")[0]
        return Answer(took, size, response.status, cookie)
    finally:
        connection.close()


def timed_page(address: str, cookie: str) -> Answer:
    """Open the mailbox."""
    answer = fetched(address, "GET", "/mailbox", cookie)
    assert answer.status == http.client.OK
    return answer


def timed_typing(address: str, codename: bytes) -> Answer:
    """Type the words, and open the mailbox behind them; return the seconds of both together."""
    browser = Browser(address)
    form, words = browser.get("/return").form, urlencode({"codename": words_of(codename)})
    typed = fetched(address, "POST", form, browser.cookie, words)
    assert typed.status == http.client.SEE_OTHER
    opened = timed_page(address, typed.cookie)
    return Answer(typed.seconds + opened.seconds, opened.size, opened.status, typed.cookie)


def measure(
    pairs: int, ask: Callable[[str, int], Answer], chance: random.Random
) -> tuple[Times, dict[str, list[int]]]:
    """Ask both kinds in turn `pairs` times; return the seconds, and the sizes that were seen."""
    times: Times = {kind: [] for kind in KINDS}
    sizes: dict[str, set[int]] = {kind: set() for kind in KINDS}
    for number in range(pairs):
        for kind in chance.sample(KINDS, k=2):
            answer = ask(kind, number % CODENAMES)
            times[kind].append(answer.seconds)
            sizes[kind].add(answer.size)
    return times, {kind: sorted(seen) for kind, seen in sizes.items()}


def figures(times: Times) -> dict[str, float]:
    """Return the distributions in milliseconds, and what one answer tells."""
    told: dict[str, float] = {}
    for kind, taken in times.items():
        hundredths = statistics.quantiles(taken, n=100, method="inclusive")
        for name, place in (("p5", 4), ("median", 49), ("p95", 94)):
            told[f"{kind}_{name}_ms"] = round(hundredths[place] * 1000, 2)
    existing, missing = times["existing"], times["missing"]
    wins = sum((e > m) + (e == m) / 2 for e in existing for m in missing)
    told["auc"] = round(wins / (len(existing) * len(missing)), 3)
    told["told"] = round(best_guess(existing, missing), 3)
    return told


def best_guess(existing: list[float], missing: list[float]) -> float:
    """Return how often a guess is right that knows the best threshold, on these very times."""
    best = 0.5
    for threshold in existing + missing:
        right = sum(e > threshold for e in existing) / len(existing)
        right += sum(m <= threshold for m in missing) / len(missing)
        best = max(best, right / 2, 1 - right / 2)
    return best


def main() -> None:
    """Make the drop and its mailboxes, ask, print, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--typed", type=int, default=20, help="pairs in which words are typed")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    chance = random.Random(4)
    newsroom = Newsroom()
    try:
        with tempfile.TemporaryDirectory() as work:
            drop = Drop(Path(work) / "drop", newsroom)
            names = {kind: [new_codename() for _ in range(CODENAMES)] for kind in KINDS}
            for codename in names["existing"]:
                make_mailbox(codename, drop.folder)
            with drop.running() as serving:
                address = serving.address
                cookies = {
                    kind: [timed_typing(address, codename).cookie for codename in names[kind]]
                    for kind in KINDS
                }
                page = measure(
                    options.pairs,
                    lambda kind, number: timed_page(address, cookies[kind][number]),
                    chance,
                )
                typing = measure(
                    options.typed,
                    lambda kind, number: timed_typing(address, names[kind][number]),
                    chance,
                )
    finally:
        newsroom.close()
    print(__doc__)
    results = {}
    for name, (times, sizes) in (("page", page), ("typing", typing)):
        results[name] = {**figures(times), "page_bytes": sizes, "seconds": times}
        said = {key: value for key, value in results[name].items() if key != "seconds"}
        print(name, json.dumps(said), flush=True)
    print("targets: auc 0.4-0.6, both kinds of one size; of the page told <= 0.6 (chance: 0.55)")
    (RESULTS / "mailbox.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""`kill -9` at random moments, under load, again and again.

A source may be told of less than is there: a drop that dies between the store's answer and its own
leaves an envelope that nobody was told of. Never of more.
"""

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from drops import Drop, write_wav

from faults.afterwards import Disk, Kept, wait_until_gone
from faults.conftest import Note
from faults.crowd import Source, Told, crowd

DROPS = 6
MOST_ANSWERS = 14
JITTER_SECONDS = 0.1
SOURCES = 4


@pytest.mark.parametrize("seed", range(DROPS))
def test_what_was_acknowledged_is_there_and_opens_however_often_it_is_killed(
    drop: Drop, stored: str, seed: int, kills: int, tmp_path: Path, note: Note
) -> None:
    random, told, kept = Random(seed), Told(), Kept(drop)
    disk = Disk.of(drop, tmp_path)
    sources = [Source(Random(f"{seed} {n}"), tmp_path / f"{n}", told) for n in range(SOURCES)]
    under_way = 0
    at_once = write_wav(tmp_path / "at-once.wav")

    for _ in range(kills):
        with drop.running(before=["setsid"], environment=disk.environment) as serving:
            assert serving.send(at_once).became == ["cleaned"]
            if open_mailboxes := sorted(told.codenames - told.closing):
                kept.reply(random.choice(open_mailboxes))
            with crowd(sources, serving) as over:
                # Sources are followed, not the clock: a slow machine is killed as far on as a fast.
                told.wait_for(random.randint(0, MOST_ANSWERS))
                over.wait(random.uniform(0, JITTER_SECONDS))
                under_way += told.in_flight
                over.set()
                serving.kill()
        wait_until_gone(serving.process.pid)
        assert disk.left_over() == []
        kept.look_at_new_objects()

    assert disk.clear_text() == []
    held = list(kept.opened(tmp_path))
    contents = Counter(content for content, _ in held)
    assert told.kept <= contents.keys(), "something acknowledged is missing"
    assert all(contents[known] == 1 for known in told.kept), "something was kept twice"
    for codename in set(kept.replies.values()):
        of_mailbox = [content for content, mailbox in held if mailbox == kept.id_of(codename)]
        assert kept.events(codename) <= len(of_mailbox), "a mailbox tells of what isn't there"
    for codename in told.closed:
        assert not kept.of(codename, "mailboxes", "replies"), "a closed mailbox is not gone"
    for name, codename in kept.replies.items():
        is_there = any(path.endswith(name) for path in kept.of(codename, "replies"))
        assert not (is_there and name in told.deleted), "a deleted reply is back"
        assert is_there or name in told.deleting or codename in told.closing, "a reply is missing"
    note(
        kills=kills,
        uploads_under_way_when_killed=under_way,
        acknowledged=len(told.kept) + kills,
        found_and_opened=len(held),
        untold=len(held) - kills - len(told.kept),
        mailboxes_closed=len(told.closed),
        replies_deleted=len(told.deleted),
        unfinished_in_parts=kept.unfinished(),
        left_over=0,
    )

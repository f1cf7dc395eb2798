"""Keys come and go while the drop runs, and never in the middle of a recording."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from drops import Drop, Newsroom, Serving, run_server, write_wav
from holds import HeldGpg, child_of

HELD_AFTER = 400_000


@pytest.fixture
def successor() -> Iterator[Newsroom]:
    """Who reads from now on."""
    made = Newsroom("Successor <next@newsroom.example>")
    yield made
    made.close()


def retire(drop: Drop, key: Newsroom) -> None:
    fingerprint = key.fingerprint
    words = ["retire", fingerprint, "--confirm", fingerprint, "--config", str(drop.config)]
    done = run_server("keys", *words)
    assert done.returncode == 0, done.stderr


def readers(envelope: Path, *keys: Newsroom) -> list[bool]:
    """Say of each whether their key opens it."""
    return [bool(key.gpg("--decrypt", str(envelope))) for key in keys]


class TestChangingKeys:
    def test_takes_effect_with_the_next_recording_and_not_in_the_middle_of_one(
        self, drop: Drop, successor: Newsroom, wav: Path, tmp_path: Path
    ) -> None:
        large = write_wav(tmp_path / "large.wav", os.urandom(2 * HELD_AFTER))
        became: list[str] = []
        held = HeldGpg(tmp_path, after_bytes=HELD_AFTER)
        with held, drop.running(before=held.before) as serving:
            sender = threading.Thread(target=lambda: became.extend(serving.send(large).became))
            sender.start()
            wait_until_sealing(serving, sender)
            assert drop.add_key(successor).returncode == 0
            retire(drop, drop.newsroom)
            held.let_go()
            sender.join()
            (first,) = drop.envelopes()
            became += serving.send(wav).became
            (second,) = set(drop.envelopes()) - {first}

        assert became == ["cleaned", "cleaned"]
        assert readers(first, drop.newsroom, successor) == [True, False]
        assert readers(second, drop.newsroom, successor) == [False, True]


def wait_until_sealing(serving: Serving, sender: threading.Thread) -> None:
    while sender.is_alive() and not child_of(serving.process, "--encrypt"):
        pass
    assert sender.is_alive()

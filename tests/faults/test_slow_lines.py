"""Lines as slow as Tor's slowest, slower ones, and a drop that is slow itself, in real time."""

import threading
import time
from pathlib import Path

from drops import Drop, Result, write_wav
from form import Browser
from gate import Gate
from holds import HeldGpg

from faults.conftest import Note

AFTER = 5
SETTINGS = f"[admission]\nmin_bytes_per_second = 1000\nslow_after_seconds = {AFTER}"


def test_a_line_of_four_kilobytes_a_second_brings_everything(
    drop: Drop, tmp_path: Path, note: Note
) -> None:
    drop.configure(SETTINGS)
    with drop.running() as serving, Gate(serving.address) as gate:
        gate.open(bytes_per_second=4000)
        began = time.monotonic()

        became = sent_by(gate, write_wav(tmp_path / "a.wav", bytes(100_000)))

        assert became == ["cleaned"]
        note(seconds=round(time.monotonic() - began))
        assert time.monotonic() - began > 4 * AFTER


def test_a_line_that_drips_is_ended(drop: Drop, wav: Path, note: Note) -> None:
    drop.configure(SETTINGS)
    with drop.running() as serving, Gate(serving.address) as gate:
        gate.open(bytes_per_second=400)
        began = time.monotonic()

        became = sent_by(gate, wav)

        assert set(became) == {"cut_off"}
        note(seconds=round(time.monotonic() - began))


def test_a_source_who_waits_for_us_is_not_slow(
    drop: Drop, tmp_path: Path, wav: Path, note: Note
) -> None:
    drop.configure(SETTINGS)
    large = write_wav(tmp_path / "large.wav", bytes(30_000_000))
    with HeldGpg(tmp_path) as gpg, drop.running(before=gpg.before) as serving:
        became: list[list[str]] = []
        sending = threading.Thread(target=lambda: became.append(serving.send(wav, large).became))
        began = time.monotonic()

        sending.start()
        serving.wait_for(lambda: time.monotonic() - began > 4 * AFTER)
        gpg.let_go()
        sending.join()

        assert became == [["cleaned", "cleaned"]]
        note(held_seconds=4 * AFTER)


def sent_by(gate: Gate, *recordings: Path) -> list[str]:
    """Send through the gate in a visit of its own; return what became of each."""
    browser = Browser(gate.address)
    browser.get("/codename")
    form = browser.get("/send")
    return Result(browser.post(form.form, form.fields, list(recordings))).became

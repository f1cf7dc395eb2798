"""What the server asks the sandbox for: values only where the newsroom keeps them."""

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drops import write_wav

from crypto.manifest import NOT_READ, Manifest
from scrub import Cleaned, CutList, WorkerFailed
from scrub.findings import Findings as Found
from scrub.wire import FormatName
from server import pipeline, scrubbing
from server.config import Findings
from server.scrubbing import Scrubber
from server.sender import Sender
from server.spool import Held, Spool


@contextmanager
def held(folder: Path) -> Iterator[Held]:
    """Hold a WAV that says who made it."""
    recording = write_wav(folder / "a.wav", secret=b"Maria Exampleson").read_bytes()
    with Spool(folder).hold() as holding:
        holding.write(recording)
        holding.finish()
        yield holding


@contextmanager
def scrubber(findings: Findings) -> Iterator[Scrubber]:
    made = Scrubber(at_once=1, findings=findings)
    try:
        yield made
    finally:
        made.close()


def never(*_words: Any, **_named: Any) -> Any:
    raise AssertionError("nobody may ask")


class TestValues:
    def test_with_kinds_no_worker_is_ever_asked_for_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(scrubbing, "look", never)

        with held(tmp_path) as recording, scrubber(Findings.KINDS) as made:
            assert asyncio.run(made.values(recording)) == ()

    def test_with_values_they_come_out_of_the_encrypted_spool(self, tmp_path: Path) -> None:
        with held(tmp_path) as recording, scrubber(Findings.VALUES) as made:
            told = asyncio.run(made.values(recording))

        assert "Maria Exampleson" in {value.text for value in told or ()}

    def test_a_worker_that_fails_of_them_costs_no_recording(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(*_words: Any, **_named: Any) -> Any:
            raise WorkerFailed("the worker died")

        monkeypatch.setattr(scrubbing, "look", failing)

        with held(tmp_path) as recording, scrubber(Findings.VALUES) as made:
            assert asyncio.run(made.values(recording)) is None

    def test_that_they_could_not_be_read_is_said_in_the_manifest(self) -> None:
        source = Sender(bytes(16), bytes(32), bytes(1216), "ozone fiber")
        clean = Cleaned(FormatName("WAV", "wav"), CutList(io.BytesIO(), within=0), Found())

        manifest = pipeline._Scrubbed(0, clean, None).manifest(source)

        assert manifest.values == (NOT_READ,)
        filled_in = replace(manifest, day="2026-11-03", newsroom_digest=64 * "0", sha256=64 * "0")
        assert Manifest.decoded(filled_in.encoded()) == filled_in

"""Cleaning as a whole: what is done with a plan while it is being proved."""

import io
import sys
import tempfile
import threading
from collections.abc import Callable

import pytest
from recordings import wav

from scrub import CutList, Handle, Unproved, Zygote, clean, render


def cleaned_with(zygote: Zygote, use: Callable[[CutList], None]) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(wav())
        file.flush()
        clean(zygote, Handle(file.fileno()), len(wav()), io.BytesIO(), meanwhile=use)


class TestMeanwhile:
    def test_what_is_rendered_meanwhile_is_what_is_proved(self, zygote: Zygote) -> None:
        rendered: list[bytes] = []

        def use(cuts: CutList) -> None:
            rendered.append(b"".join(render(cuts, io.BytesIO(wav()), block=1000)))

        cleaned_with(zygote, use)

        assert rendered == [wav()]

    def test_a_plan_that_is_not_proved_is_taken_back_from_its_user(
        self, zygote: Zygote, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun, failed = threading.Event(), threading.Event()
        ends: list[str] = []

        def use(cuts: CutList) -> None:
            begun.set()
            failed.wait(10)
            try:
                while True:
                    cuts.require()
            except Unproved:
                ends.append("withdrawn")
                raise

        def unproved(*_: object) -> None:
            begun.wait(10)
            failed.set()
            raise Unproved("for the test")

        monkeypatch.setattr(sys.modules[clean.__module__], "_prove", unproved)
        with pytest.raises(Unproved, match="for the test"):
            cleaned_with(zygote, use)

        assert ends == ["withdrawn"] * 2  # the second plan was a thorough one

    def test_what_its_user_fails_of_is_told(self, zygote: Zygote) -> None:
        def use(cuts: CutList) -> None:
            raise OSError(28, "no room")

        with pytest.raises(OSError, match="no room"):
            cleaned_with(zygote, use)

"""A server that is stopped while a source sends, and what they read once it is back."""

import signal
from pathlib import Path

from browsers.tab import Browser
from drops import Drop, write_wav
from gate import Gate


class TestAServerThatIsStopped:
    def test_says_when_it_is_back_that_what_was_whole_is_kept(
        self, browser: Browser, drop: Drop, wav: Path, tmp_path: Path
    ) -> None:
        long_wav = write_wav(tmp_path / "long.wav", bytes(2_000_000))
        with drop.running() as serving:
            gate = Gate(serving.address)
            tab = browser.fresh(gate.address)
            tab.open("/codename")
            codename = " ".join(tab.texts("#codename li"))
            tab.open("/send")
            tab.choose_files("Recordings", wav, long_wav)
            tab.click("Send", wait=False)
            gate.let_through(600_000)
            serving.wait_for(drop.envelopes)
            # It waits for what is being sent, but not for ever; here the line breaks first.
            serving.process.send_signal(signal.SIGTERM)
            gate.break_off()
            serving.stop()

        with gate, drop.running() as serving:
            gate.lead_to(serving.address)
            tab.click("If this stops moving, show it again", wait=False)

            tab.frame("progress").wait_for("What had arrived whole by then is kept.")
            tab.open("/return")
            tab.fill("Your eight words", codename)
            tab.click("Go on")
            assert "We have it." in tab.text()
            assert len(drop.envelopes()) == 1

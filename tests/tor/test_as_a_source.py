"""A source comes through a real onion: sends, returns, and the desk reads it."""

from pathlib import Path

from browsers.firefox import Firefox
from browsers.outside import Outside
from browsers.source import begin, come_back, outcomes, send
from desk import exported, paired
from drops import Result, write_wav

from .far import Source
from .world import World


class TestThroughTheOnion:
    def test_a_recording_reaches_the_desk_and_a_reply_the_source(
        self, world: World, tmp_path: Path
    ) -> None:
        desk = paired(world.drop, tmp_path / "desk", world.drop.newsroom)
        recording = write_wav(tmp_path / "a.wav", secret=b"Maria")
        visit = world.visit()
        codename = visit.get("/codename").texts("ol", "codename")[0]
        form = visit.get("/send")
        sent = Result(visit.post(form.form, form.fields | {"message": "More soon."}, [recording]))

        desk.run("import", exported(world.drop, tmp_path / "stick"))
        desk.json("open", "--all")
        (row,) = [row for row in desk.json("list") if row["kind"] == "recording"]
        desk.json("export", row["id"], "--to", tmp_path / "out.wav")
        words = tmp_path / "reply.txt"
        words.write_text("Which door?")
        desk.json("reply", row["id"], "--text-from", words)
        desk.json("receipt", "--to", tmp_path / "back")
        world.command("receipts", "import", tmp_path / "back")
        world.command("replies", "import", tmp_path / "back")
        later = Source(world.source, world.installed.address)
        later.enter(codename)

        assert sent.became == ["written", "cleaned"]
        assert b"Maria" not in (tmp_path / "out.wav").read_bytes()
        assert later.get("/mailbox").texts("blockquote") == ["Which door?"]

    def test_a_browser_like_tors_shows_how_far_it_is_and_that_we_have_it(
        self, world: World, outside: Outside, tmp_path: Path
    ) -> None:
        recording = write_wav(tmp_path / "a.wav", bytes(range(256)) * 8_000)
        firefox = Firefox(outside, socks=world.source.socks)
        try:
            tab = firefox.fresh(world.installed.address)
            codename = begin(tab)
            warned = tab.text()
            send(tab, recording, message="More soon.")
            result = tab.frame("result")
            result.wait_for("We have it.")
            tab.wait_until(lambda: outcomes(result) == ["written", "cleaned"], "both are here")
            mailbox = come_back(firefox, world.installed.address, codename)
            told = mailbox.text()
        finally:
            firefox.close()

        assert "onion" not in warned  # the page warns where another address was used
        assert "File 1. We have it." in told

    def test_a_long_recording_arrives_whole(self, world: World, tmp_path: Path) -> None:
        samples = bytes(range(256)) * 80_000  # 20 MB: five seconds of a circuit
        recording = write_wav(tmp_path / "long.wav", samples)
        before = set(world.drop.envelopes())
        visit = world.visit()
        form = visit.get("/send")
        result = Result(visit.post(form.form, form.fields | {"message": ""}, [recording]))
        (envelope,) = set(world.drop.envelopes()) - before

        assert result.became == ["cleaned"]
        assert world.drop.newsroom.opened(envelope)["recording.wav"].endswith(samples)

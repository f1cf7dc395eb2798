"""Transcripts: what others' files say is read, bounded, and found again."""

from pathlib import Path

import pytest
from desks import DeskAt, Ready, Server
from hypothesis import given, settings
from hypothesis import strategies as st

from intake import transcripts
from intake.errors import BadText
from intake.records import Line
from intake.transcripts import language_of, read_transcript

pytestmark = pytest.mark.usefixtures("opened_once")

VTT = b"""\xef\xbb\xbfWEBVTT - made by a tool
Kind: captions

STYLE
::cue { color: red }

NOTE the second voice is not known

1
00:03.000 --> 00:05.500 align:start
<v Guard>Line <i>up</i> &amp; be quiet

01:00:07.250 --> 01:00:09.000
<v.loud A child>Mam\xc3\xa1!<v Guard>Quiet.
<00:08.000>Now.

broken --> 00:00:01.000
lost
"""
SRT = b"""1\r\n00:00:03,000 --> 00:00:05,500\r\n{\\an8}<font color="red">Line up</font>\r\nnow\r
2\r\n00:00:01,000 --> 00:00:02,000\r\nBefore\r\n"""
TEXT = """0:00 a door
[0:03] Guard: line up
(1:02:03.5) - a child cries
and more of the same line

0:09-0:12 two voices
"""


def lines(content: bytes) -> list[Line]:
    return list(read_transcript(content).transcript.lines)


class TestReading:
    def test_web_vtt_gives_up_its_cues_and_who_speaks(self) -> None:
        read = read_transcript(VTT, language="es")
        assert read.transcript.lines == (
            Line(3000, "Line up & be quiet", 5500, "Guard"),
            Line(3_607_250, "Mamá!", 3_609_000, "A child"),
            Line(3_607_250, "Quiet. Now.", 3_609_000, "Guard"),
        )
        assert read.transcript.language == "es"
        assert read.left_out == 1

    def test_sub_rip_is_read_in_the_order_of_time(self) -> None:
        assert lines(SRT) == [Line(1000, "Before", 2000), Line(3000, "Line up now", 5500)]

    def test_text_may_have_its_time_codes_in_front(self) -> None:
        assert lines(TEXT.encode()) == [
            Line(0, "a door"),
            Line(3000, "line up", speaker="Guard"),
            Line(9000, "two voices", 12000),
            Line(3_723_500, "a child cries"),
            Line(3_723_500, "and more of the same line"),
        ]

    def test_text_without_time_codes_stands_at_the_beginning(self) -> None:
        assert lines(b"first\n\nsecond\n") == [Line(0, "first"), Line(0, "second")]

    def test_two_byte_letters_are_read_too(self) -> None:
        assert lines("\ufeff0:01 مرحبا".encode("utf-16-le")) == [Line(1000, "مرحبا")]

    def test_a_cue_that_ends_before_it_begins_has_no_end(self) -> None:
        assert lines(b"WEBVTT\n\n00:05.000 --> 00:01.000\nx") == [Line(5000, "x")]

    def test_what_could_steer_a_terminal_is_not_kept(self) -> None:
        assert lines(b"0:01 \x1b[31mred\x07\x00") == [Line(1000, "[31mred")]


class TestRefusing:
    @pytest.mark.parametrize(
        "content",
        [b"", b"WEBVTT\n\n", b"\xff\x00\xfa", b"\x00" * 100, b"\xd8\x00" * 9, b"\xff\xfe\x00"],
    )
    def test_what_says_nothing_is_no_transcript(self, content: bytes) -> None:
        with pytest.raises(BadText):
            read_transcript(content)

    def test_it_may_only_be_so_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(BadText, match="larger"):
            read_transcript(b"x" * (transcripts.LARGEST_BYTES + 1))
        monkeypatch.setattr(transcripts, "MOST_LINES", 3)
        with pytest.raises(BadText, match="more than 3 lines"):
            read_transcript(b"x\n" * 4)

    @pytest.mark.parametrize("tag", ["-", "e", "es_MX", "../..", "es-" + "x" * 40])
    def test_a_language_is_a_tag(self, tag: str) -> None:
        with pytest.raises(BadText):
            language_of(tag)
        assert language_of("pt-BR") == "pt-br"
        assert language_of("") == ""

    @settings(max_examples=100, deadline=None)
    @given(
        st.binary(max_size=300)
        | st.lists(
            st.sampled_from(["WEBVTT", "\n", "\n\n", "00:01.000", " --> ", "99:99", "<v ", ">",
                             "&lt", "1", "0:01 ", "[", "]", "a", "\ufeff", "\u2028", "12345678:00"])
        ).map(lambda parts: "".join(parts).encode())
    )  # fmt: skip
    def test_whatever_a_file_holds_is_read_or_refused(self, content: bytes) -> None:
        try:
            found = lines(content)
        except BadText:
            return
        assert found == sorted(found, key=lambda line: line.at_ms)
        assert all(line.text == " ".join(line.text.split()) != "" for line in found)


class TestTheVerb:
    @pytest.fixture
    def heard(self, ready: Ready, server: Server, stick: Path, tmp_path: Path) -> DeskAt:
        def prepare(desk: DeskAt) -> None:
            server.receive()
            server.export(stick)
            desk("import", stick)
            desk("open", "--all")
            (tmp_path / "a.vtt").write_bytes(VTT)
            (tmp_path / "a.txt").write_text(TEXT)

        return ready(prepare)

    def test_a_transcript_is_kept_shown_and_found(self, heard: DeskAt, tmp_path: Path) -> None:
        added = heard("note", "transcript", "1", tmp_path / "a.vtt", "--language", "ES")
        assert (added.code, added.out) == (0, "transcript-0001 of drop-0001: 3 lines\n")
        assert "1 time codes could not be read" in added.err
        shown = heard("show", "1", "--transcript")
        assert "transcript-0001 (es, 3 lines)" in shown.out
        assert "1:00:07.25  A child: Mamá!\n" in shown.out
        assert "transcript (es, 3 lines)" in heard("show", "1").out.replace("-0001", "")
        assert "1:00:07.25" in heard("search", "mama").out

    def test_a_newer_one_stands_in_for_the_one_before(self, heard: DeskAt, tmp_path: Path) -> None:
        heard("note", "transcript", "1", tmp_path / "a.vtt")
        heard("note", "transcript", "1", tmp_path / "a.txt")
        heard("note", "transcript", "1", tmp_path / "a.vtt", "--language", "en")
        [one, other] = heard("show", "1", "--transcript", "--json").json["transcripts"]
        assert len(one["lines"]) == 5
        assert (other["language"], len(other["lines"])) == ("en", 3)
        assert heard("search", "mama", "--json").json["found"][0]["total"] == 1

    def test_text_without_a_time_code_is_said_to_have_none(
        self, heard: DeskAt, tmp_path: Path
    ) -> None:
        (tmp_path / "b.txt").write_text("two men\nthen a door")
        added = heard("note", "transcript", "1", tmp_path / "b.txt")
        assert (added.code, "no time code was found" in added.err) == (0, True)
        assert "no time code" not in heard("note", "transcript", "1", tmp_path / "a.txt").err

    def test_what_is_no_transcript_is_refused(self, heard: DeskAt, tmp_path: Path) -> None:
        (tmp_path / "a.bin").write_bytes(b"\xff\xd8\xff")
        assert heard("note", "transcript", "1", tmp_path / "a.bin").code == 2
        assert "no transcript" in heard("show", "1", "--transcript").out

"""Values: told only where somebody asks, bounded, and never able to steer a terminal."""

import io
import random
import struct
import tempfile
import time

import pytest
from recordings import SECRET, chunk, encoded, id3, riff, samples, wav
from test_sandbox import sandbox, served

from scrub import Handle, Seen, Value, WorkerFailed, Zygote, look, printable
from scrub.findings import KINDS, LONGEST_TEXT, MOST_VALUES, Kind, Values
from scrub.formats import plan
from scrub.moments import moment
from scrub.plan import Aside, Draft
from scrub.reading import Reader
from scrub.strings import LeftOut, texts
from scrub.wire import Say, pack_values, unpack_values


def seen(zygote: Zygote, recording: bytes, *, values: bool = True) -> Seen:
    with tempfile.TemporaryFile() as file:
        file.write(recording)
        file.flush()
        return look(zygote, Handle(file.fileno()), len(recording), values=values)


def commented(times: int) -> bytes:
    """Return a FLAC with so many comments of different names in front of its others."""
    flac = encoded("flac")
    comments = [b"key%d=value %d" % (at, at) for at in range(times)]
    block = bytes(4) + struct.pack("<I", times)
    block += b"".join(struct.pack("<I", len(each)) + each for each in comments)
    return flac[:42] + b"\4" + len(block).to_bytes(3, "big") + block + flac[42:]


def told(held: bytes) -> list[str]:
    return [text for _, text in texts(Reader(io.BytesIO(held)), iter([(0, len(held))]))]


class TestLooking:
    def test_what_tags_say_is_told_with_their_names(self, zygote: Zygote) -> None:
        recording = id3((b"TPE1", b"\0" + SECRET)) + wav()

        assert Value(Kind.PERSON, "TPE1", SECRET.decode()) in seen(zygote, recording).values

    @pytest.mark.parametrize("extension", ["avi", "flv", "mkv"])
    def test_what_a_films_container_says_is_told_with_its_name(
        self, zygote: Zygote, extension: str
    ) -> None:
        film = encoded(extension, "-metadata", f"title={SECRET.decode()}")

        told = {value.text: value.name for value in seen(zygote, film).values}

        assert told[SECRET.decode()].lower() in ("inam", "title")

    @pytest.mark.parametrize("asked", [True, False])
    def test_a_draft_that_waits_passes_on_what_it_found(self, asked: bool) -> None:
        aside, draft = Aside(), Draft(lambda _: None, values=Values() if asked else None)
        aside.found(Kind.TITLE, 2, name="INAM", value=SECRET)

        aside.replay(draft)

        assert draft.tally.findings().removed == {Kind.TITLE: 2}
        expected = [Value(Kind.TITLE, "INAM", SECRET.decode())] if asked else []
        assert [*(draft.values or ())] == expected

    @pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be"])
    def test_a_text_in_a_part_that_nobody_knows_is_told(self, zygote: Zygote, codec: str) -> None:
        hidden = chunk(b"who?", b"\1\2\3" + "Kéller, Zürich".encode(codec) + b"\xff\xfe")
        recording = riff(wav()[12:36], chunk(b"data", samples()), hidden)

        texts_told = [value.text for value in seen(zygote, recording).values]

        assert any("Kéller, Zürich" in text for text in texts_told)

    def test_in_every_sandbox_they_come_in_the_same_order(self, zygote: Zygote) -> None:
        recording = commented(100)

        with Zygote.start() as another:
            assert seen(another, recording).values == seen(zygote, recording).values

    def test_very_many_tags_are_counted_in_no_more_time_than_they_take_to_read(self) -> None:
        recording = io.BytesIO(commented(20_000))
        looked = time.process_time()

        plan(recording, Draft(lambda _: None))

        assert time.process_time() - looked < 5  # it was half a minute

    def test_the_sound_is_never_told(self, zygote: Zygote) -> None:
        sound = b"words in the sound itself" * 100
        recording = riff(wav()[12:36], chunk(b"data", sound))

        assert not any("words" in value.text for value in seen(zygote, recording).values)

    def test_nothing_is_told_unasked(self, zygote: Zygote) -> None:
        found = seen(zygote, id3((b"TPE1", b"\0" + SECRET)) + wav(), values=False)

        assert found.values == ()
        assert found.findings.removed[Kind.PERSON] == 1
        assert found.format.name == "WAV"

    def test_a_planner_can_name_what_it_found(self) -> None:
        values = Values()

        for draft in (Draft(len), Draft(len, values=values)):
            draft.found(Kind.TIME, name="mvhd", value="2024-05-01")

        assert [*values] == [Value(Kind.TIME, "mvhd", "2024-05-01")]

    def test_no_value_is_told_twice(self) -> None:
        values = Values()

        for name in ("a", "b"):
            values.add(Kind.TEXT, name, "the same")

        assert [*values] == [Value(Kind.TEXT, "a", "the same")]


class TestMoments:
    @pytest.mark.parametrize(
        ("extension", "name"),
        [("mp4", "mvhd"), ("mov", "mvhd"), ("m4a", "mvhd"), ("mkv", "DateUTC"), ("wma", "created")],
    )
    def test_a_time_that_is_a_number_is_told_as_a_date(
        self, zygote: Zygote, extension: str, name: str
    ) -> None:
        recording = encoded(extension, "-metadata", "creation_time=2024-05-01T12:34:56Z")

        found = {value.name: value.text for value in seen(zygote, recording).values}

        assert found[name] == "2024-05-01T12:34:56+00:00"

    def test_a_time_that_there_never_was_is_none(self) -> None:
        assert moment(1904, 2**64) == ""
        assert moment(2001, -(2**70)) == ""

    def test_fields_of_a_wav_are_told_by_their_names(self, zygote: Zygote) -> None:
        info = chunk(b"LIST", b"INFO" + chunk(b"IART", "Kéller".encode("latin-1")))
        bext = chunk(b"bext", b"My words".ljust(256, b"\0") + bytes(400))
        recording = riff(wav()[12:36], chunk(b"data", samples()), info, bext)

        found = seen(zygote, recording).values

        assert Value(Kind.PERSON, "IART", "Kéller") in found
        assert Value(Kind.COMMENT, "bext 0", "My words") in found


class TestTexts:
    def test_chance_is_not_taken_for_text(self) -> None:
        assert len(told(random.Random(3).randbytes(1 << 18))) <= 3

    def test_a_sentence_amid_noise_is_found(self) -> None:
        noise = random.Random(4).randbytes(1 << 14)

        assert any("Maria Keller" in text for text in told(noise + SECRET + noise))

    def test_a_short_name_amid_zeros_is_found(self) -> None:
        assert told(bytes(5000) + b"Keller" + bytes(5000)) == ["Keller"]

    def test_both_ends_of_a_long_stretch_are_read(self) -> None:
        held = b"at the front" + bytes(5 << 20) + b"at the back"

        assert told(held) == ["at the front", "at the back"]

    def test_gaps_are_what_no_span_covers_in_any_order(self) -> None:
        left_out = LeftOut()
        for start, end in [(50, 60), (10, 20), (15, 30), (0, 5)]:
            left_out.note(struct.pack("<QQ", start, end))

        assert [*left_out.gaps(70)] == [(5, 10), (30, 50), (60, 70)]


class TestCrossing:
    def test_the_longest_and_the_most_fit_into_a_frame_and_come_back(self) -> None:
        values = [Value(Kind.TEXT, "n" * 99, f"{i:03}" + "é" * 300) for i in range(MOST_VALUES)]

        back = unpack_values(pack_values(values))

        assert len(back) == MOST_VALUES
        assert all(len(value.text.encode()) <= LONGEST_TEXT for value in back)

    @pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "\u202eabc", "\x9b1m", "a\0b"])
    def test_what_could_steer_a_terminal_is_spelt_out(self, text: str) -> None:
        (value,) = unpack_values(pack_values([Value(Kind.TEXT, text, text)]))

        assert value.text.isprintable()
        assert value.name.isprintable()

    def test_the_joiners_of_persian_stay(self) -> None:
        assert printable("می\u200cخواهم") == "می\u200cخواهم"

    @pytest.mark.parametrize(
        "lie",
        [
            bytes((0, 5)) + b"abc",
            bytes((0, 0)) + b"\xff\xff" + b"short",
            bytes((len(KINDS), 0, 0, 0)),
            b"\0",
            bytes((0, 0, 0, 0)) * (MOST_VALUES + 1),
        ],
    )
    def test_a_worker_that_makes_values_up_is_not_believed(self, lie: bytes) -> None:
        with pytest.raises(WorkerFailed):
            unpack_values(lie)

    def test_values_are_out_of_turn_where_nobody_asked(self) -> None:
        with sandbox("lie") as lying, pytest.raises(WorkerFailed):
            served(lying, bytes([Say.VALUES]) + pack_values([Value(Kind.TEXT, "", "text")]))

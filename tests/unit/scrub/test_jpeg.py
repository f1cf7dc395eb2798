"""The pictures of Motion JPEG: what decoding reads stays, notes go."""

import struct
from collections import Counter

import pytest
from recordings import SECRET

from scrub import Kind, Malformed
from scrub.codecs.jpeg import cleaned_frame


def segment(kind: int, payload: bytes) -> bytes:
    return b"\xff" + bytes([kind]) + struct.pack(">H", len(payload) + 2) + payload


TABLES = segment(0xDB, bytes(65)) + segment(0xC0, bytes(15))
SCAN = segment(0xDA, bytes(10)) + b"\x12\xff\0\x34\xff\xd0\x56"
PICTURE = b"\xff\xd8" + TABLES + SCAN + b"\xff\xd9"
AVI1 = segment(0xE0, b"AVI1\1" + bytes(9))
JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
ADOBE = segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")
MJPG = segment(0xE1, b"\0\0\0\0mjpg" + bytes(32))


def kept(frame: bytes) -> bytes:
    return b"".join(frame[start:end] for start, end in cleaned_frame(frame, 0).kept)


def with_segment(part: bytes) -> bytes:
    return PICTURE[:2] + part + PICTURE[2:]


class TestJpeg:
    @pytest.mark.parametrize(
        "frame",
        [
            PICTURE, PICTURE + PICTURE, PICTURE + bytes(100), PICTURE + b"\xff" * 3 + PICTURE,
            PICTURE[:-2], with_segment(AVI1), with_segment(JFIF), with_segment(ADOBE),
            with_segment(MJPG), with_segment(bytes(4)),
        ],
        ids=["one", "fields", "padded", "padded_fields", "no_end", "avi1", "jfif", "adobe", "mjpg",
             "zeros"],
    )  # fmt: skip
    def test_what_decoding_reads_stays(self, frame: bytes) -> None:
        assert kept(frame) == frame
        assert not cleaned_frame(frame, 0).found

    @pytest.mark.parametrize(
        ("part", "kind"),
        [
            (segment(0xE1, b"Exif\0\0" + SECRET), Kind.TAG_BLOCK),
            (segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\1\1" + SECRET[:3]), Kind.TAG_BLOCK),
            (segment(0xE0, b"AVI1\0" + bytes(9) + SECRET), Kind.TAG_BLOCK),
            (segment(0xE2, b"ICC_PROFILE\0" + SECRET), Kind.TAG_BLOCK),
            (segment(0xFE, SECRET), Kind.COMMENT),
            (segment(0xFE, b"Lavc" + SECRET), Kind.COMMENT),
            (segment(0xF0, SECRET), Kind.UNKNOWN_CHUNK),
            (SECRET, Kind.SLACK),
        ],
        ids=["exif", "thumbnail", "long_avi1", "icc", "comment", "long_name", "reserved", "junk"],
    )
    def test_notes_of_a_picture_go(self, part: bytes, kind: Kind) -> None:
        frame = with_segment(part)

        assert kept(frame) == PICTURE
        assert kept(frame + frame) == 2 * PICTURE
        assert cleaned_frame(frame, 0).found == Counter({kind: 1})

    def test_what_stands_behind_a_picture_goes(self) -> None:
        assert kept(PICTURE + SECRET) == PICTURE

    def test_a_segment_that_runs_past_the_end_goes(self) -> None:
        frame = PICTURE[:2] + TABLES + b"\xff\xdb\xff\xff" + SECRET

        assert kept(frame) == PICTURE[:2] + TABLES

    def test_a_name_of_ffmpeg_s_stays_and_is_named(self) -> None:
        frame = with_segment(segment(0xFE, b"Lavc59.37.100\0"))

        assert kept(frame) == frame
        assert cleaned_frame(frame, 0).names_encoder

    @pytest.mark.parametrize("kind", [*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xF7, 0xF8])
    @pytest.mark.parametrize("payload", [SECRET, b"\0\4" + SECRET, b"\0" + bytes(64) + SECRET])
    def test_nothing_hides_in_a_segment_of_another_length(self, kind: int, payload: bytes) -> None:
        frame = with_segment(segment(kind, payload))

        assert SECRET not in kept(frame)
        assert cleaned_frame(frame, 0).found

    def test_a_lossless_scan_goes_on_behind_ff_and_a_stuffed_bit(self) -> None:
        scan = segment(0xDA, b"\1\1\0\0\0\0") + b"\x12\xff\x7e\x34\xff\x01\x56"
        frame = b"\xff\xd8" + segment(0xF7, b"\x08\0\1\0\1\1\1\x11\0") + scan + b"\xff\xd9"

        assert kept(frame) == frame

    @pytest.mark.parametrize("frame", [b"", b"\xff", SECRET, PICTURE[2:]])
    def test_what_is_no_picture_is_refused(self, frame: bytes) -> None:
        with pytest.raises(Malformed):
            cleaned_frame(frame, 0)

"""Whatever bytes arrive, the answer is a typed refusal or a result that is proved clean."""

from functools import cache

import pytest
from fuzz.outcome import PLANTED, outcome
from hypothesis import given, settings
from hypothesis import strategies as some
from recordings import SECRET, cleaned, encoded, id3, wav

from scrub import Empty, NotARecording, Unsupported, Zygote

TAG = PLANTED[0]
TAGGED = ("-metadata", f"artist={TAG.decode()}")
FAMILIES = [
    "wav", "w64", "aiff", "au", "amr", "caf", "mp3", "flac", "ogg", "opus", "oga", "spx", "ogv",
    "m4a", "mov",
]  # fmt: skip
FAMILIES += ["wma", "ts"]
FAMILIES += ["avi"]
FAMILIES += ["mka", "mkv", "webm", "flv"]
FAMILIES += ["m4v", "mp4"]  # pictures, and the same in fragments
PLAIN = {"w64", "aiff", "au", "amr", "caf", "mka", "webm", "flv"}
FRAMED = ["mp3", "mp2", "aac", "ac3", "tta", "wv"]
FAMILIES += FRAMED[1:]
HEADS = [
    b"RIFF\xff\xff\xff\xffWAVE", b"fLaC\0\0\0\x22", b"OggS\0\2", b"\xff\xfb\x90\0", id3(),
    b"\0\0\0\x18ftypM4A \0\0\0\0", b"\0\0\0\0moov", b"\0\0\0\1mdat",
]  # fmt: skip


def tags(family: str) -> tuple[str, ...]:
    """Return ffmpeg's options for tags: none where a tag that is copied amid samples is samples."""
    if family == "amr":
        return ("-ar", "8000", "-c:a", "libopencore_amrnb")
    if family == "avi":
        return ("-f", "lavfi", "-i", "testsrc=d=0.3:s=64x48:r=10", "-c:v", "mjpeg")
    if family == "mkv":
        return ("-f", "lavfi", "-i", "testsrc=d=0.3:s=64x48:r=10")
    if family in ("m4v", "mp4"):
        picture = ("-f", "lavfi", "-i", "testsrc=d=0.3:s=64x48:r=10", "-c:v", "libx264")
        movie = ("-movflags", "+frag_keyframe+empty_moov") if family == "mp4" else ()
        return (*picture, "-x264-params", "threads=1", "-pix_fmt", "yuv420p", *movie, *TAGGED)
    if family == "ogv":
        return ("-f", "lavfi", "-i", "testsrc=d=0.3:s=64x48:r=10", *TAGGED)
    return () if family in PLAIN else TAGGED


@cache
def seed(family: str) -> bytes:
    """Return a small tagged recording."""
    made = wav() if family == "wav" else encoded(family, *tags(family), seconds=0.3)
    if family in FRAMED:
        return id3((b"TPE1", b"\0" + TAG)) + made + b"TAG" + TAG.ljust(125, b"\0")
    return made


@some.composite
def mutated(draw: some.DrawFn, family: str) -> bytes:
    """Draw a good recording that something happened to."""
    made = bytearray(seed(family))
    for _ in range(draw(some.integers(1, 4))):
        near_the_front = draw(some.booleans())
        at = draw(some.integers(0, min(len(made), 2000) if near_the_front else len(made)))
        what = draw(some.sampled_from(["replace", "insert", "remove", "cut", "repeat"]))
        if what == "replace":
            new = draw(
                some.one_of(some.binary(max_size=8), some.sampled_from([b"\xff" * 4, bytes(4)]))
            )
            made[at : at + len(new)] = new
        elif what == "insert":
            made[at:at] = draw(some.binary(max_size=30))
        elif what == "remove":
            del made[at : at + draw(some.integers(1, 3000))]
        elif what == "cut":
            del made[at:]
        else:
            made[at:at] = made[: draw(some.integers(0, 5000))]
    return bytes(made)


class TestAnyBytes:
    @given(some.binary(max_size=300), some.sampled_from([b"", *HEADS]))
    def test_any_bytes_are_refused_or_proved_clean(self, noise: bytes, head: bytes) -> None:
        outcome(head + noise)

    @pytest.mark.parametrize("family", FAMILIES)
    def test_any_mutation_is_refused_or_proved_clean(self, family: str) -> None:
        @given(mutated(family))
        @settings(max_examples=40)
        def run(recording: bytes) -> None:
            outcome(recording)

        run()

    @pytest.mark.parametrize("family", FAMILIES)
    def test_cleaning_is_deterministic_and_idempotent(self, zygote: Zygote, family: str) -> None:
        _, once, _ = cleaned(zygote, seed(family))

        assert cleaned(zygote, seed(family))[1] == once
        assert cleaned(zygote, once)[1] == once
        assert not cleaned(zygote, once)[2].removed

    def test_nothing_is_no_recording(self, zygote: Zygote) -> None:
        with pytest.raises(Empty):
            cleaned(zygote, b"")

    @pytest.mark.parametrize(
        "text", [b"%PDF-1.7", b"PK\3\4" + bytes(99), SECRET, b"\0", b"\xff\xfb"]
    )
    def test_what_is_no_recording_is_called_so(self, zygote: Zygote, text: bytes) -> None:
        with pytest.raises(NotARecording):
            cleaned(zygote, text)

    def test_a_recording_of_another_kind_is_called_by_its_name(self, zygote: Zygote) -> None:
        with pytest.raises(Unsupported) as refusal:
            cleaned(zygote, b"#!AMR_MC1.0\n" + wav())

        assert refusal.value.format_name == "AMR"

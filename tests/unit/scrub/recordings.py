"""Recordings for the tests of scrub: made here, never anyone's; and what judges them afterwards."""

import io
import math
import random
import struct
import subprocess
import tempfile
from array import array
from functools import cache, lru_cache
from pathlib import Path

from scrub import CutList, Findings, FormatName, Handle, Unproved, View, Zygote, clean, render
from scrub.formats import plan
from scrub.plan import Draft
from scrub.proof import prove

RATE = 44100
SECRET = b"Maria Keller +49 170 5550100"  # planted wherever a tag can be

# The same bytes are the same to ffmpeg, and starting it takes longest.
judged_once = lru_cache(maxsize=32)


@cache
def samples(seconds: float = 1.0) -> bytes:
    """Return 16-bit mono sound: a tone, and noise so that encoders have something to do."""
    noise = random.Random(7)
    tone = (
        int(9000 * math.sin(math.tau * 440 * i / RATE)) + noise.randint(-900, 900)
        for i in range(int(seconds * RATE))
    )
    return array("h", tone).tobytes()


@cache
def encoded(extension: str, *options: str, seconds: float = 1.0) -> bytes:
    """Return the samples as ffmpeg writes them with these options."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"made.{extension}"
        source = ["-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "pipe:0"]
        command = ["ffmpeg", "-v", "error", *source, *options, str(out)]
        subprocess.run(command, input=samples(seconds), check=True)
        return out.read_bytes()


@cache
def filmed(extension: str, *options: str, seconds: float = 1.0) -> bytes:
    """Return a moving test picture of 96 × 64 with the samples, as ffmpeg writes them."""
    picture = ("-f", "lavfi", "-i", f"testsrc2=size=96x64:rate=25:duration={seconds}")
    return encoded(extension, *picture, "-map", "1:v", "-map", "0:a", *options, seconds=seconds)


@judged_once
def shown(recording: bytes, *decoder: str) -> str:
    """Return times and digests of every picture and sound as ffmpeg decodes them."""
    command = ["ffmpeg", "-v", "quiet", *decoder, "-i", "{}", "-map", "0:v?", "-map", "0:a?"]
    return _judged(recording, [*command, "-f", "framemd5", "-"]).decode()


@judged_once
def heard(recording: bytes, *decoder: str) -> bytes:
    """Return the sound as ffmpeg decodes it."""
    command = ["ffmpeg", "-v", "quiet", *decoder, "-i", "{}", "-map", "0:a", "-f", "s32le", "-"]
    return _judged(recording, command)


@judged_once
def seen(recording: bytes) -> bytes:
    """Return a digest and the time of each picture as ffmpeg decodes it."""
    command = ["ffmpeg", "-v", "quiet", "-i", "{}", "-map", "0:v", "-f", "framemd5", "-"]
    return _judged(recording, command)


@judged_once
def packets(recording: bytes) -> bytes:
    """Return a digest of the coded sound as ffmpeg takes it out of its container."""
    command = ["ffmpeg", "-v", "quiet", "-i", "{}", "-map", "0:a", "-c", "copy", "-f", "md5", "-"]
    return _judged(recording, command)


@judged_once
def counted(recording: bytes) -> int:
    """Return how many coded packets ffprobe finds."""
    entries = ["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]
    found = _judged(recording, ["ffprobe", "-v", "quiet", "-count_packets", *entries, "{}"])
    return sum(int(line.rstrip(b",")) for line in found.split())


def described(recording: bytes) -> str:
    """Return every tag that exiftool can find, as text."""
    return _judged(recording, ["exiftool", "-a", "-u", "-ee", "-s", "{}"]).decode(
        "utf-8", "replace"
    )


def _judged(recording: bytes, command: list[str]) -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        file.write(recording)
        file.flush()
        words = [file.name if word == "{}" else word for word in command]
        return subprocess.run(words, capture_output=True, check=True).stdout


def cleaned(zygote: Zygote, recording: bytes) -> tuple[FormatName, bytes, Findings]:
    """Clean in the sandbox, as the server does."""
    with tempfile.TemporaryFile() as file:
        file.write(recording)
        file.flush()
        done = clean(zygote, Handle(file.fileno()), len(recording), io.BytesIO())
        result = b"".join(render(done.cuts, file))
    assert len(result) == done.cuts.size
    return done.format, result, done.findings


def cleaned_here(recording: bytes) -> bytes:
    """Clean in this process, without a sandbox: plan, prove, render, as clean() does."""
    try:
        return _cleaned_here(recording, thorough=False)
    except Unproved:
        return _cleaned_here(recording, thorough=True)


def _cleaned_here(recording: bytes, *, thorough: bool) -> bytes:
    file = io.BytesIO(recording)
    cuts = CutList(io.BytesIO(), within=len(recording))
    draft = Draft(cuts.extend, thorough=thorough)
    kind = plan(file, draft)
    if prove(View(cuts, file)) != (kind, draft.essence):
        raise Unproved("another kind or sound")
    return b"".join(render(cuts, file))


def chunk(name: bytes, payload: bytes, pad: bytes = b"\0") -> bytes:
    """Return a RIFF chunk."""
    return name + struct.pack("<I", len(payload)) + payload + pad[: len(payload) % 2]


def riff(*chunks: bytes) -> bytes:
    """Return a WAV of these chunks."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


PCM = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)


def wav() -> bytes:
    """Return a WAV with nothing to hide."""
    return riff(chunk(b"fmt ", PCM), chunk(b"data", samples()))


def id3(*frames: tuple[bytes, bytes]) -> bytes:
    """Return an ID3v2.3 tag."""
    body = b"".join(name + struct.pack(">IH", len(value), 0) + value for name, value in frames)
    size = len(body)
    syncsafe = bytes((size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127))
    return b"ID3\3\0\0" + syncsafe + body


def id3v1() -> bytes:
    """Return an ID3v1 tag."""
    return b"TAG" + SECRET[:28].ljust(125, b"\0")


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return an MP4 box."""
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def open_descriptors() -> set[str]:
    """Return the names of this process's descriptors."""
    return {each.name for each in Path("/proc/self/fd").iterdir()}

"""What became of any bytes at all: proved clean, or refused by a leaf of ScrubError. Else, a fault.

    fault     another exception; a result that changes when it is cleaned again, or is refused;
              planted text in the result that is not inside its coded packets

A mutation can put a tag among the sound of a WAV, where nobody could tell it from sound: what
ffmpeg takes out as a packet is no leak, nor is what stands in sound that does not decode.
"""

import io
import re
import subprocess
import tempfile
from pathlib import Path
from typing import BinaryIO

from canary.frames import mp3_frames

from scrub import CutList, ScrubError, Unproved, View, render
from scrub.formats import plan, recognised
from scrub.plan import Draft
from scrub.proof import prove
from scrub.reading import Reader

FORMS = {"ts": "mpegts", "m2ts": "mpegts"}  # which ffmpeg can't tell when they are short
PLANTED = tuple(b"canary".decode().encode(form) for form in ("ascii", "utf-16-le", "utf-16-be"))


class Fault(Exception):
    """What must not happen did."""


def outcome(recording: bytes) -> str:
    """Return "clean", or the reason of a refusal; raise Fault, or what a parser let through."""
    try:
        result = cleaned(recording)
    except ScrubError as refusal:
        return refusal.reason
    try:
        again = cleaned(result)
    except ScrubError as refusal:
        raise Fault("it refuses its own result") from refusal
    if again != result:
        raise Fault("a second cleaning changes something")
    if any(form in result for form in PLANTED):
        packets = _packets(result, recognised(Reader(io.BytesIO(result)))[0].extension)
        if packets and any(result.count(form) > packets.count(form) for form in PLANTED):
            raise Fault("planted text is left")
        return "clean, text among the sound" if packets else "clean, text among damaged sound"
    return "clean"


def cleaned(recording: bytes) -> bytes:
    """Clean in this process as scrub.clean does: plan, prove, and once more if that fails."""
    try:
        return _cleaned(recording, thorough=False)
    except Unproved:
        return _cleaned(recording, thorough=True)


def _cleaned(recording: bytes, *, thorough: bool) -> bytes:
    file = io.BytesIO(recording)
    cuts = CutList(io.BytesIO(), within=len(recording))
    draft = Draft(cuts.extend, thorough=thorough)
    kind = plan(file, draft)
    view: BinaryIO = View(cuts, file)  # type: ignore[assignment]  # RawIOBase has all it calls
    if prove(view) != (kind, draft.essence):
        raise Unproved("another kind or sound")
    return b"".join(render(cuts, file))


def _packets(result: bytes, extension: str) -> bytes:
    """Return the coded packets, one behind the other; none where not all of them decode."""
    if extension == "mp3":
        return _frames(result)
    with tempfile.TemporaryDirectory() as folder:
        whole, coded = Path(folder) / f"result.{extension}", Path(folder) / "packets"
        whole.write_bytes(result)
        unlimited = ["prlimit", "--as=unlimited", "ffmpeg", "-v", "error", "-nostdin"]
        form = ["-f", FORMS[extension]] if extension in FORMS else []
        chosen = [*unlimited, *form, "-i", str(whole), "-map", "0:a?", "-map", "0:V?"]
        decoded = subprocess.run([*chosen, "-f", "framemd5", "-"], capture_output=True, check=False)
        if decoded.stderr or not re.search(rb"^\d", decoded.stdout, re.MULTILINE):
            return b""
        outputs = "|".join(
            f"[select={index}:f=data:onfail=ignore]{coded}{index}" for index in range(4)
        )
        copying = [*chosen, "-c", "copy", "-f", "tee", outputs]
        subprocess.run(copying, stderr=subprocess.DEVNULL, check=False)
        return b"".join(path.read_bytes() for path in Path(folder).glob("packets*"))


def _frames(result: bytes) -> bytes:
    """Return the frames of an MP3, without one that begins with numbers instead of sound.

    ffmpeg passes over frames whose neighbours have other bit rates, where they are first.
    """
    second = mp3_frames(result)[1:2]
    numbers = re.search(b"Xing|Info|VBRI", result[:64])
    return result[second[0] :] if numbers and second else result

"""What became of any bytes at all: proved clean, or refused by a leaf of ScrubError. Else, a fault.

    fault     another exception; a result that changes when it is cleaned again, or is refused;
              planted text in the result that is not inside its coded packets

A mutation can put a tag among the sound of a WAV, where nobody could tell it from sound: what
ffmpeg takes out as a packet is no leak, nor is what no player opens.
"""

import io
import subprocess
import tempfile
from pathlib import Path
from typing import BinaryIO

from scrub import CutList, ScrubError, Unproved, View, render
from scrub.formats import plan
from scrub.plan import Draft
from scrub.proof import prove

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
        packets = _packets(result)
        if packets and any(result.count(form) > packets.count(form) for form in PLANTED):
            raise Fault("planted text is left")
        return "clean, text among the sound" if packets else "clean, but nothing plays it"
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


def _packets(result: bytes) -> bytes:
    """Return the coded packets that ffmpeg takes out, one behind the other."""
    with tempfile.TemporaryDirectory() as folder:
        whole, coded = Path(folder) / "result", Path(folder) / "packets"
        whole.write_bytes(result)
        unlimited = ["prlimit", "--as=unlimited", "ffmpeg", "-v", "quiet", "-nostdin"]
        chosen = ["-i", str(whole), "-map", "0:a?", "-map", "0:V?", "-c", "copy", "-f", "tee"]
        outputs = "|".join(
            f"[select={index}:f=data:onfail=ignore]{coded}{index}" for index in range(4)
        )
        subprocess.run([*unlimited, *chosen, outputs], check=False)
        return b"".join(path.read_bytes() for path in Path(folder).glob("packets*"))

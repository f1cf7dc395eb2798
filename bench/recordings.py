"""Make the large recordings that are measured with: noise, coded noise, and digital silence."""

import os
import struct
import subprocess
from pathlib import Path

_BLOCK = 4 * 1024 * 1024


def make_wav(path: Path, size: int, *, silence: bool = False) -> None:
    """Write a stereo 48 kHz 16-bit WAV of about `size` bytes: random samples, or zeros."""
    data = size - 44
    form = struct.pack("<HHIIHH", 1, 2, 48_000, 192_000, 4, 16)
    with path.open("wb") as wav:
        wav.write(b"RIFF" + struct.pack("<I", 36 + data) + b"WAVEfmt " + struct.pack("<I", 16))
        wav.write(form + b"data" + struct.pack("<I", data))
        while data:
            block = min(data, _BLOCK)
            wav.write(bytes(block) if silence else os.urandom(block))
            data -= block


def make_m4a(path: Path, size: int) -> None:
    """Write an M4A of about `size` bytes: AAC of noise, one minute of it again and again."""
    minute = path.with_name("minute.m4a")
    noise = ["-f", "lavfi", "-i", "anoisesrc=d=60:c=white:r=48000:a=0.8"]
    quiet = ["ffmpeg", "-v", "error", "-nostdin", "-y"]
    subprocess.run(
        [*quiet, *noise, "-ac", "2", "-c:a", "aac", "-b:a", "512k", str(minute)], check=True
    )
    loops = size // minute.stat().st_size
    repeat = [*quiet, "-stream_loop", str(loops), "-i", str(minute), "-c", "copy"]
    subprocess.run([*repeat, "-metadata", "title=planted", str(path)], check=True)
    minute.unlink()

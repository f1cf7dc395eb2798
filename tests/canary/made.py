"""Make bare recordings: a tone, some noise and a test picture, as ffmpeg encodes them, untagged."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

TONE = "aevalsrc=0.3*sin(440*2*PI*t)+0.1*sin(1234*2*PI*t)+0.03*(random(0)-0.5):s=44100:d={}"
PICTURE = "testsrc2=size=128x96:rate=10:duration={}"


@cache
def made(extension: str, options: str, *, seconds: float, picture: bool = False) -> bytes:
    """Return what ffmpeg writes with these options; a recording with a picture needs two inputs."""
    sources = ["-f", "lavfi", "-i", TONE.format(seconds)]
    if picture:
        sources += ["-f", "lavfi", "-i", PICTURE.format(seconds)]
    exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "1"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"made.{extension}"
        command = ["ffmpeg", "-v", "error", "-nostdin", *sources, "-ac", "1", *exact]
        subprocess.run([*command, *options.split(), str(out)], check=True)
        return out.read_bytes()


def remade(recording: bytes, extension: str, *options: str, about: str = "") -> bytes:
    """Return a recording in a new container, with tags by options and by ffmpeg's metadata file."""
    with tempfile.TemporaryDirectory() as folder:
        source, tags = Path(folder) / f"bare.{extension}", Path(folder) / "tags"
        out = Path(folder) / f"made.{extension}"
        source.write_bytes(recording)
        tags.write_text(f";FFMETADATA1\n{about}\n")
        inputs = ["-i", str(source), "-f", "ffmetadata", "-i", str(tags), "-map", "0"]
        command = ["ffmpeg", "-v", "error", "-nostdin", *inputs, "-map_metadata", "1"]
        subprocess.run([*command, "-c", "copy", *options, str(out)], check=True)
        return out.read_bytes()

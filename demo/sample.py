"""Make the sample recording: a few words of synthetic speech, and what a phone would have added.

    python demo/sample.py            needs espeak-ng, ffmpeg and the project's environment

The voice is espeak-ng's, so it is nobody's; the person, the device and the place are made up.
`demo/sample.m4a` is what this wrote, and is public domain (CC0).
"""

import subprocess
import tempfile
from pathlib import Path

from mutagen.mp4 import MP4

SAMPLE = Path(__file__).with_name("sample.m4a")
WORDS = "They told us to say that the door was never locked. It was locked every night."
PLANTED = {
    "\xa9nam": "Night shift, building 4",
    "\xa9ART": "Maria Exampleson",
    "\xa9day": "2026-03-14T02:17:45+0100",
    "\xa9mak": "Examplephone",
    "\xa9mod": "Examplephone X7",
    "\xa9xyz": "+52.0907+005.1214+012.000/",
    "\xa9cmt": "recorded by Maria on her own phone",
    "----:com.example.phone:serial": [b"SN-0451-7781-MARIA"],
}


def make(sample: Path = SAMPLE) -> None:
    """Write the sample recording, about four seconds long."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = str(Path(folder) / "spoken.wav")
        subprocess.run(["espeak-ng", "-v", "en", "-s", "165", "-w", spoken, WORDS], check=True)
        encode = ["ffmpeg", "-v", "error", "-y", "-i", spoken, "-ar", "22050", "-b:a", "48k"]
        subprocess.run([*encode, "-c:a", "aac", str(sample)], check=True)
    tagged = MP4(sample)  # type: ignore[no-untyped-call]
    tagged.update(PLANTED)  # type: ignore[no-untyped-call]
    tagged.save()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    make()

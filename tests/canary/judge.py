"""Say what is wrong with a cleaned recording: what is left, what is told, what no longer plays.

    left        a plant, in any disguise (plants.py)
    told        anything that exiftool, mediainfo or ffprobe say which is neither a technical figure
                nor what they say of the bare recording; encoders' names even then
    streams     other streams, chapters, another duration
    packets     coded packets that differ from the bare recording's and from the planted one's; in
                H.264 and H.265 the units of supplemental information (SEI) may be missing
    decoded     decoded sound or picture that differs, or stands at another time

Junk between frames can look like a packet to one reader: so either twin may be the measure.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

from canary.corpus import Recording
from canary.plants import left

Told = set[tuple[str, str]]

# A value that is a figure with a unit is technical, a date other than zero is not.
FIGURE = re.compile(
    r"(?:[-+\d.,:/()%#x\s]|\b(?:s|ms|h|mn|kB|MB|kb/s|Mb/s|[kM]?bps|k?Hz|FPS|fps|SPF|bits?|bytes?"
    r"|pixels|frames?|approx|channels?|Byte\d?|[kKM]i?B|kHz)\b|\(Binary data \d+ bytes[^)]*\))*"
)
DATE = re.compile(r"\b\d{4}[-:]\d\d[-:]\d\d\b")
NO_DATE = re.compile(
    r"0000[-:]00[-:]00|1904-01-01 00:00:00|1970-01-01 00:00:00|1990:05:23 14:40:00"
)
# Who wrote a file; and the values that name nobody.
WRITER = re.compile(
    r"Encoder|Vendor|VendorID|EncoderVendor|(Muxing|Writing)App|CompressorName|Service(Name|Provider)"
    r"|ProviderName|encoder|vendor_id|service_(name|provider)|Encoded_(Application|Library).*"
)
NOBODY = re.compile(r"0?|\[0\]\[0\]\[0\]\[0\]|FFMP|FFMpeg( 0)?|Normal|LAME[\d.]*|\s*")
# What can only be a word of the judge's own, for a number in the file.
OWN_WORDS = re.compile(
    r"MajorBrand|(Channel|Format|BitRate_Mode|FrameRate_Mode|Compression|ScanType|MIMEType).*"
    r"|(Duration|(Frame|Sampling)Count|Delay)_Source|Matroska_0x15b0"  # the last is Colour
    r"|(Audio|Video|)(Codec|Format|Encoding|Channels)(ID.*|_.*|List)?|Interleaved|Default|Alignment"
)
# What is said of the file's name, of the judge, or of a figure in words of its own.
OF_THE_FILE = re.compile(
    r"SourceFile|System:|ExifToolVersion|File(_.*|Name|Size|Type|(Type|Name)?Extension)|FolderName|CompleteName.*|.*_String\d?|IsStreamable"
)
# What we write where a container wants a word.
NEUTRAL = {
    ("HandlerClass", "Media Handler"),
    ("HandlerType", "Audio Track"),
    ("HandlerType", "Video Track"),
    ("MediaLanguageCode", "und"),
    ("language", "und"),
}
SEI_UNITS = {"h264": "6", "hevc": "39|40"}


def complaints(recording: Recording, cleaned: bytes) -> list[str]:
    """Return all that is wrong with `cleaned`, in words; nothing when it is clean."""
    with tempfile.TemporaryDirectory() as folder:
        seen, bare, planted = (
            _kept(content, Path(folder) / name / f"recording.{recording.recipe.extension}")
            for name, content in zip(
                "abc", (cleaned, recording.bare, recording.planted), strict=True
            )
        )
        said = [f"left: {each}" for each in left(recording.plants, cleaned)]
        said += [f"told: {name} = {value}" for name, value in sorted(_told(seen, bare))]
        return [*said, *_changes(seen, (bare, planted), recording.recipe.headers_amid)]


def plays(recording: bytes, extension: str) -> bool:
    """Say whether ffmpeg decodes anything of it: what nobody can play proves little."""
    with tempfile.TemporaryDirectory() as folder:
        return bool(_kept(recording, Path(folder) / "a" / f"recording.{extension}").decoded)


def _kept(content: bytes, path: Path) -> "Seen":
    path.parent.mkdir()
    path.write_bytes(content)
    return Seen(path)


class Seen:
    """One recording as ffmpeg sees it; each look is taken once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def probed(self) -> dict[str, Any]:
        """What ffprobe says of the format, the streams and the chapters."""
        shown = ["-show_format", "-show_streams", "-show_chapters"]
        told = _output("ffprobe", "-v", "quiet", "-of", "json", *shown, str(self.path))
        return {"format": {}, "streams": [], "chapters": [], **json.loads(told or "{}")}

    @cached_property
    def streams(self) -> list[str]:
        """What each stream is; chapters, covers, text and data too."""
        facts = ("codec_name", "sample_rate", "channels", "width", "height", "r_frame_rate")
        return [
            f"{stream.get('codec_type')} {[stream.get(fact) for fact in facts]}"
            + (" cover" if stream["disposition"]["attached_pic"] else "")
            for stream in self.probed["streams"]
        ] + ["chapter" for _ in self.probed["chapters"]]

    @cached_property
    def seconds(self) -> float:
        """How long it lasts, 0 when that isn't known."""
        return float(self.probed["format"].get("duration", 0))

    @cached_property
    def packets(self) -> list[str]:
        """The digest of each coded packet, stream by stream."""
        return self.packets_through()

    def packets_through(self, *options: str) -> list[str]:
        """Return the same behind a filter."""
        rows = sorted(self._frames("-c", "copy", *options), key=lambda row: row[0])
        return [f"{row[0]} {row[5]}" for row in rows]

    @cached_property
    def decoded(self) -> list[str]:
        """The digest of each decoded frame, and when it is to be played."""
        plain = ["-c:v", "rawvideo", "-c:a", "pcm_s32le", "-vsync", "passthrough"]
        return [f"{row[0]} {row[2]} {row[5]}" for row in self._frames(*plain)]

    def _frames(self, *options: str) -> list[list[str]]:
        chosen = ["-map", "0:a?", "-map", "0:V?", "-map_metadata", "-1", *options]
        command = ["ffmpeg", "-v", "quiet", "-nostdin", "-bitexact", "-i", str(self.path), *chosen]
        lines = _output(*command, "-f", "framemd5", "-").splitlines()
        return [line.replace(" ", "").split(",") for line in lines if not line.startswith("#")]


def _told(cleaned: Seen, bare: Seen) -> Told:
    """Return what is told of a recording that should not be."""
    of_cleaned, of_bare = _described(cleaned, bare)
    return {
        (name, value)
        for name, value in of_cleaned
        if not _technical(name, value, known=(name, value) in of_bare)
    }


def _technical(name: str, value: str, *, known: bool) -> bool:
    name = name.partition(" ")[2].rpartition(":")[2] if "System:" not in name else "System:"
    if OF_THE_FILE.fullmatch(name):
        return True
    if WRITER.fullmatch(name):
        return NOBODY.fullmatch(value) is not None
    if DATE.search(value):
        return NO_DATE.search(value) is not None
    if known or (name, value) in NEUTRAL or OWN_WORDS.fullmatch(name):
        return True
    return FIGURE.fullmatch(value) is not None


def _described(*recordings: Seen) -> list[Told]:
    """Return ("who name", value) of every recording, as three programs see it."""
    paths = [str(seen.path) for seen in recordings]
    by_exiftool = json.loads(_output("exiftool", "-a", "-u", "-ee3", "-G1", "-json", *paths))
    by_mediainfo = json.loads(_output("mediainfo", "--Full", "--Output=JSON", *paths))
    return [
        {("exiftool " + name.removeprefix("File:"), str(value)) for name, value in tags.items()}
        | {("mediainfo " + name, value) for name, value in _mentioned(media)}
        | {("ffprobe " + name, value) for name, value in _tags(seen.probed)}
        for seen, tags, media in zip(recordings, by_exiftool, by_mediainfo, strict=True)
    ]


def _mentioned(media: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for track in (media["media"] or {}).get("track", ()):
        yield from _flat(track)


def _flat(track: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in track.items():
        if isinstance(value, dict) and name == "extra":
            yield from _flat(value)
        else:
            yield name.removeprefix("@"), str(value)


def _tags(probed: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for part in (probed["format"], *probed["streams"], *probed["chapters"]):
        yield from part.get("tags", {}).items()


def _changes(cleaned: Seen, twins: tuple[Seen, Seen], headers_amid: int) -> Iterator[str]:
    bare = twins[0]
    if not any(cleaned.streams == twin.streams for twin in twins):
        yield f"streams: {cleaned.streams} instead of {bare.streams}"
    if not any(_about(cleaned.seconds, twin.seconds) for twin in twins):
        yield f"duration: {cleaned.seconds} s instead of {bare.seconds} s"
    same = any(_differing(cleaned.packets, twin.packets) <= headers_amid for twin in twins)
    if not cleaned.packets or not (same or _same_but_sei(cleaned, twins)):
        yield "packets: not the same"
    if not cleaned.decoded or not any(cleaned.decoded == twin.decoded for twin in twins):
        yield "decoded: not the same"


def _differing(some: list[str], others: list[str]) -> int:
    return sum(one != other for one, other in zip_longest(some, others))


def _about(one: float, other: float) -> bool:
    return abs(one - other) <= max(0.05, other / 50)


def _same_but_sei(cleaned: Seen, twins: tuple[Seen, Seen]) -> bool:
    codecs = [stream.get("codec_name") for stream in cleaned.probed["streams"]]
    units = next((SEI_UNITS[codec] for codec in codecs if codec in SEI_UNITS), "")
    bare = ("-bsf:v", f"filter_units=remove_types={units}")
    own = cleaned.packets_through(*bare) if units else []
    return bool(own) and any(own == twin.packets_through(*bare) for twin in twins)


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.decode("utf-8", "replace")

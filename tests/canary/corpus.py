"""The table: every recording of the corpus, how it is made, and who plants in it.

A name begins with its family. Each is made twice: bare, and with everything planted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from canary import bmff, dsd, frames, matroska, rare, riff, streams, xiph
from canary.made import made, remade
from canary.plants import Plant, Planter

Plants = Callable[[Planter, bytes], bytes]
AAC = "-c:a aac -b:a 48k"
OPUS = "-c:a libopus -ar 48000"
LAME = "-c:a libmp3lame -id3v2_version 0"
SMALL = "-c:a libopencore_amrnb -ar 8000 -b:a 12.2k"
FRAGMENTS = "-movflags +empty_moov+default_base_moof -frag_duration 200000"
H264 = "-c:v libx264 -preset ultrafast -x264-params threads=1 -pix_fmt yuv420p -g 5"
HEVC = "-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=none -pix_fmt yuv420p"


@dataclass(frozen=True)
class Recipe:
    """How to make one recording: ffmpeg's options for the bare one, and who plants in it."""

    name: str
    row: str  # of the table in scrub/formats.py
    extension: str
    options: str
    plants: Plants
    headers_amid: int = 0  # how many headers amid the sound ffmpeg takes for packets
    bare: Callable[[bytes], bytes] = bytes  # what the plants go into, where ffmpeg can't write it

    @property
    def picture(self) -> bool:
        """Say whether there is a picture."""
        return "-c:v" in self.options

    @property
    def family(self) -> str:
        """Return the first word of the name."""
        return self.name.split("-")[0]


@dataclass(frozen=True)
class Recording:
    """A recording with plants, and the same with none."""

    recipe: Recipe
    bare: bytes
    planted: bytes
    plants: list[Plant]


def chaptered(planter: Planter, bare: bytes) -> bytes:
    """Plant in an M4B: chapters that are a track of text, and everything an MP4 has."""
    titles = [planter.string(f"chapter {index}") for index in range(2)]
    about = "\n".join(
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={index * 100}\nEND={index * 100 + 100}\ntitle={title}"
        for index, title in enumerate(titles)
    )
    options = ["-map_chapters", "1", "-f", "ipod", "-fflags", "+bitexact"]
    return bmff.mp4(planter, remade(bare, "m4b", *options, about=about))


def with_sei(plants: Plants, extension: str) -> Plants:
    """Plant in the H.264 stream itself too: user data among the supplemental information."""

    def planted(planter: Planter, bare: bytes) -> bytes:
        owner = "086f3693-b7b3-4f2c-9653-21492feee5b8"
        user_data = f"h264_metadata=sei_user_data={owner}+{planter.string('SEI')}"
        options = ["-bsf:v", user_data, "-fflags", "+bitexact", "-map_metadata", "-1"]
        return plants(planter, remade(bare, extension, *options))

    return planted


def timecoded(planter: Planter, bare: bytes) -> bytes:
    """Plant in a MOV with a time-code track that names the tape."""
    reel = f"reel_name={planter.string('reel')}"
    options = ["-timecode", "01:02:03:04", "-metadata:s:v", reel, "-fflags", "+bitexact"]
    return bmff.mp4(planter, remade(bare, "mov", *options))


RECIPES: tuple[Recipe, ...] = (
    Recipe("wav-pcm", "WAV", "wav", "-c:a pcm_s16le", riff.wav),
    Recipe("wav-24-bit", "WAV", "wav", "-c:a pcm_s24le", riff.wav),
    Recipe("wav-float", "WAV", "wav", "-c:a pcm_f32le", riff.wav),
    Recipe("wav-adpcm", "WAV", "wav", "-c:a adpcm_ima_wav", riff.wav),
    Recipe("wav-mulaw", "WAV", "wav", "-c:a pcm_mulaw", riff.wav),
    Recipe("rf64", "WAV", "wav", "-c:a pcm_s16le -rf64 always", riff.rf64),
    Recipe("bw64", "WAV", "wav", "-c:a pcm_s16le -rf64 always", riff.rf64, bare=riff.bw64),
    Recipe("w64", "Wave64", "w64", "-c:a pcm_s16le", riff.wave64),
    Recipe("aiff", "AIFF", "aiff", "-c:a pcm_s16be", riff.aiff),
    Recipe("aifc", "AIFC", "aif", "-c:a pcm_mulaw", riff.aiff),
    Recipe("flac", "FLAC", "flac", "-c:a flac", xiph.flac),
    Recipe("ogg-vorbis", "Ogg Vorbis", "ogg", "-c:a libvorbis", xiph.ogg),
    Recipe("ogg-chain", "Ogg Vorbis", "ogg", "-c:a libvorbis", xiph.chain, 1, xiph.bare_chain),
    Recipe("ogg-opus", "Ogg Opus", "opus", OPUS, xiph.ogg),
    Recipe("ogg-speex", "Ogg Speex", "spx", "-c:a libspeex -ar 16000", xiph.ogg),
    Recipe("ogg-flac", "Ogg FLAC", "oga", "-c:a flac", xiph.ogg),
    Recipe("ogg-theora", "Ogg Theora", "ogv", "-c:v libtheora -c:a libvorbis", xiph.ogg),
    Recipe("ogg-vp8", "Ogg VP8", "ogv", "-c:v libvpx -b:v 100k -c:a libvorbis -f ogg", xiph.ogg),
    Recipe("mp3-cbr", "MP3", "mp3", f"{LAME} -b:a 64k", frames.mp3),
    Recipe("mp3-vbr", "MP3", "mp3", f"{LAME} -q:a 4", frames.mp3),
    Recipe("mp3-old-tags", "MP3", "mp3", f"{LAME} -write_xing 0", frames.mp3_old_tags),
    Recipe("mp3-low-rate", "MP3", "mp3", f"{LAME} -ar 16000 -b:a 24k", frames.mp3),
    Recipe("mp2", "MP2", "mp2", "-c:a mp2 -b:a 64k", frames.tagged),
    Recipe("mp1", "MP1", "mp1", "", frames.tagged, bare=frames.mp1_bare),
    Recipe("aac-loas", "AAC in LOAS", "loas", f"{AAC} -f latm", frames.tagged),
    Recipe("aac-adts", "AAC", "aac", f"{AAC} -f adts", frames.adts),
    Recipe("m4a-aac", "M4A", "m4a", f"{AAC} -f ipod", bmff.mp4),
    Recipe("m4a-alac", "M4A", "m4a", "-c:a alac -f ipod", bmff.mp4),
    Recipe("m4b-chapters", "M4A", "m4b", f"{AAC} -f ipod", chaptered),
    Recipe("mp4-h264-aac", "MP4", "mp4", f"{H264} {AAC}", with_sei(bmff.mp4, "mp4")),
    Recipe("mp4-hevc-aac", "MP4", "mp4", f"{HEVC} {AAC}", bmff.mp4),
    Recipe("mp4-sounds", "MP4", "mp4", f"-map 1:v -map 0:a -map 0:a -c:v mpeg4 {AAC}", bmff.mp4),
    Recipe("mp4-fragmented", "MP4", "mp4", f"{AAC} {FRAGMENTS}", bmff.fragmented),
    Recipe("mp4-fragmented-video", "MP4", "mp4", f"{H264} {AAC} {FRAGMENTS}", bmff.fragmented),
    Recipe("mov-h264-aac", "MOV", "mov", f"{H264} {AAC}", timecoded),
    Recipe("mov-pcm", "MOV", "mov", "-c:a pcm_s24le", bmff.mp4),
    Recipe("3gp-h263-amr", "3GP", "3gp", f"-c:v h263 -s 176x144 {SMALL}", bmff.mp4),
    Recipe("3g2-aac", "3GP", "3g2", AAC, bmff.mp4),
    Recipe("mka-vorbis", "MKA", "mka", "-c:a libvorbis", matroska.matroska),
    Recipe("mka-flac", "MKA", "mka", "-c:a flac", matroska.matroska),
    Recipe("mkv-h264-aac", "MKV", "mkv", f"{H264} {AAC}", with_sei(matroska.matroska, "mkv")),
    Recipe("mkv-hevc-opus", "MKV", "mkv", f"{HEVC} {OPUS}", matroska.matroska),
    Recipe("webm-vp8-opus", "WebM", "webm", f"-c:v libvpx -b:v 100k {OPUS}", matroska.matroska),
    Recipe("webm-live", "WebM", "webm", f"{OPUS} -live 1 -cluster_time_limit 200", matroska.live),
    Recipe("amr-nb", "AMR", "amr", SMALL, frames.trailing),
    Recipe("amr-wb", "AMR-WB", "awb", "-ar 16000 -c:a libvo_amrwbenc -f amr", frames.trailing),
    Recipe("caf-pcm", "CAF", "caf", "-c:a pcm_s16be", riff.caf),
    Recipe("caf-alac", "CAF", "caf", "-c:a alac", riff.caf),
    Recipe("avi-mpeg4-mp3", "AVI", "avi", "-c:v mpeg4 -c:a libmp3lame -b:a 64k", riff.avi),
    Recipe("avi-mjpeg-pcm", "AVI", "avi", "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le", riff.avi),
    Recipe("wma", "WMA", "wma", "-c:a wmav2 -b:a 48k", streams.asf),
    Recipe("wmv", "WMV", "wmv", "-c:v wmv2 -c:a wmav2 -b:a 48k", streams.asf),
    Recipe("au", "AU", "au", "-c:a pcm_s16be", riff.au),
    Recipe("wavpack", "WavPack", "wv", "-c:a wavpack", frames.wavpack),
    Recipe("tta", "TTA", "tta", "-c:a tta", frames.tagged),
    Recipe("ac3", "AC-3", "ac3", "-c:a ac3 -b:a 64k", frames.tagged),
    Recipe("eac3", "E-AC-3", "eac3", "-c:a eac3 -b:a 64k", frames.tagged),
    Recipe("dts", "DTS", "dts", "-c:a dca -strict -2", frames.tagged),
    Recipe("monkey", "Monkey's Audio", "ape", "", rare.monkey, bare=rare.monkey_bare),
    Recipe("musepack", "Musepack", "mpc", "", rare.musepack, bare=rare.musepack_bare),
    Recipe("dsf", "DSF", "dsf", "", dsd.dsf, bare=dsd.dsf_bare),
    Recipe("dsdiff", "DSDIFF", "dff", "", dsd.dsdiff, bare=dsd.dsdiff_bare),
    Recipe("flv", "FLV", "flv", "-c:v flv -c:a libmp3lame -b:a 64k", streams.flv),
    Recipe("flv-h264", "FLV", "flv", f"{H264} {AAC}", with_sei(streams.flv, "flv")),
    Recipe("ts-mpeg2", "MPEG-TS", "ts", "-c:v mpeg2video -c:a mp2 -b:a 64k", streams.mpegts),
    Recipe("ts-h264-aac", "MPEG-TS", "ts", f"{H264} {AAC}", with_sei(streams.mpegts, "ts")),
    Recipe("m2ts", "M2TS", "m2ts", f"{H264} -c:a ac3 -f mpegts -mpegts_m2ts_mode 1", streams.m2ts),
)  # fmt: skip

NAMES = tuple(recipe.name for recipe in RECIPES)


@cache
def recording(name: str, *, seconds: float = 1.0) -> Recording:
    """Return one recording of the corpus; the same bytes each time."""
    recipe = next(recipe for recipe in RECIPES if recipe.name == name)
    options, picture = recipe.options, recipe.picture
    by_ffmpeg = options and made(recipe.extension, options, seconds=seconds, picture=picture)
    bare = recipe.bare(by_ffmpeg or b"")
    planter = Planter(name)
    planted = recipe.plants(planter, bare)
    return Recording(recipe, bare, planted, planter.plants)


def recordings(*, seconds: float = 1.0) -> Iterator[Recording]:
    """Yield the whole corpus."""
    for name in NAMES:
        yield recording(name, seconds=seconds)

"""The table: every kind of recording we can clean, how it is recognised, and who plans it.

Start here. A format's planner walks the container, names what it keeps and leaves out all else;
docs/formats.md says the same in words. A new format is a row, a module and three tests.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from scrub.containers import (
    ac3,
    adts,
    aiff,
    amr,
    asf,
    au,
    avi,
    bmff,
    caf,
    dsdiff,
    dsf,
    flac,
    flv,
    matroska,
    monkey,
    mpeg,
    mpegts,
    musepack,
    ogg,
    riff,
    tta,
    wave64,
    wavpack,
)
from scrub.containers.tagblocks import end_of_front_tags
from scrub.errors import Empty, NotARecording, Unsupported
from scrub.findings import MOST_VALUES, Kind
from scrub.plan import Draft
from scrub.reading import Reader
from scrub.tags import named, values


@dataclass(frozen=True, slots=True)
class Format:
    """One row: `container` is the name mutagen's readers go by (tags.py)."""

    name: str
    extension: str
    container: str
    recognise: Callable[[Reader, int], bool]
    plan: Callable[[Reader, int, Draft], None]


# The order matters: MPEG audio has no signature, only frames that follow each other; and packets of
# MPEG-TS may begin later than at the first byte. What has a signature comes before them.
FORMATS: tuple[Format, ...] = (
    Format("WAV", "wav", "riff", riff.is_wav, riff.plan_wav),
    Format("Wave64", "w64", "plain", wave64.is_w64, wave64.plan_w64),
    Format("AIFF", "aiff", "aiff", aiff.is_aiff, aiff.plan_aiff),
    Format("AIFC", "aifc", "aiff", aiff.is_aifc, aiff.plan_aiff),
    Format("AU", "au", "plain", au.is_au, au.plan_au),
    Format("AMR", "amr", "plain", amr.is_amr, amr.plan_amr),
    Format("AMR-WB", "awb", "plain", amr.is_amr_wb, amr.plan_amr),
    Format("CAF", "caf", "plain", caf.is_caf, caf.plan_caf),
    Format("AVI", "avi", "plain", avi.is_avi, avi.plan_avi),
    Format("DSF", "dsf", "dsf", dsf.is_dsf, dsf.plan_dsf),
    Format("DSDIFF", "dff", "dsdiff", dsdiff.is_dsdiff, dsdiff.plan_dsdiff),
    Format("FLAC", "flac", "flac", flac.is_flac, flac.plan_flac),
    Format("Ogg Vorbis", "ogg", "vorbis", ogg.is_vorbis, ogg.plan_ogg),
    Format("Ogg Opus", "opus", "opus", ogg.is_opus, ogg.plan_ogg),
    Format("Ogg FLAC", "oga", "ogg flac", ogg.is_flac, ogg.plan_ogg),
    Format("Ogg Speex", "spx", "speex", ogg.is_speex, ogg.plan_ogg),
    Format("Ogg Theora", "ogv", "theora", ogg.is_theora, ogg.plan_ogg),
    Format("Ogg VP8", "ogv", "plain", ogg.is_vp8, ogg.plan_ogg),
    Format("M4A", "m4a", "bmff", bmff.is_m4a, bmff.plan_bmff),
    Format("3GP", "3gp", "bmff", bmff.is_3gp, bmff.plan_bmff),
    Format("MOV", "mov", "bmff", bmff.is_mov, bmff.plan_bmff),
    Format("MP4", "mp4", "bmff", bmff.is_mp4, bmff.plan_bmff),
    Format("WMV", "wmv", "asf", asf.is_wmv, asf.plan_asf),
    Format("WMA", "wma", "asf", asf.is_wma, asf.plan_asf),
    Format("WebM", "webm", "plain", matroska.is_webm, matroska.plan_matroska),
    Format("MKV", "mkv", "plain", matroska.is_mkv, matroska.plan_matroska),
    Format("MKA", "mka", "plain", matroska.is_mka, matroska.plan_matroska),
    Format("FLV", "flv", "plain", flv.is_flv, flv.plan_flv),
    Format("TTA", "tta", "plain", tta.is_tta, tta.plan_tta),
    Format("Monkey's Audio", "ape", "plain", monkey.is_monkey, monkey.plan_monkey),
    Format("Musepack", "mpc", "plain", musepack.is_musepack, musepack.plan_musepack),
    Format("WavPack", "wv", "plain", wavpack.is_wavpack, wavpack.plan_wavpack),
    Format("MPEG-TS", "ts", "plain", mpegts.is_ts, mpegts.plan_ts),
    Format("M2TS", "m2ts", "plain", mpegts.is_m2ts, mpegts.plan_m2ts),
    Format("AC-3", "ac3", "plain", ac3.is_ac3, ac3.plan_ac3),
    Format("E-AC-3", "eac3", "plain", ac3.is_eac3, ac3.plan_ac3),
    Format("DTS", "dts", "plain", ac3.is_dts, ac3.plan_dts),
    Format("AAC", "aac", "plain", adts.is_aac, adts.plan_aac),
    Format("MP3", "mp3", "mpeg", mpeg.is_mp3, mpeg.plan_mp3),
    Format("MP2", "mp2", "mpeg", mpeg.is_mp2, mpeg.plan_mpeg),
    Format("MP1", "mp1", "mpeg", mpeg.is_mp1, mpeg.plan_mpeg),
    Format("AAC in LOAS", "latm", "plain", adts.is_loas, adts.plan_loas),
)

# Recordings that we know by sight but cannot clean: a kinder word than "no recording".
KNOWN_BY_SIGHT: tuple[tuple[int, bytes, str], ...] = (
    (0, b"OggS", "Ogg"),
    (0, b"#!AMR", "AMR"),
    (0, b"TTA2", "TTA2"),
    (0, b"w\x0b", "AC-3 in another byte order"),
    (0, b"\xfe\x7f\x01\x80", "DTS in another byte order"),
    (0, b"\x1f\xff\xe8\0", "DTS in words of 14 bits"),
    (0, b"\xff\x1f\0\xe8", "DTS in words of 14 bits"),
    (0, b"DTSHDHDR", "DTS-HD"),
    (4, b"\xf8ro\xba", "TrueHD"),
    (0, b"\0\0\1\xba", "MPEG-PS"),
    (0, b"\xff\xfb\0", "MP3 in free format"),
    (0, b"ADIF", "AAC in ADIF"),
    (0, b"tBaK", "TAK"),
    (0, b"OFR ", "OptimFROG"),
    (0, b"ajkg", "Shorten"),
)


def recognised(reader: Reader) -> tuple[Format, int]:
    """Return the format and where it begins: an ID3v2 tag may stand before any of them.

    Raises Empty, Unsupported or NotARecording.
    """
    if not reader.size:
        raise Empty
    start = end_of_front_tags(reader, 0, reader.size)
    for kind in FORMATS:
        if kind.recognise(reader, start):
            return kind, start
    head = reader.upto(start, 16)
    for at, signature, name in KNOWN_BY_SIGHT:
        if head.startswith(signature, at):
            raise Unsupported(name, "this kind of recording")
    raise NotARecording


def plan(recording: BinaryIO, draft: Draft) -> Format:
    """Walk a recording and write into `draft` what of it is kept and what was found.

    Raises the leaves of ScrubError that say what is wrong with the recording.
    """
    reader = Reader(recording)
    kind, start = recognised(reader)
    if start:
        draft.found(Kind.TAG_BLOCK)
    kind.plan(reader, start, draft)
    draft.close()
    for about, times in named(recording, kind.container).items():
        draft.found(about, times)
    if draft.values is not None:
        for value in islice(values(recording, kind.container), MOST_VALUES):
            draft.values.add(*value)
    return kind

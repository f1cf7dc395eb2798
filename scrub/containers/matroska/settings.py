"""CodecPrivate: which codec a track has, and what is to be done to its settings and frames."""

import io

from scrub.containers.matroska.codec import Codec, Frames
from scrub.containers.matroska.pictures import PICTURE_CODECS
from scrub.containers.matroska.sounds import AAC_PROFILE, SOUND_CODECS
from scrub.errors import Unsupported
from scrub.plan import Cut, Literal, Span
from scrub.reading import Reader


def codec_named(name: bytes, *, picture: bool) -> Codec:
    """Return the codec of this id; Unsupported when it is none we can clean."""
    codec = (PICTURE_CODECS if picture else SOUND_CODECS).get(name)
    if codec is None and not picture and AAC_PROFILE.fullmatch(name):
        return SOUND_CODECS[b"A_AAC"]
    if codec is None:
        what = "pictures of an unknown codec" if picture else "sound of an unknown codec"
        raise Unsupported("Matroska", what)
    return codec


def behind(prefix: bytes, clean_frame: Frames) -> Frames:
    """Return what cleans frames that lack their first bytes, as header stripping leaves them."""

    def clean(reader: Reader, start: int, end: int) -> list[Cut] | None:
        frame = prefix + reader.exactly(start, end - start)
        cuts = clean_frame(Reader(io.BytesIO(frame)), 0, len(frame))
        if cuts is None:
            return None
        kept: list[Cut] = []
        missing = prefix  # what the player will put in front
        for cut in cuts:
            data = frame[cut.start : cut.end] if isinstance(cut, Span) else cut.data
            known = min(len(missing), len(data))
            if data[:known] != missing[:known]:
                raise Unsupported("Matroska", "frames that lack a part of what goes")
            missing = missing[known:]
            if isinstance(cut, Literal):
                kept.append(Literal(data[known:]))
            else:
                shift = start - len(prefix)
                kept.append(Span(cut.start + known + shift, cut.end + shift))
        return kept

    return clean

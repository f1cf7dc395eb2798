"""The tag blocks that many containers carry: ID3, APE, Lyrics3, comments, pictures, XMP."""

import base64
import struct
import zlib

from canary.plants import Planter


def le32(number: int) -> bytes:
    """Return a little-endian u32."""
    return struct.pack("<I", number)


def be32(number: int) -> bytes:
    """Return a big-endian u32."""
    return struct.pack(">I", number)


def syncsafe(number: int) -> bytes:
    """Return 28 bits as ID3v2 writes them, seven in a byte."""
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def xmp(planter: Planter, place: str) -> bytes:
    """Return an XMP packet."""
    return (
        b'<?xpacket begin="\xef\xbb\xbf"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
        b'"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description dc:creator="'
        + planter.text(f"{place} XMP")
        + b'"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


def jpeg(planter: Planter, place: str) -> bytes:
    """Return the start and end of a JPEG, with a comment between."""
    comment = planter.text(f"{place} JPEG comment")
    return b"\xff\xd8\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + b"\xff\xd9"


def unsynchronised(data: bytes) -> bytes:
    """Put a zero behind every FF that a player could take for a sync code."""
    out = bytearray()
    for at, byte in enumerate(data):
        out.append(byte)
        if byte == 0xFF and (at + 1 == len(data) or data[at + 1] >= 0xE0 or not data[at + 1]):
            out.append(0)
    return bytes(out)


def id3v2(planter: Planter, place: str, *, version: int = 4, footer: bool = False) -> bytes:
    """Return an ID3v2 tag: v2.2, v2.3 (unsynchronised) or v2.4 (a deflated frame, padding)."""
    frames = b"".join(_frame(version, *each) for each in _frames(planter, place, version))
    if version == 3:
        frames = unsynchronised(frames)
    elif version == 4:
        deflated = zlib.compress(b"\0note\0" + planter.text(f"{place} deflated") * 3)
        frames += b"TXXX" + syncsafe(len(deflated) + 4) + b"\0\x09" + syncsafe(54) + deflated
    if not footer:
        frames += bytes(32) + planter.text(f"{place} padding") + bytes(32)
    flags = (0x80 if version == 3 else 0) | (0x10 if footer else 0)
    head = bytes((version, 0, flags)) + syncsafe(len(frames))
    return b"ID3" + head + frames + (b"3DI" + head if footer else b"")


def _frames(planter: Planter, place: str, version: int) -> list[tuple[bytes, bytes]]:
    """Return (name, payload); one of each way in which a frame holds something."""
    short = version == 2

    def named(long_name: str, short_name: str) -> bytes:
        return (short_name if short else long_name).encode()

    def text(name: bytes) -> bytes:
        return planter.text(f"{place} {name.decode()}")

    title, artist, album = named("TIT2", "TT2"), named("TPE1", "TP1"), named("TALB", "TAL")
    comment, lyrics = named("COMM", "COM"), named("USLT", "ULT")
    picture = b"\0JPG\3\0" if short else b"\0image/jpeg\0\3\0"
    date = planter.date(f"{place} date")
    return [
        (title, b"\0" + text(title)),
        (artist, b"\1\xff\xfe" + planter.utf16(f"{place} artist") + b"\0\0"),
        (album, b"\1\xfe\xff" + planter.string(f"{place} album").encode("utf-16-be")),
        (comment, b"\0eng\0" + text(comment)),
        (lyrics, b"\0eng\0" + text(lyrics)),
        (named("TXXX", "TXX"), b"\0GPS\0" + planter.location(f"{place} GPS")),
        (named("TYER", "TYE") if version < 4 else b"TDRC", b"\0" + date),
        (named("APIC", "PIC"), picture + jpeg(planter, place)),
        (named("GEOB", "GEO"), b"\0text/plain\0name\0about\0" + planter.text(f"{place} object")),
        (named("UFID", "UFI"), b"http://example\0" + planter.raw(f"{place} file id", 16)),
        (named("PRIV", "ZZY"), b"XMP\0" + xmp(planter, place)),
        (named("ZZZ9", "ZZZ"), planter.text(f"{place} unknown frame")),
    ]


def _frame(version: int, name: bytes, payload: bytes) -> bytes:
    if version == 2:
        return name + be32(len(payload))[1:] + payload
    size = syncsafe(len(payload)) if version == 4 else be32(len(payload))
    return name + size + b"\0\0" + payload


def id3v1(planter: Planter, place: str = "id3v1") -> bytes:
    """Return the 128 bytes at the end of old MP3s."""
    return (
        b"TAG"
        + planter.text(f"{place} title").ljust(30, b"\0")
        + planter.text(f"{place} artist").ljust(30, b"\0")
        + planter.text(f"{place} album").ljust(30, b"\0")
        + b"2019"
        + planter.text(f"{place} comment").ljust(30, b"\0")
        + b"\x0c"
    )


def ape(planter: Planter, place: str = "ape", *, version: int = 2000) -> bytes:
    """Return an APE tag: version 2 with a header, version 1 without."""
    items = [
        (b"Title", planter.text(f"{place} title"), 0),
        (b"Related", planter.text(f"{place} link"), 4),
        (b"Cover Art (Front)", b"cover.jpg\0" + jpeg(planter, place), 2),
    ]
    body = b"".join(
        le32(len(value)) + le32(flags if version == 2000 else 0) + key + b"\0" + value
        for key, value, flags in items
    )

    def end(flags: int) -> bytes:
        counts = struct.pack("<IIII", version, len(body) + 32, len(items), flags)
        return b"APETAGEX" + counts + bytes(8)

    return end(0xA0000000) + body + end(0x80000000) if version == 2000 else body + end(0)


def lyrics3(planter: Planter) -> bytes:
    """Return a Lyrics3v2 block."""
    fields = b"".join(
        name + b"%05d" % 16 + planter.text(f"lyrics3 {name.decode()}")
        for name in (b"LYR", b"AUT", b"INF")
    )
    body = b"LYRICSBEGIN" + b"IND00002" + b"10" + fields
    return body + b"%06d" % len(body) + b"LYRICS200"


def comments(planter: Planter, place: str, *, picture: bool = True) -> bytes:
    """Return a Vorbis comment block, without framing bit."""
    listed = [
        b"TITLE=" + planter.text(f"{place} title"),
        b"LOCATION=" + planter.location(f"{place} location"),
        b"DATE=" + planter.date(f"{place} date"),
        b"CHAPTER001=00:00:00.000",
        b"CHAPTER001NAME=" + planter.text(f"{place} chapter"),
        planter.text(f"{place} without equals sign"),
    ]
    if picture:
        shown = flac_picture(planter, f"{place} picture")
        listed.append(b"METADATA_BLOCK_PICTURE=" + base64.b64encode(shown))
    vendor = planter.text(f"{place} vendor")
    sized = b"".join(le32(len(each)) + each for each in listed)
    return le32(len(vendor)) + vendor + le32(len(listed)) + sized


def flac_picture(planter: Planter, place: str) -> bytes:
    """Return a picture block as FLAC and Ogg have it."""
    kind, about, picture = b"image/jpeg", planter.text(f"{place} about"), jpeg(planter, place)
    strings = be32(len(kind)) + kind + be32(len(about)) + about
    return be32(3) + strings + struct.pack(">IIIII", 16, 16, 24, 0, len(picture)) + picture

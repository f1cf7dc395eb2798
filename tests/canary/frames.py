"""Recordings that are nothing but frames: MP3, MP2, ADTS, AC-3, DTS, AMR, TTA, WavPack."""

import struct

from canary.blocks import ape, id3v1, id3v2, le32, lyrics3
from canary.plants import Planter


def mp3(planter: Planter, bare: bytes) -> bytes:
    """Plant in tags of every kind, in front, behind, amid, and in the Xing frame."""
    starts = mp3_frames(bare)
    xing = bytearray(bare[: starts[1]])
    encoder = xing.find(b"Lav") if b"Lav" in xing else xing.find(b"LAME")
    if encoder > 0:
        xing[encoder : encoder + 9] = b"LAME" + planter.text("LAME version", 5)
        end = encoder + 36  # the LAME tag is 36 bytes
        behind = planter.raw("behind the LAME tag", min(16, len(xing) - end))
        xing[end : end + len(behind)] = behind
    amid = starts[len(starts) // 2]
    junk = planter.text("between frames") + id3v2(planter, "amid")
    sound = bytes(xing) + bare[starts[1] : amid] + junk + bare[amid:]
    ends = ape(planter) + lyrics3(planter) + id3v1(planter)
    return id3v2(planter, "in front") + sound + ends


def mp3_old_tags(planter: Planter, bare: bytes) -> bytes:
    """Plant in the tags of 1998: v2.3 unsynchronised, v2.2, APE version 1, one at the end."""
    front = id3v2(planter, "v2.3", version=3) + id3v2(planter, "v2.2", version=2)
    appended = id3v2(planter, "appended", footer=True)
    return front + bare + ape(planter, version=1000) + appended


def tagged(planter: Planter, bare: bytes) -> bytes:
    """Plant in the tags that any stream of frames can carry around it."""
    return id3v2(planter, "in front") + bare + ape(planter) + id3v1(planter)


def trailing(planter: Planter, bare: bytes) -> bytes:
    """Plant behind the last frame alone, where there is no tag that players skip in front."""
    return bare + b"\x54" + planter.text("behind the end") + id3v1(planter)


def mp3_frames(stream: bytes) -> list[int]:
    """Return where the frames of a layer III stream with nothing between them begin."""
    rates = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
    kbits = {
        3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
        2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    }
    starts, at = [], 0
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        version, third = stream[at + 1] >> 3 & 3, stream[at + 2]
        rate = rates[version][third >> 2 & 3]
        bits = kbits[3 if version == 3 else 2][third >> 4] * (144_000 if version == 3 else 72_000)
        starts.append(at)
        at += bits // rate + (third >> 1 & 1)
    return starts


def adts(planter: Planter, bare: bytes) -> bytes:
    """Plant as HLS does: an ID3 tag in front and one amid the frames, and at the end."""
    starts = [0]
    while starts[-1] + 7 < len(bare):
        starts.append(
            starts[-1]
            + (int.from_bytes(bare[starts[-1] + 3 : starts[-1] + 6], "big") >> 5 & 0x1FFF)
        )
    middle = starts[len(starts) // 2]
    junk = id3v2(planter, "amid")
    return tagged(planter, bare[:middle] + junk + bare[middle:])


def wavpack(planter: Planter, bare: bytes) -> bytes:
    """Plant in the metadata of the first block, and around the stream."""
    header = planter.text("RIFF header")
    digest = planter.raw("MD5", 16)
    extra = b"".join(
        bytes((kind, len(data) // 2)) + data
        for kind, data in ((0x21, header), (0x26, digest), (0x00, planter.text("dummy block")))
    )
    size = struct.unpack_from("<I", bare, 4)[0]
    first = b"wvpk" + le32(size + len(extra)) + bare[8:32] + extra + bare[32:]
    return first + ape(planter) + id3v1(planter)


def mp1_bare(_made: bytes) -> bytes:
    """Return a second of layer I, which nothing encodes any more: frames of silence."""
    return (b"\xff\xff\x10\xc0" + bytes(28)) * 115

"""M4A, MP4, MOV and 3GP: a tree of boxes, planted in every branch and in the gaps of `mdat`."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from canary.blocks import be32, jpeg, xmp
from canary.plants import FROM_1900, FROM_1904, Planter

BRANCHES = (
    b"moov",
    b"trak",
    b"mdia",
    b"minf",
    b"stbl",
    b"dinf",
    b"edts",
    b"mvex",
    b"moof",
    b"traf",
)
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


@dataclass
class Box:
    """A box: a payload, or boxes."""

    kind: bytes
    payload: bytes = b""
    boxes: list["Box"] = field(default_factory=list)

    def written(self) -> bytes:
        """Return its bytes."""
        return box(self.kind, self.payload, *(each.written() for each in self.boxes))

    def all(self, *kinds: bytes) -> Iterator["Box"]:
        """Yield the boxes of these kinds in it, itself included."""
        if self.kind in kinds:
            yield self
        for each in self.boxes:
            yield from each.all(*kinds)

    def add(self, kind: bytes, payload: bytes) -> None:
        """Append a box."""
        self.boxes.append(Box(kind, payload))


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return the bytes of a box."""
    body = b"".join(parts)
    return be32(len(body) + 8) + kind + body


def full(kind: bytes, *parts: bytes) -> bytes:
    """Return the bytes of a box with version 0 and no flags."""
    return box(kind, bytes(4), *parts)


def boxes_of(body: bytes) -> list[Box]:
    """Return the tree of boxes in `body`."""
    found, at = [], 0
    while at + 8 <= len(body):
        length, kind = struct.unpack_from(">I4s", body, at)
        payload = body[at + 8 : at + length]
        at += length
        inner = boxes_of(payload) if kind in BRANCHES else []
        found.append(Box(kind, b"" if inner else payload, inner))
    return found


def mp4(planter: Planter, bare: bytes) -> bytes:
    """Plant in an M4A, MP4, MOV or 3GP whose `moov` is last."""
    top = {each.kind: each for each in boxes_of(bare)}
    moov, mdat = top[b"moov"], top[b"mdat"]
    quicktime = b"ftyp" not in top or top[b"ftyp"].payload[:4] == b"qt  "
    front = _front(planter, top)
    slack, old = planter.text("mdat, in front"), bare.index(b"mdat") + 4
    _shift(moov, 0, len(front) + 8 + len(slack) - old)
    middle = _middle(moov)
    gap = planter.text("mdat, amid")
    at = middle - len(front) - 8
    sound = slack + mdat.payload
    sound = sound[:at] + gap + sound[at:] + planter.text("mdat, at the end")
    _shift(moov, middle, len(gap))
    _plant_in_movie(planter, moov, quicktime=quicktime)
    unused = box(b"mdat", planter.text("mdat of nobody"))
    ends = (
        box(b"ZZZ9", planter.text("unknown box")) + box(b"uuid", planter.raw("uuid", 16)) + unused
    )
    return front + box(b"mdat", sound) + moov.written() + ends + planter.text("behind the end")


def fragmented(planter: Planter, bare: bytes) -> bytes:
    """Plant in a fragmented MP4: among its fragments, and in the boxes that DASH adds."""
    out, fragments = [], 0
    for each in boxes_of(bare):
        if each.kind == b"moov":
            _plant_in_movie(planter, each, quicktime=False)
        elif each.kind == b"moof":
            fragments += 1
            if fragments == 1:
                out.append(_dash(planter))
        elif each.kind == b"mdat" and fragments == 1:
            each.payload += planter.text("mdat of a fragment")
        if each.kind != b"mfra":
            out.append(each.written())
        if each.kind == b"ftyp":
            out.append(box(b"free", planter.text("free")))
    return b"".join(out) + planter.text("behind the end")


def _dash(planter: Planter) -> bytes:
    clock = be32(planter.moment("prft") + FROM_1900) + planter.raw("prft fraction", 4)
    return (
        box(b"styp", b"msdh" + planter.raw("styp version", 4) + b"msdh")
        + full(b"prft", be32(1), clock, bytes(4))
        + full(
            b"emsg",
            planter.text("emsg scheme") + b"\0v\0",
            be32(1000),
            bytes(12),
            planter.text("emsg"),
        )
    )


def _front(planter: Planter, top: dict[bytes, Box]) -> bytes:
    front = b""
    if b"ftyp" in top:
        brands = top[b"ftyp"].payload
        front = box(b"ftyp", brands[:4], planter.raw("ftyp version", 4), brands[8:])
    front += box(b"uuid", XMP_UUID, xmp(planter, "uuid"))
    front += box(b"free", planter.text("free")) + box(b"skip", planter.text("skip"))
    return front


def _shift(moov: Box, behind: int, by: int) -> None:
    """Move the chunks that begin at `behind` or later."""
    for table in moov.all(b"stco", b"co64"):
        form = ">I" if table.kind == b"stco" else ">Q"
        offsets = [each for (each,) in struct.iter_unpack(form, table.payload[8:])]
        moved = (each + by if each >= behind else each for each in offsets)
        table.payload = table.payload[:8] + b"".join(struct.pack(form, each) for each in moved)


def _middle(moov: Box) -> int:
    """Return where the middle chunk begins."""
    offsets: list[int] = [
        each
        for table in moov.all(b"stco", b"co64")
        for (each,) in struct.iter_unpack(
            ">I" if table.kind == b"stco" else ">Q", table.payload[8:]
        )
    ]
    return sorted(offsets)[len(offsets) // 2]


def _plant_in_movie(planter: Planter, moov: Box, *, quicktime: bool) -> None:
    _plant_times(planter, moov)
    for index, track in enumerate(moov.all(b"trak")):
        _plant_in_track(planter, track, f"track {index} ", quicktime=quicktime)
    moov.boxes = [each for each in moov.boxes if each.kind != b"udta"]
    moov.add(b"udta", _user_data(planter))
    moov.add(b"meta", _keys(planter, "keys")[8:])
    moov.add(b"free", planter.text("moov free"))


def _plant_times(planter: Planter, moov: Box) -> None:
    for index, head in enumerate(moov.all(b"mvhd", b"tkhd", b"mdhd")):
        place = f"{head.kind.decode()} {index}"
        times = (
            be32(planter.moment(f"{place} {each}") + FROM_1904) for each in ("made", "changed")
        )
        head.payload = head.payload[:4] + b"".join(times) + head.payload[12:]
        if head.kind == b"mvhd":
            head.payload = (
                head.payload[:72] + planter.raw("mvhd predefined", 24) + head.payload[96:]
            )


def _plant_in_track(planter: Planter, track: Box, place: str, *, quicktime: bool) -> None:
    track.add(
        b"udta", box(b"name", planter.text(f"{place}name")) + _strings(planter, place, b"\xa9nam")
    )
    for handler in list(track.all(b"hdlr"))[:1]:
        name = planter.text(f"{place}handler")
        name = bytes([len(name)]) + name if quicktime else name + b"\0"
        handler.payload = handler.payload[:12] + planter.raw(f"{place}hdlr reserved", 12) + name
    for table in track.all(b"stbl"):
        table.add(b"free", planter.text(f"{place}stbl free"))
    for description in track.all(b"stsd"):
        entry = description.payload
        vendor = planter.raw(f"{place}vendor", 4)
        entry = entry[:28] + vendor + entry[32:]
        if b"vide" in next(track.all(b"hdlr")).payload[:12]:
            name = planter.text(f"{place}compressor")
            entry = entry[:58] + bytes([len(name)]) + name.ljust(31, b"\0") + entry[90:]
        description.payload = entry
    for reference in track.all(b"dref"):
        path = b"file:///" + planter.text(f"{place}path") + b"\0"
        reference.payload = bytes(4) + be32(1) + box(b"url ", be32(1), path)


def _strings(planter: Planter, place: str, *kinds: bytes) -> bytes:
    """Return QuickTime's user data strings: length, language, text."""
    texts = ((kind, planter.text(f"{place}{kind[1:].decode()}")) for kind in kinds)
    return b"".join(box(kind, struct.pack(">HH", len(text), 0x15C7), text) for kind, text in texts)


def _user_data(planter: Planter) -> bytes:
    place = planter.location("udta location")
    names = ("titl", "auth", "cprt")
    spot = (
        b"\x15\xc7" + planter.text("loci name") + b"\0\0" + planter.raw("loci", 12) + b"earth\0\0"
    )
    three_gpp = (
        full(name.encode(), b"\x15\xc7" + planter.text(f"udta {name}") + b"\0\0") for name in names
    )
    plain = ("name", "smrd", "SDLN", "FIRM", "TAGS", "free", "ZZZ9")
    chapter = b"\x10" + planter.text("chpl")
    return b"".join(
        (
            box(b"\xa9xyz", struct.pack(">HH", len(place), 0x15C7), place),
            _strings(planter, "udta ", b"\xa9nam", b"\xa9mak", b"\xa9swr"),
            *three_gpp,
            full(b"loci", spot),
            *(box(name.encode(), planter.text(f"udta {name}")) for name in plain),
            box(b"date", planter.date("udta date")),
            box(b"Xtra", planter.utf16("udta Xtra")),
            box(b"XMP_", xmp(planter, "udta")),
            box(b"chpl", b"\1\0\0\0" + bytes(4) + b"\1" + bytes(8) + chapter),
            _items(planter),
        )
    )


def _items(planter: Planter) -> bytes:
    """Return iTunes's list of tags."""

    def item(kind: bytes, value: bytes, form: int = 1) -> bytes:
        return box(kind, box(b"data", be32(form), bytes(4), value))

    names = (b"\xa9nam", b"\xa9ART", b"\xa9too", b"apID", b"ownr", b"desc")
    own = b"".join(item(name, planter.text(f"ilst {name[1:].decode()}")) for name in names)
    own += item(b"\xa9day", planter.date("ilst day")) + item(b"covr", jpeg(planter, "ilst"), 13)
    mean = full(b"mean", b"com.apple.iTunes")
    name, value = planter.text("freeform name"), planter.text("freeform")
    own += box(b"----", mean, full(b"name", name), box(b"data", be32(1), bytes(4), value))
    handler = full(b"hdlr", bytes(4), b"mdir", planter.raw("ilst hdlr", 12), b"\0")
    return full(b"meta", handler, box(b"ilst", own), box(b"free", planter.text("ilst free")))


def _keys(planter: Planter, place: str) -> bytes:
    """Return Apple's metadata with keys in words."""
    pairs = {
        b"com.apple.quicktime.location.ISO6709": planter.location(f"{place} location"),
        b"com.apple.quicktime.model": planter.text(f"{place} model"),
        b"com.apple.quicktime.creationdate": planter.date(f"{place} date"),
        planter.text(f"{place} own key"): planter.text(f"{place} own value"),
    }
    listed = b"".join(be32(len(key) + 8) + b"mdta" + key for key in pairs)
    values = (
        box(be32(index), box(b"data", be32(1), bytes(4), value))
        for index, value in enumerate(pairs.values(), 1)
    )
    handler = full(b"hdlr", bytes(4), b"mdta", bytes(12))
    return box(b"meta", handler, full(b"keys", be32(len(pairs)), listed), box(b"ilst", *values))

"""Matroska and WebM: sound and picture in clusters, and around them nothing that isn't needed.

    EBML       1A45DFA3: versions, DocType 4282 "matroska" or "webm"
    Segment    18538067, of unknown size where it was written live
    SeekHead   114D9B74: where the others are, from the front of the segment's payload
    Info       1549A966: TimestampScale 2AD7B1 in ns, Duration 4489 in ticks, a float
    Tracks     1654AE6B (tracks.py);  Clusters (clusters.py)
    Cues       1C53BB6B: for the first key frame of a cluster its time, its track, the cluster

All are written anew and in this order, with the cues in front of the clusters, so that a player
can seek while the rest is on its way. MuxingApp and WritingApp, which RFC 9559 wants, are left out:
players don't read them, and no name is the only one that tells nothing. RFC 8794, RFC 9559.
"""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from scrub.containers.matroska.clusters import ANY_CLUSTER, CLUSTER, Clusters, next_part
from scrub.containers.matroska.ebml import (
    Element,
    children,
    element,
    element_at,
    id_bytes,
    real,
    real_element,
    text,
    unsigned,
    unsigned_element,
    wide_head,
)
from scrub.containers.matroska.index import CUES, seek_head
from scrub.containers.matroska.report import report
from scrub.containers.matroska.tracks import has_picture, kept_tracks
from scrub.errors import Malformed, TooComplex, Unsupported
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader

EBML, SEGMENT, INFO, TRACKS = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B
MAGIC = id_bytes(EBML)
ANY_PART = re.compile(b"|".join(re.escape(id_bytes(each)) for each in (INFO, TRACKS, CLUSTER)))
DOC_TYPE = 0x4282
# Of the EBML head: version and read version of EBML, longest id and size, version of the
# document's type, and the one that a reader needs.
HEAD_NUMBERS = {0x4286: 1, 0x42F7: 1, 0x42F2: 4, 0x42F3: 8, 0x4287: 4, 0x4285: 2}
LONGEST_ALLOWED = {0x42F2: 4, 0x42F3: 8}
MOST_BETWEEN = 16  # elements in front of the segment
SCALE, DURATION = 0x2AD7B1, 0x4489
DEFAULT_SCALE, MOST_SCALE = 10**6, 10**10
DAY = 86400 * 10**9  # a recording that begins later tells a clock's time
LONGEST_DURATION = 1 << 48
MOST_LOST = 64  # times that the walk loses its way
MOST_ELEMENTS = 1 << 16  # of a segment, up to its first cluster


class Document(NamedTuple):
    """The head of a recording: what kind it is, and where its segment lies."""

    type: bytes
    segment: Element
    between: list[Element]


class Parts(NamedTuple):
    """What of a segment is needed to understand its clusters."""

    info: Element | None
    tracks: Element
    first_cluster: int
    others: list[Element]  # in front of the first cluster


def is_webm(reader: Reader, start: int) -> bool:
    """Say whether a WebM begins here."""
    return _begins(reader, start) and _document(reader, start).type == b"webm"


def is_mkv(reader: Reader, start: int) -> bool:
    """Say whether a Matroska with moving pictures begins here."""
    if not _begins(reader, start):
        return False
    return has_picture(reader, _parts(reader, _document(reader, start).segment).tracks)


def is_mka(reader: Reader, start: int) -> bool:
    """Say whether a Matroska begins here; the others were asked before."""
    return _begins(reader, start)


def plan_matroska(reader: Reader, start: int, draft: Draft) -> None:
    """Write the head, the tracks of sound and picture, cues and clusters anew.

    Raises Malformed when there is no sound, Unsupported for codecs and encodings we can't clean.
    """
    document = _document(reader, start)
    segment = document.segment
    parts = _parts(reader, segment)
    for each in document.between + parts.others:
        report(reader, each, draft)
    _report_behind(reader, segment, draft)
    scale, info = _info(reader, parts.info, draft)
    tracks = kept_tracks(reader, parts.tracks, draft)
    clusters = Clusters(reader, tracks, draft, latest_start=DAY // scale)
    clusters.read(parts.first_cluster, segment.end)
    for track in tracks:
        for kind, times in track.settings.found.items():
            draft.found(kind, times)
        for kind in track.settings.remains:
            draft.tally.remains(kind)
    if not draft.essence.units:
        raise Malformed("there is no sound", offset=start)
    _write(
        document.type, info, element(TRACKS, *(each.entry() for each in tracks)), clusters, draft
    )


def _begins(reader: Reader, start: int) -> bool:
    return reader.upto(start, 4) == MAGIC


def _document(reader: Reader, start: int) -> Document:
    """Read the EBML head and find the segment."""
    head = element_at(reader, start, reader.size)
    if head is None or head.end > reader.size or not head.sized:
        raise Malformed("the EBML head is damaged", offset=start)
    doc_type = b"matroska"
    between: list[Element] = []
    for child in children(reader, head.payload, head.end):
        if child.id == DOC_TYPE:
            doc_type = text(reader, child, 16)
        elif child.id in LONGEST_ALLOWED and unsigned(reader, child) > LONGEST_ALLOWED[child.id]:
            raise Unsupported("Matroska", "an element with a longer head")
        elif child.id not in HEAD_NUMBERS:
            between.append(child)
    if doc_type not in (b"matroska", b"webm"):
        raise Unsupported("EBML", "this kind of document")
    at = head.end
    for _ in range(MOST_BETWEEN):
        found = element_at(reader, at, reader.size)
        if found is None:
            break
        if found.id == SEGMENT:
            # Where a recorder lost power the size is more than there is, or was never filled in.
            whole = found.sized and found.payload < found.end <= reader.size
            segment = found if whole else found._replace(end=reader.size)
            return Document(doc_type, segment, between)
        between.append(found)
        at = found.end
    raise Malformed("there is no segment", offset=at)


def _parts(reader: Reader, segment: Element) -> Parts:
    info = tracks = None
    first_cluster = segment.end
    others = []
    for each in _top_elements(reader, segment):
        if each.id == CLUSTER:
            first_cluster = min(first_cluster, each.start)
        elif each.id == INFO and not info:
            info = each
        elif each.id == TRACKS and not tracks:
            tracks = each
        elif first_cluster == segment.end:
            others.append(each)
        if tracks and first_cluster < segment.end:
            break
    if tracks is None:
        raise Malformed("there are no tracks", offset=segment.start)
    return Parts(info, tracks, first_cluster, others)


def _top_elements(reader: Reader, segment: Element) -> Iterator[Element]:
    """Yield the elements of a segment, up to where they can't be told without looking inside."""
    at = segment.payload
    lost = 0
    for _ in range(MOST_ELEMENTS):
        found = element_at(reader, at, segment.end) if at < segment.end else None
        if found is not None and (found.id == CLUSTER or found.end <= segment.end):
            yield found
            at = found.end
        elif at < segment.end and lost < MOST_LOST:
            lost += 1
            at = next_part(reader, at + 1, segment.end, ANY_PART)
        elif at >= segment.end:
            return
        else:
            break
    raise TooComplex("too many elements in front of the first cluster")


def _report_behind(reader: Reader, segment: Element, draft: Draft) -> None:
    if segment.end < reader.size:
        draft.found(Kind.TRAILING)
        if next_part(reader, segment.end, reader.size, ANY_CLUSTER) < reader.size:
            raise Unsupported("Matroska", "a second recording behind the first")


def _info(reader: Reader, info: Element | None, draft: Draft) -> tuple[int, bytes]:
    """Return the scale of time, and Info anew: the scale, and the duration in whole ticks."""
    scale, duration = DEFAULT_SCALE, 0.0
    for child in children(reader, info.payload, info.end) if info else ():
        if child.id == SCALE:
            scale = unsigned(reader, child)
        elif child.id == DURATION:
            duration = real(reader, child)
        else:
            report(reader, child, draft)
    if not 0 < scale <= MOST_SCALE:
        raise Malformed("the scale of time makes no sense", offset=info.start if info else 0)
    parts = [unsigned_element(SCALE, scale)]
    if math.isfinite(duration) and 1 <= duration < LONGEST_DURATION:
        parts.append(real_element(DURATION, round(duration)))
    return scale, element(INFO, *parts)


def _write(doc_type: bytes, info: bytes, tracks: bytes, clusters: Clusters, draft: Draft) -> None:
    cues = clusters.cues
    parts = [(INFO, len(info)), (TRACKS, len(tracks))]
    if cues.size:
        parts.append((CUES, cues.size))
    seeks = seek_head(parts)
    front = len(seeks) + sum(size for _, size in parts)
    head = (unsigned_element(name, number) for name, number in HEAD_NUMBERS.items())
    draft.write(element(EBML, *head, element(DOC_TYPE, doc_type)))
    draft.write(wide_head(SEGMENT, front + clusters.body.size) + seeks + info + tracks)
    for points in cues.written(front):
        draft.write(points)
    clusters.body.replay(draft)

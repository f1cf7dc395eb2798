"""ASF, which WMA and WMV are: keep what playing needs of the header, and sound and pictures.

    Header     what the file and its streams are; header.py
    Data       GUID, u64 size, 16-byte id, u64 packets, u16 0101; then packets; packets.py
    others     indexes, XMP: gone

Windows Media writes UTF-16 and little-endian numbers throughout. Advanced Systems Format
specification 1.20.03.
"""

from collections.abc import Iterator

from scrub.containers.asf import guids
from scrub.containers.asf.data import DATA, RESERVED, Survey, find_data, survey, write_packets
from scrub.containers.asf.header import File, header_end, read_header
from scrub.errors import Malformed
from scrub.plan import Draft
from scrub.reading import Reader


def is_wma(reader: Reader, start: int) -> bool:
    """Say whether an ASF header begins here."""
    return reader.upto(start, 16) == guids.HEADER


def is_wmv(reader: Reader, start: int) -> bool:
    """Say whether it names a stream of pictures."""
    if not is_wma(reader, start):
        return False
    end = header_end(reader, start)
    return any(guids.VIDEO in block for block in _overlapping(reader, start, end))


def _overlapping(reader: Reader, start: int, end: int) -> Iterator[bytes]:
    before = b""
    for _, block in reader.blocks(start, end):
        yield before + block
        before = block[-15:]


def plan_asf(reader: Reader, start: int, draft: Draft) -> None:
    """Write the header anew, and the packets without what hides between the payloads.

    Raises Malformed when a packet is damaged or there is nothing to play.
    """
    header = read_header(reader, start, draft)
    file = header.file
    keep = {
        number: header.extended[number].extension if number in header.extended else 0
        for number in header.streams
    }
    data = find_data(reader, header.end, file.packet_size, draft)
    seen = survey(reader, data, keep)
    if not seen.payloads:
        raise Malformed("there is no sound", offset=data.start)
    seen.report(draft)

    size = DATA.size + seen.packets * file.packet_size
    duration = _play_duration(file, seen)
    draft.write(header.written(packets=seen.packets, play_duration=duration, data_size=size))
    draft.write(DATA.pack(guids.DATA, size, bytes(16), seen.packets, RESERVED))
    if seen.clean:
        draft.copy(data.start, data.end)
    else:
        write_packets(reader, data, keep, seen, draft)
    draft.sound(seen.size, seen.payloads)


def _play_duration(file: File, seen: Survey) -> int:
    """Return the play duration (100 ns): as it was, or what there is where the end is missing."""
    if seen.packets >= file.packets:
        return file.play_duration
    return min(file.play_duration, 10_000 * (seen.last_time + file.preroll))

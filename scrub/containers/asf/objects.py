"""Walk a list of ASF objects: each is a GUID, u64 size of the whole object, and a payload."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from scrub.errors import Malformed, TooComplex
from scrub.reading import Reader

HEAD = struct.Struct("<16sQ")
MOST_OBJECTS = 4096


class Object(NamedTuple):
    """Where an object's payload lies."""

    guid: bytes
    start: int
    end: int


def objects(reader: Reader, start: int, end: int) -> Iterator[Object]:
    """Yield the objects between `start` and `end`; reads 24 bytes each.

    Raises Malformed when one claims more bytes than there are.
    """
    for _ in range(MOST_OBJECTS):
        if end - start < HEAD.size:
            return
        guid, size = HEAD.unpack(reader.exactly(start, HEAD.size))
        if not HEAD.size <= size <= end - start:
            raise Malformed("an object runs past its end", offset=start)
        yield Object(guid, start + HEAD.size, start + size)
        start += size
    raise TooComplex("too many objects")


def written(guid: bytes, payload: bytes) -> bytes:
    """Return an object."""
    return HEAD.pack(guid, HEAD.size + len(payload)) + payload

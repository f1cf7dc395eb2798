"""The settings of HuffYUV: where its tables of code lengths end, so that nothing rides behind them.

    settings   u8 prediction, u8 bits a pixel, u8 interlacing, u8 0, then three tables
    table      for 256 values: 3 bits how often, or 0 and a byte that says it; 5 bits the length

A fourth byte that isn't 0 is of ffmpeg's later version, whose tables are of any number. From
HuffYUV 2.1.1 and ffmpeg's description of it.
"""

from scrub.errors import Malformed, Unsupported

HEAD, TABLES, VALUES = 4, 3, 256


def whole_settings(settings: bytes) -> bytes:
    """Return the settings up to the last table; Malformed when one is cut short."""
    if not settings:
        return b""  # of the first versions, which have their tables built in
    if any(settings[3:HEAD]):
        raise Unsupported("AVI", "pictures of an unknown codec")
    at = HEAD
    for _ in range(TABLES):
        values = 0
        while values < VALUES:
            begun, more = settings[at : at + 2].ljust(2, b"\0")
            times = begun >> 5 or more
            at += 1 if begun >> 5 else 2
            if not times or at > len(settings):
                raise Malformed("a table is cut short", offset=0)
            values += times
    return settings[:at]

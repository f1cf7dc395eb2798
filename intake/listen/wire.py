"""What crosses between the desk and a decoder, in the frames of `scrub/wire.py`.

    ASK     u32 samples a second, u8 channels, u64 most samples (of each channel)
    TOLD    16-bit little-endian PCM, channels interleaved, at most 64 KiB
    END     u64 samples told of each channel, u8: 1 where there were more than the most, SHA-256 of
            the coded sound

The coded sound is the name of its coding, a zero byte, and its packets one behind the other: the
same whatever container and tags are around it.
"""

import struct
from typing import Final

ASK: Final = struct.Struct("<IBQ")
END: Final = struct.Struct("<QB32s")
LONGEST_BLOCK: Final = 1 << 16
SAMPLE_SIZE: Final = 2
"""Bytes."""

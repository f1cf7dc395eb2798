"""What a recording says of its own sound: how long, how many channels, how it is coded."""

from dataclasses import dataclass
from typing import Final

LONGEST_CODEC: Final = 60
"""Letters, ASCII."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """As the recording's own headers have it, so no more to be believed than they are.

    Whatever it doesn't say is 0, or empty.
    """

    length_ms: int = 0
    sample_rate: int = 0
    """Hz."""
    channels: int = 0
    bits: int = 0
    """Of one sample."""
    bitrate: int = 0
    """Bits a second."""
    codec: str = ""

"""A fingerprint of how a recording sounds, small enough to compare hundreds of hours in a second.

    sound     5 512 samples a second, one channel
    frame     8 192 samples (1.49 s) behind a Hann window, one each 800 samples (0.145 s)
    bands     33 from 300 to 2 000 Hz, as wide as each other on a logarithmic scale
    word      a bit for each two neighbours of a frame's bands: whether the difference of their
              energies is larger than it was in the frame before
    telling   a bit a frame: loud enough beside the rest, and not like the frame before; silence,
              hum and tones tell nothing, and are never compared

    kept      u8 version (1), u32 words, the telling bits, then the words (u32), little-endian:
              28 bytes a second

After Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002, with frames
four times as long and a hop twelve times: 100 kB an hour. What was encoded anew, made louder,
sent by telephone or overlaid with some noise differs in 2-20 % of the bits; two recordings of
different things in half of them. Played faster or slower, or sung again, it is another sound.
"""

import struct
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RATE: Final = 5512
"""Samples a second."""
HOP: Final = 800
"""Samples."""
FRAME: Final = 8192
"""Samples."""
BITS: Final = 32
_VERSION: Final = 1
_HEAD: Final = struct.Struct("<BI")
_LOWEST_HZ: Final = 300
_HIGHEST_HZ: Final = 2000
_BATCH: Final = 256
"""Frames that are transformed at once: 8 MB."""
_FAINT: Final = 1e-4
"""Of the energy of a recording's loud frames: 40 dB below."""
_SILENT: Final = 1e8
"""Energy of a frame in these bands that 16-bit samples hold of nothing but their own rounding."""
_LOUD_PERCENTILE: Final = 95
_SAME: Final = 0.03
"""How much of the energy of two frames is not in both, in a tone that goes on."""

Words = NDArray[np.uint32]
Telling = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """A word for each frame, and whether it tells anything."""

    words: Words
    telling: Telling

    @property
    def packed(self) -> bytes:
        """The fingerprint as it is kept."""
        telling = np.packbits(self.telling).tobytes()
        return _HEAD.pack(_VERSION, len(self.words)) + telling + self.words.astype("<u4").tobytes()

    @classmethod
    def unpacked(cls, kept: bytes) -> Self | None:
        """Return what was packed; None where it is of another version, or not whole."""
        if len(kept) < _HEAD.size:
            return None
        version, count = _HEAD.unpack_from(kept)
        split = _HEAD.size + -(-count // 8)
        if version != _VERSION or len(kept) != split + 4 * count:
            return None
        telling = np.unpackbits(np.frombuffer(kept[_HEAD.size : split], np.uint8), count=count)
        words = np.frombuffer(kept[split:], "<u4").astype(np.uint32)
        return cls(words, telling.astype(np.bool_))


class Listening:
    """Makes the fingerprint of a recording as its samples pass: 16-bit, `RATE`, one channel."""

    def __init__(self) -> None:
        self._waiting = np.empty(0, np.float32)
        self._energies: list[NDArray[np.float32]] = []

    def hear(self, block: bytes) -> None:
        """Take the next samples."""
        samples = np.frombuffer(block, "<i2").astype(np.float32)
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= FRAME + (_BATCH - 1) * HOP:
            self._transform(_BATCH)

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint; one of less than two frames has no words."""
        left = (len(self._waiting) - FRAME) // HOP + 1
        if left > 0:
            self._transform(left)
        energies = np.concatenate([np.empty((0, BITS + 1), np.float32), *self._energies])
        return _fingerprint(energies)

    def _transform(self, frames: int) -> None:
        views = sliding_window_view(self._waiting, FRAME)[: frames * HOP : HOP]
        spectrum = np.fft.rfft(views * _WINDOW, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        self._energies.append(np.add.reduceat(power, _EDGES, axis=1)[:, :-1])
        self._waiting = self._waiting[frames * HOP :]


def _fingerprint(energies: NDArray[np.float32]) -> Fingerprint:
    if len(energies) < 2:
        return Fingerprint(np.empty(0, np.uint32), np.empty(0, np.bool_))
    slopes = energies[:, :-1] - energies[:, 1:]
    bits = slopes[1:] > slopes[:-1]
    words = np.packbits(bits, axis=1, bitorder="little").view("<u4")[:, 0].astype(np.uint32)
    total = energies.sum(axis=1)
    loud = np.percentile(total, _LOUD_PERCENTILE)
    both = total[1:] + total[:-1]
    changed = np.abs(np.diff(energies, axis=0)).sum(axis=1) > _SAME * both
    heard = np.minimum(total[1:], total[:-1]) > max(_SILENT, _FAINT * float(loud))
    return Fingerprint(words, changed & heard)


def _edges() -> NDArray[np.intp]:
    hertz = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, BITS + 2)
    return np.round(hertz * FRAME / RATE).astype(np.intp)


_WINDOW: Final = np.hanning(FRAME).astype(np.float32)
_EDGES: Final = _edges()
"""The first line of each band's, and the first behind the last band."""

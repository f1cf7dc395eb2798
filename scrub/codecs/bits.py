"""Bits, most significant first, and Exp-Golomb codes: ITU-T H.264 and H.265, 9.1."""


class RunsOut(Exception):
    """There are fewer bits than the syntax asks for, or a code is longer than any number of it."""


class Bits:
    """A reader of bits; `at` is how many were taken."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "big")
        self._length = 8 * len(data)
        self.at = 0

    def take(self, count: int) -> int:
        """Return an unsigned number of `count` bits."""
        self.at += count
        left = self._length - self.at
        if left < 0:
            raise RunsOut
        return self._number >> left & (1 << count) - 1

    def skip(self, count: int) -> None:
        """Leave out so many bits."""
        self.at += count
        if self.at > self._length:
            raise RunsOut

    def flag(self) -> bool:
        """Return one bit."""
        return self.take(1) == 1

    def golomb(self) -> int:
        """Return an unsigned Exp-Golomb code: zeros, a one, and as many bits as zeros."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise RunsOut
        return (1 << zeros) - 1 + self.take(zeros)

    def golombs(self, count: int) -> None:
        """Skip Exp-Golomb codes, signed or not."""
        for _ in range(count):
            self.golomb()


def stopped(data: bytes, bits: int) -> bytes:
    """Return the first `bits` of `data`, then a one, and zeros up to a byte."""
    whole, over = divmod(bits, 8)
    last = data[whole] if over else 0
    return data[:whole] + bytes([last & (0xFF00 >> over) & 0xFF | 0x80 >> over])


def filled(data: bytes, bits: int) -> bytes:
    """Return the first `bits` of `data`, stopped where a byte is begun."""
    return stopped(data, bits) if bits % 8 else data[: bits // 8]

"""Recordings that sound like somebody talking, and the ways they are sent twice."""

import io
import subprocess
import wave

import numpy as np
from numpy.typing import NDArray

RATE = 16_000


def talk(seconds: float, seed: int) -> NDArray[np.int16]:
    """Return syllables of a voice of its own, with breaths between; no two seeds say the same."""
    chance = np.random.default_rng(seed)
    said = np.zeros(int(seconds * RATE), np.float64)
    pitch, at = chance.uniform(90, 220), 0
    while at < len(said):
        length = int(chance.uniform(0.08, 0.3) * RATE)
        time = np.arange(length) / RATE
        voice = pitch * chance.uniform(0.8, 1.3)
        formants = chance.uniform((250, 900, 2200), (900, 2200, 3200))
        sound = np.zeros(length)
        for hertz in voice * np.arange(1, int(5000 / voice)):
            loudness = np.exp(-(((hertz - formants) / 130) ** 2)).sum() + 0.01
            sound += loudness * np.sin(2 * np.pi * hertz * time + chance.uniform(0, 6))
        sound *= np.hanning(length) * chance.uniform(0.3, 1)
        part = said[at : at + length]
        part += sound[: len(part)]
        at += int(length * chance.uniform(0.6, 1.2))
        if chance.random() < 0.12:
            at += int(chance.uniform(0.2, 0.9) * RATE)
    samples: NDArray[np.int16] = (said / np.abs(said).max() * 24_000).astype(np.int16)
    return samples


def wav(samples: NDArray[np.int16], rate: int = RATE) -> bytes:
    """Return a recording of these samples."""
    held = io.BytesIO()
    with wave.open(held, "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes(samples.astype("<i2").tobytes())
    return held.getvalue()


def encoded(recording: bytes, form: str, *how: str) -> bytes:
    """Return a recording as another program would have sent it: ffmpeg's `form`, and options."""
    command = ["ffmpeg", "-v", "error", "-i", "-", *how, "-f", form, "-"]
    return subprocess.run(command, input=recording, check=True, capture_output=True).stdout

"""What runs inside: a decoder, behind the fences, that turns a recording into plain samples.

FFmpeg reads what a stranger made: it is expected to crash, hang and be taken over. It is given the
formats that we can clean and no other, and no protocol. Loaded before the fences go up; nothing can
be loaded behind them.
"""

import io
import wave
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, BinaryIO, Final

import av
import av.error
from av.filter import Graph

from intake.listen.wire import ASK, END, LONGEST_BLOCK, SAMPLE_SIZE
from scrub.errors import Malformed, NotARecording, ScrubError, TooComplex, WorkerFailed
from scrub.wire import Say
from scrub.worker import Answer

_LAYOUTS: Final = {1: "mono", 2: "stereo"}
_READ_SIZE: Final = 1 << 16
_FORMATS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,iff,loas,matroska,mov,mp3,mpc,mpc8,"
    "mpegts,ogg,tta,w64,wav,wv"
)
_OPTIONS: Final = {"format_whitelist": _FORMATS, "protocol_whitelist": "none"}
_MOST_FAULTS: Final = 10_000
"""Packets in a row that can't be decoded, before the rest is given up."""


def decode(recording: BinaryIO, size: int, answer: Answer) -> None:
    """Answer with the samples of a recording of `size` bytes. Raises ScrubError."""
    if recording.seek(0, io.SEEK_END) != size:
        raise WorkerFailed("the recording has another size than was said")
    recording.seek(0)
    rate, channels, most = ASK.unpack(answer.read(Say.ASK))
    teller, source = _Teller(answer, channels, most), _Source(recording)
    essence = sha256()
    try:
        with av.open(source, options=_OPTIONS, buffer_size=_READ_SIZE) as container:
            for samples in _samples(container, rate, channels, essence):
                if not teller.tell(samples):
                    break
    except MemoryError:
        raise TooComplex("decoding needs too much memory") from None
    except ScrubError:
        raise
    except Exception:  # noqa: BLE001, S110  # what was decoded before is worth having
        pass
    if source.failed:
        raise WorkerFailed("the recording could not be read")
    if not teller.told:
        raise Malformed("nothing in it can be decoded", offset=0)
    teller.end(essence.digest())


def _samples(container: Any, rate: int, channels: int, essence: Any) -> Iterator[memoryview]:
    """Yield the first stream of sound; what can't be decoded in between is left out."""
    if not container.streams.audio:
        raise NotARecording
    stream = container.streams.audio[0]
    stream.codec_context.thread_count = 1
    essence.update(stream.codec_context.name.encode() + b"\x00")
    converter, faults = _Converter(rate, channels), 0
    for packet in container.demux(stream):
        essence.update(packet)
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):
            faults += 1
            if faults > _MOST_FAULTS:
                raise Malformed("what it holds can't be decoded", offset=0) from None
            continue
        faults = 0
        for frame in frames:
            yield from converter.converted(frame)
    yield from converter.rest()


class _Source:
    """A recording as FFmpeg reads it; it remembers when the reading itself failed."""

    def __init__(self, recording: BinaryIO) -> None:
        self.failed = False
        self._recording = recording
        self.seek = recording.seek
        self.tell = recording.tell

    def read(self, size: int) -> bytes:
        """Return the next bytes, as many as there are."""
        try:
            return self._recording.read(size)
        except Exception:
            self.failed = True
            raise


class _Converter:
    """Mixes and resamples; begins anew where a recording changes its own form on the way."""

    def __init__(self, rate: int, channels: int) -> None:
        self._wanted = {
            "sample_rates": str(rate),
            "sample_fmts": "s16",
            "channel_layouts": _LAYOUTS[channels],
        }
        self._width = channels * SAMPLE_SIZE
        self._form: tuple[object, ...] = ()
        self._graph: Any = None

    def converted(self, frame: Any) -> Iterator[memoryview]:
        """Yield what is ready once `frame` has gone in."""
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            yield from self.rest()
            self._graph, self._form = self._begun(frame), form
        frame.pts = None  # a recording's own clock may jump, and be a lie
        self._graph.push(frame)
        yield from self._ready()

    def rest(self) -> Iterator[memoryview]:
        """Yield what the filters still held."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready()
            self._graph = None

    def _begun(self, frame: Any) -> Any:
        graph = Graph()
        graph.threads = 1  # behind the fences there are no others
        source = graph.add(
            "abuffer",
            sample_rate=str(frame.sample_rate),
            sample_fmt=frame.format.name,
            channel_layout=frame.layout.name,
        )
        wanted, sink = graph.add("aformat", **self._wanted), graph.add("abuffersink")
        source.link_to(wanted)
        wanted.link_to(sink)
        graph.configure()
        return graph

    def _ready(self) -> Iterator[memoryview]:
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield memoryview(frame.planes[0])[: frame.samples * self._width]


class _Teller:
    """Hands samples on in blocks, until there are as many as were asked for."""

    def __init__(self, answer: Answer, channels: int, most: int) -> None:
        self.told = 0
        self.full = False
        self._answer = answer
        self._width = channels * SAMPLE_SIZE
        self._left = most
        self._waiting = bytearray()

    def tell(self, samples: memoryview) -> bool:
        """Take samples to hand on; False when no more are wanted."""
        wanted = samples[: self._left * self._width]
        self.full = len(wanted) < len(samples)
        self.told += len(wanted) // self._width
        self._left -= len(wanted) // self._width
        # A coding's own frames are small: each for itself would cost more than decoding it.
        self._waiting += wanted
        while len(self._waiting) >= LONGEST_BLOCK:
            self._hand_on(LONGEST_BLOCK)
        return not self.full

    def end(self, essence: bytes) -> None:
        """Hand on what waits, and say that this was all."""
        if self._waiting:
            self._hand_on(len(self._waiting))
        self._answer.say(Say.END, END.pack(self.told, self.full, essence))

    def _hand_on(self, size: int) -> None:
        self._answer.say(Say.TOLD, bytes(self._waiting[:size]))
        del self._waiting[:size]


def _warm_up() -> None:
    """Decode something once: libraries load what they need when they first need it."""
    held = io.BytesIO()
    with wave.open(held, "wb") as out:
        out.setparams((2, SAMPLE_SIZE, 44_100, 0, "NONE", ""))
        out.writeframes(bytes(4 * 4410))
    held.seek(0)
    with av.open(held, options=_OPTIONS, buffer_size=_READ_SIZE) as container:
        for _ in _samples(container, 8000, 1, sha256()):
            pass


av.logging.set_level(None)
_warm_up()

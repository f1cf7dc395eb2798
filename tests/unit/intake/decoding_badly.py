"""Jobs that run inside a worker in the decoder's place, as one that was taken over would."""

import ctypes
import os
import socket
from pathlib import Path
from typing import BinaryIO

import av

from intake.listen.wire import ASK, END, LONGEST_BLOCK
from scrub.errors import Malformed
from scrub.wire import Say
from scrub.worker import Answer


def misbehave(recording: BinaryIO, size: int, answer: Answer) -> None:
    """Do what the first bytes of the recording say."""
    _, _, most = ASK.unpack(answer.read(Say.ASK))
    recording.seek(0)
    _DEEDS[recording.read(16).rstrip(b"\0").decode()](answer, most)


def _crash(answer: Answer, most: int) -> None:
    ctypes.string_at(0)


def _hang(answer: Answer, most: int) -> None:
    answer.say(Say.TOLD, bytes(100))
    while True:
        pass


def _eat(answer: Answer, most: int) -> None:
    bytearray(1 << 30)


def _go_on(answer: Answer, most: int) -> None:
    while True:
        answer.say(Say.TOLD, bytes(LONGEST_BLOCK))


def _drip(answer: Answer, most: int) -> None:
    while True:
        answer.say(Say.TOLD, b"")


def _long(answer: Answer, most: int) -> None:
    answer.say(Say.TOLD, bytes(LONGEST_BLOCK + 2))


def _odd(answer: Answer, most: int) -> None:
    answer.say(Say.TOLD, bytes(3))


def _miscount(answer: Answer, most: int) -> None:
    answer.say(Say.TOLD, bytes(100))
    answer.say(Say.END, END.pack(51, 0, bytes(32)))


def _cut(answer: Answer, most: int) -> None:
    answer.say(Say.END, bytes(3))


def _plan(answer: Answer, most: int) -> None:
    answer.say(Say.PLANNED, bytes(40))


def _reach_out(answer: Answer, most: int) -> None:
    """Refuse, naming what was possible of what must not be."""
    for name, deed in (
        ("open", lambda: os.open("/etc/hostname", os.O_RDONLY)),
        ("decode another file", lambda: av.open("/etc/hostname", format="s16le")),
        ("list", lambda: [*Path("/").iterdir()]),
        ("connect", lambda: socket.socket(socket.AF_INET)),
        ("fork", os.fork),
    ):
        try:
            deed()
        except OSError:
            continue
        raise Malformed(f"it could {name}", offset=0)
    raise Malformed("it could do nothing", offset=0)


_DEEDS = {
    "crash": _crash,
    "hang": _hang,
    "eat": _eat,
    "go on": _go_on,
    "drip": _drip,
    "long": _long,
    "odd": _odd,
    "miscount": _miscount,
    "cut": _cut,
    "plan": _plan,
    "reach out": _reach_out,
}

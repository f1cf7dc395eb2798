"""What becomes of any bytes in the desk's decoder: samples, or one sentence why not. Else, a fault.

fault     another exception; samples that don't add up with what was said at the end; a sandbox
          that is gone afterwards
"""

import os
import tempfile
from functools import cache

from intake.errors import NotDecodable
from intake.listen.decode import JOB, LIMITS, Decoder
from scrub import Handle, Zygote

RATE = 5512
LONGEST_SECONDS = 600


class Fault(Exception):
    """What must not happen did."""


def outcome(recording: bytes) -> str:
    """Return what became of a recording; raise Fault, or what was let through."""
    samples = 0
    with tempfile.TemporaryFile() as file:
        file.write(recording)
        file.flush()
        try:
            with _decoder(os.getpid()).decoding(
                Handle(file.fileno()), len(recording), rate=RATE, longest_seconds=LONGEST_SECONDS
            ) as decoding:
                for block in decoding:
                    samples += len(block) // 2
                heard = decoding.heard
        except NotDecodable as refusal:
            return refusal.why
    if heard.samples != samples or samples > RATE * LONGEST_SECONDS:
        raise Fault("the samples don't add up")
    return "decoded"


@cache
def _decoder(process: int) -> Decoder:
    """Return a process's own decoder, of plain files; it ends with that process."""
    decoder = Decoder()
    decoder._zygote = Zygote.start("scrub.worker:open_plain", limits=LIMITS, own_job=JOB)
    return decoder

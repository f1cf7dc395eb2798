"""MPEG-TS and M2TS: keep the packets of sound and pictures, and the tables that name them.

    packets    188 bytes, in M2TS 192; packets.py
    tables     which streams there are, and what they are; tables.py, survey.py, rewriting.py
    fields     clocks and times, in adaptation fields and heads of PES packets; fields.py
    units      of H.264 and H.265: user data in them is blanked; units.py

A packet can't be made smaller, so what hides inside one is overwritten where it stands.
ISO/IEC 13818-1.
"""

from functools import partial

from scrub.containers.mpegts.arrivals import Arrivals
from scrub.containers.mpegts.packets import M2TS, TS, Form, blocks, synced
from scrub.containers.mpegts.survey import survey
from scrub.containers.mpegts.walk import Walk
from scrub.findings import Kind
from scrub.plan import Draft
from scrub.reading import Reader


def is_ts(reader: Reader, start: int, form: Form = TS) -> bool:
    """Say whether packets of this form follow each other here."""
    return synced(reader, start, form) is not None


def plan_ts(reader: Reader, start: int, draft: Draft, form: Form = TS) -> None:
    """Write the packets that are kept, and change in them what hides something.

    Raises Malformed when there is nothing to play, Unsupported when it is encrypted or of a codec
    we don't know.
    """
    begin = synced(reader, start, form)
    begin = start if begin is None else begin
    draft.found(Kind.TRAILING, begin > start)
    walk = Walk(survey(reader, begin, form), form, draft, begin)
    arrivals = Arrivals() if form is M2TS and draft.thorough else None
    for block in blocks(reader, begin, form):
        walk.read(block)
        if arrivals:
            arrivals.read(block)
    walk.finish(reader.size)


is_m2ts = partial(is_ts, form=M2TS)
plan_m2ts = partial(plan_ts, form=M2TS)

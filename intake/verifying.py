"""The steps of verification for a leaked recording, as verification desks take them.

What is found is kept step by step (Kind.CHECK); a step that nobody has looked at is open. None of
them is a proof. Together they are what an editor asks for before a recording is used.
"""

from collections.abc import Mapping
from typing import Final

STEPS: Final[Mapping[str, str]] = {
    "provenance": "how did the source come by it? ask, and write down what they answer",
    "first-copy": "is it the first copy? look at format, condition and what was removed",
    "duplicates": "was it, or a part of it, here (tapedrop-intake duplicates) or published before?",
    "edits": "does it run through? say where sound or background jumps, and what sounds made",
    "speakers": "who speaks? compare with recordings that are certain, and say how sure you are",
    "language": "do language, dialect and words fit? ask somebody who grew up with them",
    "place": "does what is heard fit the place: echo, announcements, machines, streets?",
    "time": "does what is heard and spoken of fit the day: events, weather, broadcasts?",
    "second-source": "does anything that is not from this source bear it out?",
    "right-of-reply": "were those whom it accuses asked, and what did they say?",
    "harm": "who comes to harm when it is heard: source, speakers, bystanders? what to bleep?",
    "legal": "have a lawyer and the editor cleared it for use?",
}
"""Each step's name, and what it asks; in the order in which they are best taken."""

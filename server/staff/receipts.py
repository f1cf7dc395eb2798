"""Keep what desks say of the envelopes they were given.

One file a desk: {"<SHA-256 of an envelope>": "stored" | "opened" | "set aside: <why>"}. A receipt
never goes back from opened; replaying an old one changes nothing.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from crypto.errors import BadBag
from server.files import replace
from server.staff.answers import Answers
from server.staff.opened import keep_opened

RECEIPTS = "data/receipts.json"

_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_State = Annotated[str, msgspec.Meta(pattern=r"\A(stored|opened|set aside: [ -~]{1,120})\Z")]


class Receipts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A desk's word on each envelope it ever imported."""

    version: Literal["tapedrop receipt 1"]
    desk: str
    envelopes: dict[_Digest, _State]


def take_receipts(answers: Answers, folder: Path) -> Counter[str]:
    """Keep the bag's receipts; return how many envelopes the desk has stored, opened, set aside.

    Raises BadBag.
    """
    if RECEIPTS not in answers.digests:
        raise BadBag("missing", name=RECEIPTS)
    try:
        said = msgspec.json.decode(answers.read(RECEIPTS), type=Receipts)
    except msgspec.DecodeError:
        raise BadBag("not a receipt that we can read", name=RECEIPTS) from None
    path = folder / f"{answers.desk.signing_key[:32]}.json"
    known = msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}
    opened = {digest for digest, state in known.items() if state == "opened"}
    merged = known | said.envelopes | dict.fromkeys(opened, "opened")
    replace(path, msgspec.json.encode(merged))
    keep_opened(
        folder,
        answers.desk,
        (bytes.fromhex(digest) for digest, state in merged.items() if state == "opened"),
    )
    return Counter(state.partition(":")[0] for state in merged.values())

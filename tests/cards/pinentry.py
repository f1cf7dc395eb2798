"""Somebody who is asked for a PIN: `pinentry.py FOLDER`, run by gpg-agent.

FOLDER/pins.json holds what they type, one after the other, and how often they were asked; null, or
nothing left, is the button that cancels.
"""

import json
import sys
from pathlib import Path

import assuan

CANCELLED = f"{5 << 24 | 99} Operation cancelled"


def main() -> None:
    path, agent = Path(sys.argv[1]) / "pins.json", assuan.by_pipe()

    def getpin(_rest: str) -> assuan.Answer:
        said = json.loads(path.read_text())
        pin = said["types"].pop(0) if said["types"] else None
        said["asked"] += 1
        path.write_text(json.dumps(said))
        if pin is None:
            return CANCELLED
        agent.data(pin.encode())
        return None

    agent.serve({"GETPIN": getpin, "CONFIRM": lambda _rest: CANCELLED})


if __name__ == "__main__":
    main()

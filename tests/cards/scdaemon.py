"""The card and its reader: `scdaemon.py FOLDER SOCKET`, run by gpg-agent.

FOLDER holds card.json: the serial, the secret scalar, the PIN, tries left, whether the card is in,
and what was done with it so far, which tests read.
"""

import json
import sys
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from threading import Lock, Thread
from typing import Any, BinaryIO, cast

import assuan
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

_SCD = 6 << 24
NOT_PRESENT = f"{_SCD | 112} card not present"
BAD_PIN = f"{_SCD | 87} bad PIN"
BLOCKED = f"{_SCD | 130} PIN blocked"
WRONG_CARD = f"{_SCD | 91} wrong card"
CANCELLED = f"{_SCD | 99} cancelled"
UNSUPPORTED = f"{_SCD | 60} not supported"


class Card:
    """The card in its reader: once it was given its PIN it stays open, until it is reset."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "card.json"
        self.lock = Lock()
        self.is_open = False

    def state(self, **changed: Any) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._path.read_text()) | changed
        if changed:
            self._path.write_text(json.dumps(state))
        return state


class Driver:
    """What one connection of gpg-agent's can have it do."""

    def __init__(self, card: Card, agent: assuan.Connection, socket: Path) -> None:
        self._card = card
        self._agent = agent
        self._socket = socket
        self._ciphertext = b""

    def serve(self) -> None:
        self._agent.serve({
            "SERIALNO": self.serialno,
            "GETATTR": self.getattr,
            "GETINFO": self.getinfo,
            "RESET": self.reset,
            "SETDATA": self.setdata,
            "PKDECRYPT": self.pkdecrypt,
        })  # fmt: skip

    def serialno(self, rest: str) -> assuan.Answer:
        state = self._card.state()
        if not state["in"]:
            self._card.is_open = False
            return NOT_PRESENT
        if rest.startswith("--demand=") and rest != f"--demand={state['serial']}":
            return WRONG_CARD
        self._agent.status(f"SERIALNO {state['serial']}")
        return None

    def getattr(self, rest: str) -> assuan.Answer:
        state = self._card.state()
        if not state["in"]:
            return NOT_PRESENT
        if rest == "CHV-STATUS":
            self._agent.status(f"CHV-STATUS +1+127+127+127+{state['tries']}+0+3")
        if rest == "SERIALNO":
            self._agent.status(f"SERIALNO {state['serial']}")
        return None

    def getinfo(self, rest: str) -> assuan.Answer:
        known = {"version": b"2.2.40", "socket_name": bytes(self._socket)}
        if rest not in known:
            return UNSUPPORTED
        self._agent.data(known[rest])
        return None

    def reset(self, _rest: str) -> assuan.Answer:
        self._card.is_open = False
        return None

    def setdata(self, rest: str) -> assuan.Answer:
        append = rest.startswith("--append")
        held = bytes.fromhex(rest.removeprefix("--append").strip())
        self._ciphertext = self._ciphertext + held if append else held
        return None

    def pkdecrypt(self, _rest: str) -> assuan.Answer:
        with self._card.lock:
            return self._decrypted()

    def _decrypted(self) -> assuan.Answer:
        state = self._card.state()
        if not state["in"]:
            return NOT_PRESENT
        if not self._card.is_open:
            refused = self._ask_for_pin(state)
            if refused:
                return refused
        self._card.state(operations=self._card.state()["operations"] + 1)
        secret = X25519PrivateKey.from_private_bytes(bytes.fromhex(state["scalar"]))
        point = X25519PublicKey.from_public_bytes(self._ciphertext[-32:])
        self._agent.data(b"\x40" + secret.exchange(point))
        return None

    def _ask_for_pin(self, state: dict[str, Any]) -> assuan.Answer:
        if not state["tries"]:
            return BLOCKED
        pin = self._agent.inquire("NEEDPIN ||Please unlock the card")
        if not pin:
            return CANCELLED
        if pin.rstrip(b"\0").decode() != state["pin"]:
            self._card.state(tries=state["tries"] - 1)
            return BAD_PIN
        self._card.state(tries=3)
        self._card.is_open = True
        return None


def main() -> None:
    folder, socket = Path(sys.argv[1]), Path(sys.argv[2])
    card = Card(folder)

    class Another(StreamRequestHandler):
        """gpg-agent opens one connection for each of its own, beside the pipe."""

        def handle(self) -> None:
            Driver(
                card, assuan.Connection(self.rfile, cast("BinaryIO", self.wfile)), socket
            ).serve()

    socket.unlink(missing_ok=True)
    with ThreadingUnixStreamServer(str(socket), Another) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        Driver(card, assuan.by_pipe(), socket).serve()
        server.shutdown()


if __name__ == "__main__":
    main()

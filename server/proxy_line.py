r"""Take tor's line off a connection: it names the circuit that the connection came by.

With `HiddenServiceExportCircuitID haproxy` tor begins every connection with one line, in the words
of the PROXY protocol, version 1. tor writes it in one way only, so one way only is read
(`export_hs_client_circuit_id` in tor's source):

    PROXY TCP6 fc00:dead:beef:4dad::HIGH:LOW ::1 LOW_AGAIN PORT\r\n

    HIGH, LOW    the circuit's number, 16 bits each, in lower-case hex without zeros in front;
                 zero is 0, never left out as IPv6 would allow
    LOW_AGAIN    the lower half once more, in decimal; it stands where a port does, and may be 0
    PORT         the onion service's own port, 1 to 65 535

Tor numbers circuits one after the other, so a number links what one source does, and tells about
when: it is held in memory while the connection lasts, and is in no log line and no error.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final

from server.errors import NotTheLine

LONGEST: Final = len(b"PROXY TCP6 fc00:dead:beef:4dad::ffff:ffff ::1 65535 65535\r\n")
_END: Final = b"\r\n"
_HEX: Final = rb"(0|[1-9a-f][0-9a-f]{0,3})"
_DECIMAL: Final = rb"(0|[1-9][0-9]{0,4})"
_LINE: Final = re.compile(
    rb"PROXY TCP6 fc00:dead:beef:4dad::" + _HEX + b":" + _HEX + rb" ::1 " + _DECIMAL + b" "
    rb"([1-9][0-9]{0,4})\r\n"
)  # fmt: skip
_HIGHEST_PORT: Final = 0xFFFF


def circuit_in(line: bytes) -> int:
    """Return the circuit, 32 bits, that tor's line names. Raises NotTheLine."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise NotTheLine
    high, low = int(match[1], 16), int(match[2], 16)
    if int(match[3]) != low or int(match[4]) > _HIGHEST_PORT:
        raise NotTheLine
    return high << 16 | low


class TakesLine(asyncio.Protocol):
    """The beginning of a connection, up to the end of tor's line; then `following` has it.

    Whatever came behind the line is handed on. What isn't the line, or takes longer than `seconds`,
    is closed without a word.
    """

    def __init__(self, following: Callable[[int], asyncio.Protocol], *, seconds: float) -> None:
        self._following = following
        self._seconds = seconds
        self._arrived = b""
        self._transport: asyncio.Transport | None = None
        self._too_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the line."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        loop = asyncio.get_running_loop()
        self._too_late = loop.call_later(self._seconds, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Look for the end of the line, no further than where it must be."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        arrived = self._arrived + data
        end = arrived.find(_END, 0, LONGEST)
        if end < 0 and len(arrived) < LONGEST:
            self._arrived = arrived
            return
        try:
            circuit = circuit_in(arrived[: end + len(_END)] if end >= 0 else b"")
        except NotTheLine:
            transport.abort()
            return
        self._stop_waiting()
        self._hand_on(transport, circuit, arrived[end + len(_END) :])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget the connection."""
        self._stop_waiting()

    def _hand_on(self, transport: asyncio.Transport, circuit: int, rest: bytes) -> None:
        following = self._following(circuit)
        transport.set_protocol(following)
        following.connection_made(transport)
        if rest:
            following.data_received(rest)

    def _stop_waiting(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
        self._arrived, self._transport, self._too_late = b"", None, None

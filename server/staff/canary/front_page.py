"""Ask for the drop's front page, as every browser does first. It leaves nothing behind."""

from typing import Final

from server.errors import CantReach
from server.staff.canary.reach import Place

_LARGEST: Final = 256 * 1024
_BLOCK: Final = 16 * 1024
_HEAD: Final = "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"
_ANSWERED: Final = b"HTTP/1.1 200 "


def front_page(place: Place, *, limit_seconds: float) -> str:
    """Return the page; `limit_seconds` is for each step of it. Raises CantReach."""
    answer = bytearray()
    with place.connect() as connection:
        connection.settimeout(limit_seconds)
        try:
            connection.sendall(_HEAD.format(place.host).encode())
            while len(answer) < _LARGEST and (block := connection.recv(_BLOCK)):
                answer += block
        except TimeoutError:
            raise CantReach("nothing came in time") from None
        except OSError as error:
            raise CantReach((error.strerror or "it broke off").lower()) from None
    if not answer.startswith(_ANSWERED):
        raise CantReach("what answers there is no drop")
    return bytes(answer).decode(errors="replace")

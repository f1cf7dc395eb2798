"""Ask for pages, one every so often, as somebody does who comes by; print how long each took.

Runs until its standard input ends, then prints one line of JSON: milliseconds, by page.
"""

import http.client
import json
import select
import sys
import time
from typing import Final
from urllib.parse import urlsplit

PAGES: Final = ("/", "/codename", "/send")
_PAUSE_SECONDS: Final = 0.05


def asked(address: str, path: str, cookie: str) -> tuple[float, str]:
    """Return the milliseconds until all of a page was here, and the visit's cookie."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        response = connection.getresponse()
        response.read()
        assert response.status == http.client.OK, response.status
        cookie = (response.headers["Set-Cookie"] or cookie).partition(";")[0]
        return (time.perf_counter() - started) * 1000, cookie
    finally:
        connection.close()


def main() -> None:
    """Begin a new visit for each round of pages."""
    address = sys.argv[1]
    took: dict[str, list[float]] = {page: [] for page in PAGES}
    while True:
        cookie = ""
        for page in PAGES:
            milliseconds, cookie = asked(address, page, cookie)
            took[page].append(round(milliseconds, 2))
            if select.select([sys.stdin], [], [], _PAUSE_SECONDS)[0]:
                print(json.dumps(took), flush=True)
                return


if __name__ == "__main__":
    main()

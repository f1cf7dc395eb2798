"""Speak Marionette, the protocol by which Firefox can be driven without anything in between.

    message    length in decimal, ":", then JSON in UTF-8
    command    [0, id, name, parameters]
    answer     [1, id, error or null, result]

After connecting Firefox says one object that isn't a message. Command names are WebDriver's
(W3C), and Marionette's own; Firefox: remote/marionette/driver.sys.mjs.
"""

import itertools
import json
import socket
from typing import Any, Final

ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which WebDriver names an element."""


class Refused(Exception):
    """Firefox answered a command with an error; `kind` is WebDriver's name for it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class Marionette:
    """A connection to one Firefox, with a session."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._answers = self._socket.makefile("rb")
        self._ids = itertools.count(1)
        self._receive()
        self.command("WebDriver:NewSession")

    def command(self, name: str, **parameters: Any) -> Any:
        """Return the result of one command. Raises Refused."""
        sent = json.dumps([0, next(self._ids), name, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(sent), sent))
        _, _, error, result = self._receive()
        if error is not None:
            raise Refused(error["error"], error["message"])
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def find(self, path: str) -> str:
        """Return the first element that an XPath finds."""
        found = self.command("WebDriver:FindElement", using="xpath", value=path)
        return str(found[ELEMENT])

    def ask(self, function: str, *given: object) -> Any:
        """Return what a JavaScript function answers, in the page or wherever the context is.

        Raises Refused when the page went away meanwhile: Firefox then answers with nothing.
        """
        script = f"return [({function})(...arguments)]"
        answered = self.command("WebDriver:ExecuteScript", script=script, args=list(given))
        if answered is None:
            raise Refused("no such window", "the page went away")
        return answered[0]

    def ask_browser(self, function: str, *given: object) -> Any:
        """Return what a function answers that runs with the browser's own rights, not a page's."""
        self.command("Marionette:SetContext", value="chrome")
        try:
            return self.ask(function, *given)
        finally:
            self.command("Marionette:SetContext", value="content")

    def close(self) -> None:
        """End the connection."""
        self._answers.close()
        self._socket.close()

    def _receive(self) -> Any:
        length = b""
        while (digit := self._answers.read(1)) != b":":
            if not digit:
                raise ConnectionError("Firefox is gone")
            length += digit
        return json.loads(self._answers.read(int(length)))

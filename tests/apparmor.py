"""What an AppArmor profile allows, read as apparmor.d(5) says: files only.

This kernel may have no AppArmor to ask. `apparmor_parser -p` puts the included files in; here the
globs become regular expressions, and a path is judged as the kernel would judge it. `deny` wins.
"""

import re
import subprocess
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Final

_VARIABLE: Final = re.compile(r"^(@\{\w+\})\s*\+?=\s*(.+)$")
_NAME: Final = re.compile(r"^profile ([\w-]+)")
_RULE: Final = re.compile(
    r"^(?P<deny>deny )?(?:owner )?(?P<glob>/\S+|@\{\w+\}\S*) (?P<access>[a-zA-Z]+)"
    r"(?: -> (?P<to>\S+))?,$"
)
_USED: Final = re.compile(r"@\{\w+\}")
_PIECES: Final = re.compile(r"\*\*|\*|\?|\[[^\]]+\]|[{},]|[^*?\[{},]+")
_MEANING: Final = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"}


@dataclass
class Profile:
    """One profile's rules about files: pattern and letters."""

    allowed: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    denied: list[tuple[re.Pattern[str], str]] = field(default_factory=list)

    def allows(self, path: str, access: str) -> bool:
        """Say whether every letter of `access` is allowed for `path`, and none denied."""
        return not self._missing(path, access)

    def logs(self, path: str, access: str) -> bool:
        """Say whether it is refused by no `deny`: the kernel writes that down, with the time."""
        return bool(self._missing(path, access) - _said_of(path, self.denied))

    def _missing(self, path: str, access: str) -> set[str]:
        return set(access) - (_said_of(path, self.allowed) - _said_of(path, self.denied))


def _said_of(path: str, rules: list[tuple[re.Pattern[str], str]]) -> set[str]:
    """Return every letter that rules have for a path."""
    return {letter for glob, letters in rules if glob.fullmatch(path) for letter in letters}


def profiles_in(file: Path) -> dict[str, Profile]:
    """Return the profiles of a file by name."""
    command = ["apparmor_parser", "-p", str(file)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    variables: dict[str, list[str]] = {}
    found: dict[str, Profile] = {}
    current = Profile()
    for line in (" ".join(each.split()) for each in text.splitlines()):
        if variable := _VARIABLE.match(line):
            values = [value.strip('"') for value in variable[2].split()]
            variables.setdefault(variable[1], []).extend(values)
        elif name := _NAME.match(line):
            current = found.setdefault(name[1], Profile())
        elif rule := _RULE.match(line):
            rules = current.denied if rule["deny"] else current.allowed
            rules += [
                (re.compile(_expression(glob)), rule["access"])
                for glob in _filled(rule["glob"], variables)
            ]
    return found


def _filled(glob: str, variables: dict[str, list[str]]) -> list[str]:
    """Return the glob with every value of its variables; double slashes are one."""
    names = list(dict.fromkeys(_USED.findall(glob)))
    filled = []
    for values in product(*(variables[name] for name in names)):
        one = glob
        for name, value in zip(names, values, strict=True):
            one = one.replace(name, value)
        filled += _filled(one, variables) if _USED.search(one) else [re.sub("/+", "/", one)]
    return filled


def _expression(glob: str) -> str:
    depth, expression = 0, ""
    for piece in _PIECES.findall(glob):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if piece == ",":
            expression += "|" if depth else ","
        else:
            expression += piece if piece.startswith("[") else _MEANING.get(piece, re.escape(piece))
    return expression

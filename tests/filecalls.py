"""What a tree of processes did to files, from what strace wrote down (`-f -y`, strace(1)).

Each process has the name of a confinement: the first program's, and gpg's own from its exec on.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

CALLS: Final = (
    "open,openat,execve,mkdir,rmdir,unlink,unlinkat,rename,renameat2,linkat,flock,"
    "clone,clone3,fork,vfork"
)
STRACE: Final = (
    *("strace", "--seccomp-bpf", "-D", "-f", "-qq", "-y", "-s", "4096"),
    *("-e", f"trace={CALLS}", "-o"),
)
"""What to put before a command, with the file to write to. `-D`: the command stays our child."""

_LINE: Final = re.compile(r"^(\d+) +(.*)$")
_CALL: Final = re.compile(r"^(\w+)\((.*)\) += (\d+)(?:<(.*?)>)?(?:\(deleted\))?(?: .*)?$")
_GONE_ON: Final = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_UNFINISHED: Final = " <unfinished ...>"
_PATH: Final = re.compile(r'(?:(?:\w+|-?\d+)<([^>]*)>, )?"([^"]*)"')
_HELD: Final = re.compile(r"^\d+<([^>]*)>")
_ACCESS: Final = {
    "mkdir": ("w",),
    "rmdir": ("w",),
    "unlink": ("w",),
    "unlinkat": ("w",),
    "rename": ("rw", "w"),
    "renameat2": ("rw", "w"),
    "linkat": ("", "wl"),  # from what has no name
}
"""What each call needs, of each path that it names."""


class Touched(NamedTuple):
    """A file that was touched: by whom, which, and how, in AppArmor's letters."""

    by: str
    path: str
    access: str


def touched(trace: Path, first: str, others: dict[str, str]) -> Iterator[Touched]:
    """Yield what was touched; `others` are the names that programs have by their paths."""
    names: dict[str, str] = {}
    for process, call, words, result, opened in _calls(trace.read_text(errors="replace")):
        name = names.setdefault(process, first)
        if call in ("clone", "clone3", "fork", "vfork"):
            names[result] = name
        elif call == "execve":
            program = _PATH.findall(words)[0][1]
            yield Touched(name, program, "x")
            names[process] = others.get(program, name)
        elif call in ("open", "openat"):
            yield Touched(name, _as_folder(opened), _how(words))
        elif call == "flock" and (held := _HELD.match(words)):
            # The kernel asks for writing, too, where nobody else may hold it.
            yield Touched(name, _as_folder(held[1]), "wk" if "LOCK_EX" in words else "k")
        elif call in _ACCESS:
            for path, access in zip(_paths(words), _ACCESS[call], strict=False):
                if access:
                    yield Touched(name, path, access)


def _calls(text: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield process, call, arguments, result and what it stands for, of each that succeeded."""
    begun: dict[str, str] = {}
    for line in filter(None, map(_LINE.match, text.splitlines())):
        process, said = line[1], line[2]
        if said.endswith(_UNFINISHED):
            begun[process] = said.removesuffix(_UNFINISHED)
            continue
        if rest := _GONE_ON.match(said):
            said = begun.pop(process, "") + rest[1]
        if call := _CALL.match(said):
            yield process, call[1], call[2], call[3], call[4] or ""


def _as_folder(path: str) -> str:
    """Return it as AppArmor names it: a folder ends in a slash."""
    return f"{path}/" if Path(path).is_dir() else path


def _how(words: str) -> str:
    if "O_RDWR" in words:
        return "rw"
    return "w" if "O_WRONLY" in words else "r"


def _paths(words: str) -> Sequence[str]:
    return [str(Path(folder, name)) for folder, name in _PATH.findall(words)]

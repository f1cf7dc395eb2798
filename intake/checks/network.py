"""An offline machine reaches nobody, and nobody reaches it.

/proc/net/route, ipv6_route    where the kernel would send what is sent (proc_pid_net(5))
/sys/class/net/<name>/flags    bit 0: the interface is up; …/type 772: it is lo
/sys/class/rfkill/<name>/      radios: their type, and whether they are off (soft, hard)
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from intake.checks import Answer, Answers, Machine, fail, look, ok

_UP: Final = 0x1
_LOOPBACK: Final = "772"
_NOBODY: Final = "lo"
_TODO: Final = "unplug the cable; then rfkill block all, or switch it off in the machine's setup"


def network(machine: Machine) -> Answers:
    """What is opened here must have no way out."""
    answers = [*_routes(machine), *_interfaces(machine), *_radios(machine)]
    yield from answers
    if not answers:
        yield ok("no network: nothing but lo is up")


def _routes(machine: Machine) -> Iterator[Answer]:
    # The head of the first has a name too; in the second, the name comes last.
    through = {line.split()[0] for line in machine.said("proc/net/route").splitlines()[1:] if line}
    through |= {
        line.split()[-1] for line in machine.said("proc/net/ipv6_route").splitlines() if line
    }
    if leading := sorted(through - {_NOBODY}):
        yield fail(f"there is a route to other machines, through {', '.join(leading)}", _TODO)


def _interfaces(machine: Machine) -> Iterator[Answer]:
    up: list[str] = []
    down: list[str] = []
    for interface in machine.below("sys/class/net"):
        if _said(interface, "type") == _LOOPBACK or not (interface / "flags").exists():
            continue
        (up if _number(_said(interface, "flags")) & _UP else down).append(interface.name)
    if up:
        yield fail(f"a network interface is up: {', '.join(up)}", _TODO)
    # What a virtual machine or a driver brings along has no device, and can't send by itself.
    real = [name for name in down if (machine.root / "sys/class/net" / name / "device").exists()]
    if real:
        todo = "take it out, or switch it off in the machine's setup, so that nobody turns it on"
        yield look(f"there is a network card, though it is down: {', '.join(real)}", todo)


def _radios(machine: Machine) -> Iterator[Answer]:
    sending = sorted(
        {
            _said(radio, "type") or radio.name
            for radio in machine.below("sys/class/rfkill")
            if _said(radio, "soft") == "0" and _said(radio, "hard") == "0"
        }
    )
    if sending:
        todo = "rfkill block all; better, take the card out"
        yield look(f"a radio is on: {', '.join(sending)}", todo)


def _said(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text(errors="replace").strip()
    except OSError:
        return ""


def _number(said: str) -> int:
    try:
        return int(said, 0)
    except ValueError:
        return 0

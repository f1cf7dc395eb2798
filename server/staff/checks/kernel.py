"""The kernel beneath a drop: it says nothing of a program that ends badly, and wipes what is freed.

/proc/sys/…            what can be set while it runs (sysctl(8))
/proc/cmdline          what it was started with; of a word that comes twice, the last counts
/boot/config-RELEASE   what it was built with, which holds where it was told nothing else
"""

import os
from collections.abc import Mapping
from typing import Final

from server.staff.checks import Answers, Ground, look, ok

_QUIET: Final[Mapping[str, str]] = {
    "debug.exception-trace": "a parser that a recording brings down is logged, with the second",
    "kernel.print-fatal-signals": "a program that is killed is logged, with what it held",
    "fs.suid_dumpable": "programs that may not be dumped are dumped",
}
"""What must be 0, and what it does where it isn't."""
_WIPES: Final = "init_on_free"
_ON: Final = {"1", "on", "y", "Y"}


def kernel(ground: Ground) -> Answers:
    """The kernel logs nothing of what crashes, and wipes memory that is given back."""
    answered = False
    for name, does in _QUIET.items():
        said = ground.said(f"proc/sys/{name.replace('.', '/')}").strip()
        if said in {"0", ""}:  # nothing: this kernel was built without it
            continue
        answered = True
        todo = f"sysctl {name}=0, and a file in /etc/sysctl.d that says so"
        yield look(f"{name} is {said}: {does}", todo)
    if not _wipes(ground):
        answered = True
        todo = f"start it with {_WIPES}=1 (/etc/default/grub.d, update-grub); and restart"
        yield look("memory is not seen to be wiped when a program gives it back", todo)
    if not answered:
        yield ok("it logs nothing of what crashes, and wipes what is freed")


def _wipes(ground: Ground) -> bool:
    told = ""
    for word in ground.said("proc/cmdline").split():
        name, _, value = word.partition("=")
        if name == _WIPES:
            told = value
    if told:
        return told in _ON
    built = ground.said(f"boot/config-{os.uname().release}")
    return "CONFIG_INIT_ON_FREE_DEFAULT_ON=y" in built.splitlines()

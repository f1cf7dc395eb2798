"""tapedrop-scrub: write recordings anew with nothing left in them but their sound.

command     the words it understands, and what it does with each recording
tasks       which recordings, and where each one's clean copy goes
output      write the copy while it is being proved, and name it only then
report      what a person or a program is told
refusals    error type → what to try, and how to exit
"""

import signal
import sys

from scrub.sandbox import Zygote

PROGRAM = "tapedrop-scrub"


def main() -> None:
    """Run the command; every failure is one error line, one hint, one exit code."""
    for stop in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: half a copy is never left behind
        if signal.getsignal(stop) is signal.SIG_DFL:  # not with nohup
            signal.signal(stop, signal.default_int_handler)
    # The sandbox takes longest to start, so it begins before anything else is even loaded.
    zygote = None if {"-h", "--help"} & set(sys.argv[1:]) or not sys.argv[1:] else Zygote.starting()
    try:
        from scrub.cli.command import run

        sys.exit(run(zygote))
    finally:
        if zygote is not None:
            zygote.close()

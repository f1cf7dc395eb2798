"""Leave no core dump: it would hold what was being received, or a codename's keys."""

import ctypes
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def leave_no_core() -> None:
    """Allow none of this process, to anybody; exec makes it dumpable again, so children call it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A core_pattern that is a pipe ignores the limit.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

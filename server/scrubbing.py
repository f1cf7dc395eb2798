"""Have a held recording scrubbed in the sandbox, a few at once.

Values are asked for only where the newsroom's policy is to keep them.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from scrub import Cleaned, Handle, ScrubError, Value, Zygote, clean, look
from server.config import Findings
from server.spool import Held, Notebook
from server.threads import in_thread

OPENER = "server.spool:open_spool"


class Scrubber:
    """The sandbox's zygote, and the threads that wait for its workers."""

    def __init__(
        self, *, at_once: int, unfenced: bool = False, findings: Findings = Findings.KINDS
    ) -> None:
        self._findings = findings
        self._zygote = Zygote.start(OPENER, unfenced=unfenced)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="scrub")

    async def clean(self, held: Held, notebook: Notebook) -> Cleaned:
        """Return the proved cut list of a finished recording. Raises ScrubError, SpoolFailed."""
        handle = Handle(held.descriptor(), held.key)
        return await in_thread(
            clean, self._zygote, handle, held.size, notebook, executor=self._threads
        )

    async def values(self, held: Held) -> tuple[Value, ...] | None:
        """Return what a recording that can be cleaned hides, if that is to be kept.

        They are good to have, and no reason to refuse a recording that is proved clean: None says
        that they could not be read.
        """
        if self._findings is Findings.KINDS:
            return ()
        handle = Handle(held.descriptor(), held.key)
        asked = partial(look, self._zygote, handle, held.size, values=True)
        try:
            return (await in_thread(asked, executor=self._threads)).values
        except ScrubError:
            return None

    def end(self) -> None:
        """End the zygote and every worker; what is asked for from now on is refused."""
        self._zygote.close()

    def close(self) -> None:
        """End it, and the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._zygote.close()

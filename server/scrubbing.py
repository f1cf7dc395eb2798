"""Have a held recording scrubbed in the sandbox, a few at once."""

from concurrent.futures import ThreadPoolExecutor

from scrub import Cleaned, Handle, Zygote, clean
from server.spool import Held, Notebook
from server.threads import in_thread

OPENER = "server.spool:open_spool"


class Scrubber:
    """The sandbox's zygote, and the threads that wait for its workers."""

    def __init__(self, *, at_once: int, unfenced: bool = False) -> None:
        self._zygote = Zygote.start(OPENER, unfenced=unfenced)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="scrub")

    async def clean(self, held: Held, notebook: Notebook) -> Cleaned:
        """Return the proved cut list of a finished recording. Raises ScrubError, SpoolFailed."""
        handle = Handle(held.descriptor(), held.key)
        return await in_thread(
            clean, self._zygote, handle, held.size, notebook, executor=self._threads
        )

    def close(self) -> None:
        """End the zygote and every worker."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._zygote.close()

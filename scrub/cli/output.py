"""Write a clean copy while it is being proved, and give it its name only when it is proved.

It has no name until then (O_TMPFILE, then a link), so whatever happens leaves nothing behind. A
stick that knows neither gets its copy afterwards, under its name: all of it or nothing.
"""

import errno
import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Self

from scrub.cli.refusals import REFUSED, Refusal, exists
from scrub.findings import printable
from scrub.plan import CutList, Span

BIG_SPAN: Final = 1 << 18  # from here on the kernel copies
STEP: Final = 1 << 25  # as much at once, so that progress is seen and a withdrawn plan is left
BUFFER: Final = 1 << 20
_NO_NAMELESS: Final = {errno.EOPNOTSUPP, errno.EISDIR}


class Output:
    """The copy of one recording, in the folder it is for."""

    def __init__(self, recording: BinaryIO, folder: Path) -> None:
        self.written = 0
        self._recording = recording
        self._before = _state(recording)
        self._nameless = _nameless(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._nameless is not None:
            with suppress(OSError):  # a full disk, once more
                self._nameless.close()

    @property
    def meanwhile(self) -> Callable[[CutList], None] | None:
        """What can be done before the cut list is proved: all of it, or nothing at all."""
        return None if self._nameless is None else self._write_nameless

    def name(self, cuts: CutList, output: Path) -> None:
        """Give the copy its name, now that `cuts` are proved.

        Refuses when it is taken, and when somebody wrote to the recording: what was proved may
        not be what was copied.
        """
        try:
            if self._nameless is None:
                self._write_named(cuts, output)
            else:
                self._require_unchanged()
                _link(self._nameless, output)
        except FileExistsError:  # what was linked has no name to tell
            raise exists(output) from None

    def _write_nameless(self, cuts: CutList) -> None:
        assert self._nameless is not None
        if self.written:  # else ext4 would write a file that was cut to nothing when it is closed
            self._nameless.seek(0)
            self._nameless.truncate()
        self._write(cuts, self._nameless)

    def _write_named(self, cuts: CutList, output: Path) -> None:
        fd = os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(fd, "wb", buffering=BUFFER) as named:
            try:
                self._write(cuts, named)
                self._require_unchanged()
            except BaseException:
                output.unlink()
                raise

    def _refusal(self, what: str) -> Refusal:
        return Refusal(f"{printable(str(self._recording.name))} {what}", "try once more", REFUSED)

    def _require_unchanged(self) -> None:
        if _state(self._recording) != self._before:
            raise self._refusal("changed meanwhile")

    def _write(self, cuts: CutList, out: BinaryIO) -> None:
        # As with cp, the kernel decides when it reaches the disk.
        self.written = 0
        for cut in cuts:
            if isinstance(cut, Span):
                self._copy(cut, cuts, out)
            else:
                self.written += out.write(cut.data)
        out.flush()

    def _copy(self, span: Span, cuts: CutList, out: BinaryIO) -> None:
        fd, at = self._recording.fileno(), span.start
        while at < span.end:
            length = span.end - at
            copied = 0
            if length >= BIG_SPAN:
                cuts.require()
                out.flush()
                copied = _copied_by_the_kernel(fd, at, min(length, STEP), out.fileno())
            if not copied:
                copied = out.write(os.pread(fd, min(length, BIG_SPAN), at))
            if not copied:
                raise self._refusal("became shorter meanwhile")
            at += copied
            self.written += copied


def _state(recording: BinaryIO) -> tuple[int, int, int]:
    """Return what differs once it was written to; copying tools set mtime back, but not ctime."""
    now = os.fstat(recording.fileno())
    return now.st_size, now.st_mtime_ns, now.st_ctime_ns


def notebook(folder: Path) -> BinaryIO:
    """Return where a cut list can rest: a file without a name, or memory where there is none."""
    return _nameless(folder) or io.BytesIO()


def _nameless(folder: Path) -> BinaryIO | None:
    """Return a file without a name in this folder, or nothing where the file system has none."""
    try:
        fd = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError as error:
        if error.errno in _NO_NAMELESS:
            return None
        raise
    return os.fdopen(fd, "w+b", buffering=BUFFER)


def _link(nameless: BinaryIO, output: Path) -> None:
    descriptors = os.open("/proc/self/fd", os.O_RDONLY)
    try:  # with a folder's descriptor it is linkat(), which follows to the file itself
        os.link(str(nameless.fileno()), output, src_dir_fd=descriptors)
    finally:
        os.close(descriptors)


def _copied_by_the_kernel(fd: int, start: int, length: int, out_fd: int) -> int:
    try:
        return os.copy_file_range(fd, out_fd, length, offset_src=start)
    except OSError:  # not between these file systems; what else is wrong, a plain copy will say
        return 0

"""Which recordings are meant, and where the clean copy of each goes.

    FILE             beside it: interview.m4a → interview.clean.m4a
    FILE -o OUT      OUT, or in the folder OUT under the same name
    FILE -o OUT/     in the folder OUT, made if missing
    -r FOLDER        every file in it but links, and but what an earlier run has cleaned
    -o OUT, several  into the folder OUT, made if missing, in the same folders as before

The ending is that of the format, whatever the recording was called.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scrub.cli.refusals import USAGE, Refusal, exists
from scrub.findings import printable

CLEAN = ".clean"


class Task(NamedTuple):
    """One recording, and its copy's folder and name: whole, or without the ending."""

    recording: Path
    folder: Path
    name: str
    whole: bool = False

    def output(self, extension: str) -> Path:
        """Return the copy's path."""
        return self.folder / (self.name if self.whole else f"{self.name}.{extension}")

    def expected(self) -> Path:
        """Return the copy's path as far as the recording's own name tells."""
        return self.output(self.recording.suffix[1:].lower())


def tasks(
    recordings: Sequence[Path], given_output: str | None, *, recursive: bool
) -> Iterator[Task | Refusal]:
    """Yield what there is to do, in order, and in between what can't be done.

    The output is a text, because a Path forgets the slash at its end. Asks os.path, not pathlib,
    which raises where a folder may not be looked into.
    """
    several = recursive or len(recordings) > 1
    output = None if given_output is None else Path(given_output)
    if output is not None and not several and not os.path.isdir(output):  # noqa: PTH112
        if os.path.lexists(output):
            yield exists(output)
            return
        if not str(given_output).endswith(os.sep):
            yield Task(recordings[0], output.parent, output.name, whole=True)
            return
    for given in recordings:
        if not os.path.isdir(given):  # noqa: PTH112
            yield _task(given, given.parent, output)
        elif recursive:
            for path in _walked(given, output):
                yield path if isinstance(path, Refusal) else _task(path, given, output)
        else:
            hint = "-r cleans what is in a folder"
            yield Refusal(f"{printable(str(given))} is a folder", hint, USAGE)


def _task(recording: Path, top: Path, output: Path | None) -> Task:
    if output is None:
        return Task(recording, recording.parent, recording.stem + CLEAN)
    return Task(recording, output / recording.parent.relative_to(top), recording.stem)


def _walked(top: Path, output: Path | None) -> Iterator[Path | Refusal]:
    """Yield the files below a folder; links are not followed, and OUT is not walked."""
    out = os.path.realpath(output) if output is not None else None
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                inside = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            why = (error.strerror or "it can't be read").lower()
            yield Refusal(f"{printable(str(folder))}: {why}", "may you look into it?", USAGE)
            continue
        below = [Path(each) for each in inside if each.is_dir(follow_symlinks=False)]
        folders += reversed([each for each in below if os.path.realpath(each) != out])
        for entry in inside:
            path = Path(entry)
            if entry.is_file(follow_symlinks=False) and not path.stem.endswith(CLEAN):
                yield path

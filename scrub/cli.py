"""tapedrop-scrub: write a recording anew with nothing left in it but its sound."""

import errno
import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import click

from scrub.clean import Cleaned, Handle, clean
from scrub.errors import (
    Empty,
    Malformed,
    NotARecording,
    SandboxUnavailable,
    ScrubError,
    TooComplex,
    Unproved,
    Unsupported,
    WorkerFailed,
)
from scrub.findings import Kind
from scrub.plan import Cut, Span
from scrub.sandbox import Zygote

PROGRAM = "tapedrop-scrub"
USAGE, REFUSED, UNFIT = 2, 3, 5

# Error type → what to try, and how to exit.
EDGE: dict[type[ScrubError], tuple[str, int]] = {
    Empty: ("check that the copy from the phone or card was complete", REFUSED),
    NotARecording: ("WAV, MP3, FLAC, Ogg and MP4 sound can be cleaned", REFUSED),
    Unsupported: ("take the sound out of it, or send it as WAV", REFUSED),
    Malformed: (
        "it may have been cut off; try the original, or save it as WAV",
        REFUSED,
    ),
    TooComplex: ("open it in an editor and save it as WAV", REFUSED),
    Unproved: ("open it in an editor and save it as WAV", REFUSED),
    WorkerFailed: ("try once more; if it fails again, save it as WAV", REFUSED),
    SandboxUnavailable: (
        "use Linux 5.13 or later, with Landlock enabled",
        UNFIT,
    ),
}

EPILOG = """\b
Exit: 0 clean, also when the report names what remains; 2 usage, or OUT exists;
3 it cannot be cleaned, and there is no OUT; 5 this machine has no sandbox.

\b
Example:
  $ tapedrop-scrub interview.wav -o clean.wav
  clean.wav: WAV, 176444 bytes
  removed: location (1), device (1), tag_block (2)
  remains: nothing we can see
"""

BIG_SPAN = 1 << 18  # from here on the kernel copies


class _Refusal(click.ClickException):
    def __init__(self, message: str, hint: str, code: int) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recording", metavar="IN", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="OUT", required=True, type=click.Path(path_type=Path),
    help="Where the clean recording goes; never overwritten.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.option("--unfenced", is_flag=True, help="Go on where the kernel has no sandbox. Dangerous.")
def command(recording: Path, output: Path, *, as_json: bool, unfenced: bool) -> None:
    """Write IN to OUT with nothing but its sound, which stays bit for bit.

    What the file says about its maker (places, names, devices, times, pictures, and whatever
    else is no sound) is left out, and a second look proves it. Kinds are reported, never values.
    """
    if unfenced:
        _say("warning", "no sandbox: a hostile recording could take over this account")
    if os.path.lexists(output):
        raise _exists(output)
    try:
        with recording.open("rb") as opened:
            cleaned = _cleaned(opened, recording, unfenced=unfenced)
            _write(cleaned, opened, output)
    except FileExistsError:  # meanwhile: what was linked has no name to tell
        raise _exists(output) from None
    except OSError as error:
        place = error.filename or recording
        raise _Refusal(f"{place}: {error.strerror}", "check the path", USAGE) from None
    _report(cleaned, output, as_json=as_json)


def _exists(output: Path) -> _Refusal:
    return _Refusal(f"{output} exists", "choose another name; nothing is overwritten", USAGE)


def _cleaned(opened: BinaryIO, recording: Path, *, unfenced: bool) -> Cleaned:
    size = os.fstat(opened.fileno()).st_size
    try:
        with Zygote.start(unfenced=unfenced) as zygote:
            return clean(zygote, Handle(opened.fileno()), size, io.BytesIO())
    except ScrubError as error:
        hint, code = EDGE[type(error)]
        raise _Refusal(f"{recording} cannot be cleaned: {error}", hint, code) from None


def _write(cleaned: Cleaned, recording: BinaryIO, output: Path) -> None:
    """Give the result its name only when it is whole: a file without one, then a link."""
    try:
        fd = os.open(output.parent, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
            raise
        _write_named(cleaned, recording, output)
        return
    with os.fdopen(fd, "wb", buffering=1 << 20) as unnamed:
        _render(cleaned, recording, unnamed)
        descriptors = os.open("/proc/self/fd", os.O_RDONLY)
        try:  # with a folder's descriptor it is linkat(), which follows to the file itself
            os.link(str(fd), output, src_dir_fd=descriptors)
        finally:
            os.close(descriptors)


def _write_named(cleaned: Cleaned, recording: BinaryIO, output: Path) -> None:
    """Write to a stick that knows neither nameless files nor links: all of it or nothing."""
    with output.open("xb", buffering=1 << 20) as named:
        try:
            _render(cleaned, recording, named)
        except BaseException:
            output.unlink()
            raise


def _render(cleaned: Cleaned, recording: BinaryIO, out: BinaryIO) -> None:
    for cut in cleaned.cuts:
        _copy(cut, recording, out)
    out.flush()
    os.fsync(out.fileno())


def _copy(cut: Cut, recording: BinaryIO, out: BinaryIO) -> None:
    if not isinstance(cut, Span):
        out.write(cut.data)
        return
    start, left = cut.start, cut.end - cut.start
    if left >= BIG_SPAN:
        out.flush()
    while left:
        copied = 0
        if left >= BIG_SPAN:
            copied = _copied_by_the_kernel(recording, start, left, out)
        if not copied:
            piece = os.pread(recording.fileno(), min(left, BIG_SPAN), start)
            copied = out.write(piece)
            out.flush() if left >= BIG_SPAN else None
        if not copied:
            raise _Refusal("the recording became shorter", "try once more", REFUSED)
        start, left = start + copied, left - copied


def _copied_by_the_kernel(recording: BinaryIO, start: int, length: int, out: BinaryIO) -> int:
    try:
        return os.copy_file_range(recording.fileno(), out.fileno(), length, offset_src=start)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            return 0  # not between these file systems
        raise


def _report(cleaned: Cleaned, output: Path, *, as_json: bool) -> None:
    findings = cleaned.findings
    if as_json:
        report = {
            "output": str(output),
            "format": cleaned.format.name,
            "size": cleaned.cuts.size,
            "removed": {kind.value: times for kind, times in findings.removed.items()},
            "remains": {kind.value: times for kind, times in findings.remains.items()},
        }
        click.echo(json.dumps(report))
        return
    click.echo(f"{output}: {cleaned.format.name}, {cleaned.cuts.size} bytes")
    click.echo(f"removed: {_listed(findings.removed) or 'nothing; there was nothing'}")
    click.echo(f"remains: {_listed(findings.remains) or 'nothing we can see'}")


def _listed(found: Mapping[Kind, int]) -> str:
    return ", ".join(f"{kind.value} ({times})" for kind, times in found.items())


def _say(level: str, sentence: str) -> None:
    click.echo(f"{PROGRAM}: {level}: {sentence}", err=True)


def main() -> None:
    """Run the command; every failure is one error line, one hint, one exit code."""
    try:
        command.main(prog_name=PROGRAM, standalone_mode=False)
    except _Refusal as refusal:
        _say("error", refusal.message)
        _say("hint", refusal.hint)
        sys.exit(refusal.code)
    except click.ClickException as error:
        message = error.format_message().rstrip(".")
        _say("error", message[:1].lower() + message[1:])
        _say("hint", f"{PROGRAM} --help shows how")
        sys.exit(USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)

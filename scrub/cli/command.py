"""The words that tapedrop-scrub understands, and what it does with each recording."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click

from scrub.clean import Handle, clean, look
from scrub.cli import PROGRAM
from scrub.cli.output import Output, notebook
from scrub.cli.refusals import DONE, UNFIT, USAGE, Refusal, exists, overall, refusal
from scrub.cli.report import Progress, complain, facts, line, say, table
from scrub.cli.tasks import Task, tasks
from scrub.errors import ScrubError
from scrub.findings import printable
from scrub.sandbox import Zygote

INTERRUPTED = 130

EPILOG = """\b
Where the clean copy goes:
  interview.m4a           interview.clean.m4a, in the same folder
  interview.m4a -o OUT    OUT, or into OUT where that is a folder
  interview.m4a -o OUT/   into the folder OUT, made if missing
  several, or -r, -o OUT  into the folder OUT, made if missing, as they lay
Its ending is that of the format. The rest of its name is the recording's own:
choose one that says nothing about anybody.

\b
What it tells of each recording:
  removed    kinds of what was left out, and how often each was found
  remains    what is seen in the coded sound or picture, and can't be taken out
Voices, background, words, and traces of the microphone are never taken out.
docs/what-remains.md lists what stays, docs/formats.md what each format keeps.

\b
Exit:
  0  clean, also when the report names what remains
  1  several recordings, and not all of them became clean
  2  wrong use; also when the copy's name is taken
  3  refused: it cannot be cleaned, and there is no copy
  5  this machine has no sandbox to read hostile files in

\b
Example:
  $ tapedrop-scrub --show interview.wav
  interview.wav: WAV
    removed  location       1
             person         1
             block of tags  2
    remains  nothing we can see
\b
  $ tapedrop-scrub interview.wav -o clean.wav
"""


class _Usage(click.Command):
    """Help that begins with every way to call it."""

    def format_usage(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(PROGRAM, "[-o OUT] [--json] FILE…")
        formatter.write_usage(PROGRAM, "-r [-o FOLDER] [--json] FOLDER…", prefix=" " * 7)
        formatter.write_usage(PROGRAM, "--show [--values] [-r] [--json] FILE…", prefix=" " * 7)


@click.command(cls=_Usage, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument(
    "recordings", metavar="FILE…", nargs=-1, required=True,
    type=click.Path(readable=False, path_type=Path),  # one that can't be read stops no other
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="OUT", type=click.Path(path_type=str),
    help="Where the clean copy goes; nothing is ever overwritten.",
)  # fmt: skip
@click.option(
    "-r",
    "--recursive",
    is_flag=True,
    help="Clean all that is in a folder but links and what is called .clean.",
)
@click.option("--show", is_flag=True, help="Only tell what a file hides; write nothing.")
@click.option(
    "--values", is_flag=True,
    help="With --show: tell the values too. For files of your own: they go to the terminal.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Report as JSON, a line for each file.")
@click.option("--unfenced", is_flag=True, help="Go on where the kernel has no sandbox. Dangerous.")
@click.pass_obj
def command(
    zygote: Zygote | None,
    recordings: tuple[Path, ...],
    output: str | None,
    *,
    recursive: bool,
    show: bool,
    values: bool,
    as_json: bool,
    unfenced: bool,
) -> int:
    """Write recordings anew with nothing in them but their sound and picture.

    These stay bit for bit. What a file says about its maker (places, names, devices, times,
    thumbnails, and whatever else is no sound or picture) is left out of a copy, and a second look
    proves it; the file itself is not touched. Files are only ever read in a sandbox.
    """
    if values and not show:
        raise click.UsageError("--values goes with --show")
    if show and output is not None:
        raise click.UsageError("--show writes nothing, so it takes no -o")
    if unfenced:
        say("warning", "no sandbox: a hostile recording could take over this account")
    if unfenced or zygote is None:
        zygote = Zygote.starting(unfenced=unfenced)
    with zygote as hiring:
        work = partial(_show, hiring, values=values) if show else partial(_clean, hiring)
        found = tasks(recordings, output, recursive=recursive)
        return _each(found, work, as_json=as_json)


def _each(found: Iterable[Task | Refusal], work: Callable[..., None], *, as_json: bool) -> int:
    """Do what there is to do; return the exit code. What one recording fails of stops no other."""
    codes: Counter[int] = Counter()
    hints: set[str] = set()
    for task in found:
        try:
            if isinstance(task, Refusal):
                raise task
            work(task, as_json=as_json)
            codes[DONE] += 1
        except Refusal as refused:
            complain(refused, hinted=refused.hint in hints)
            hints.add(refused.hint)
            if as_json:
                recording = None if isinstance(task, Refusal) else str(task.recording)
                line({"recording": recording, "refused": refused.reason, "why": refused.message})
            codes[refused.code] += 1
            if refused.code == UNFIT:
                break
    if not codes:
        say("note", "there is nothing in it; links and what is called .clean are left out")
    if codes.total() > 1:
        say("note", f"{codes[DONE]} of {codes.total()} done")
    return overall(set(+codes))


def _clean(zygote: Zygote, task: Task, *, as_json: bool) -> None:
    """Write one clean copy, and report."""
    if os.path.lexists(task.expected()):
        raise exists(task.expected())
    with _opened(task) as (recording, size):
        if not task.whole:
            task.folder.mkdir(parents=True, exist_ok=True)
        with (
            Output(recording, task.folder) as out,
            notebook(task.folder) as noted,
            Progress(task.recording, recording.fileno(), size, lambda: out.written),
        ):
            handle = Handle(recording.fileno())
            cleaned = clean(zygote, handle, size, noted, meanwhile=out.meanwhile)
            output = task.output(cleaned.format.extension)
            out.name(cleaned.cuts, output)
    if as_json:
        report = {"recording": str(task.recording), "output": str(output)}
        line(report | facts(cleaned.format, cleaned.findings) | {"size": cleaned.cuts.size})
        return
    table(f"{output}: {cleaned.format.name}, {cleaned.cuts.size} bytes", cleaned.findings)


def _show(zygote: Zygote, task: Task, *, values: bool, as_json: bool) -> None:
    """Tell what one recording hides."""
    with (
        _opened(task) as (recording, size),
        Progress(task.recording, recording.fileno(), size, lambda: 0),
    ):
        seen = look(zygote, Handle(recording.fileno()), size, values=values)
    if as_json:
        report = {"recording": str(task.recording)} | facts(seen.format, seen.findings)
        told = {"values": [value._asdict() for value in seen.values]} if values else {}
        line(report | told)
        return
    table(f"{task.recording}: {seen.format.name}", seen.findings, seen.values)


@contextmanager
def _opened(task: Task) -> Iterator[tuple[BinaryIO, int]]:
    """Give a recording and its size; what fails meanwhile, here or in the sandbox, in words."""
    # os.path, because a folder that may not be looked into makes pathlib raise.
    if os.path.exists(task.recording) and not os.path.isfile(task.recording):  # noqa: PTH110, PTH113
        raise Refusal(f"{printable(str(task.recording))} is no file", "name a recording", USAGE)
    try:
        with task.recording.open("rb") as opened:
            yield opened, os.fstat(opened.fileno()).st_size
    except ScrubError as error:
        raise refusal(task.recording, error) from None
    except OSError as error:
        # Of a link it is the second: what is linked has no name.
        place = printable(str(error.filename2 or error.filename or task.recording))
        why = (error.strerror or "it can't be used").lower()
        hint = "is it there, may you read and write there, and is there room?"
        raise Refusal(f"{place}: {why}", hint, USAGE) from None


def run(zygote: Zygote | None) -> int:
    """Read the words and do what they say; return the exit code."""
    try:
        return int(command.main(prog_name=PROGRAM, standalone_mode=False, obj=zygote) or DONE)
    except click.ClickException as error:
        message = error.format_message().rstrip(".")
        hint = f"{PROGRAM} --help shows how"
        complain(Refusal(message[:1].lower() + message[1:], hint, USAGE), hinted=False)
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except OSError as error:  # what befalls recordings and copies is a Refusal by now
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)  # or what is left of it is tried once more at the end
        why = (error.strerror or "it can't be written").lower()
        complain(Refusal(f"standard output: {why}", "is there room?", USAGE), hinted=False)
        return USAGE
